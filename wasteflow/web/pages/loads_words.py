"""Loads in words: firms, materials, moments, weights, states, moves and events; nothing is decided.

Everything comes as the services give it: codes, decimal texts, ISO moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from wasteflow.core.errors import FieldsRefused, Remark, WasteflowError
from wasteflow.core.periods import SHANGHAI
from wasteflow.core.registry import Registry
from wasteflow.core.vocabulary import label
from wasteflow.web.access import books_seen
from wasteflow.web.formats import NONE
from wasteflow.web.texts import has_text, lang, name_of, text

STEPS: Final = ("draft", "issued", "in_transit", "received", "decided")
DECIDED: Final = ("accepted", "partly_accepted", "refused")
TONES: Final[Mapping[str, str]] = {
    "draft": "open",
    "issued": "info",
    "in_transit": "info",
    "received": "warn",
    "accepted": "good",
    "partly_accepted": "warn",
    "refused": "bad",
    "cancelled": "open",
    "lost": "bad",
}
"""State → tone of its badge; the word stands beside it always."""
_VOCABULARIES: Final = {"kind": "load_kind"}


def registry() -> Registry:
    """The registry as it is now."""
    return books_seen().registry


def firm(code: str | None) -> str:
    """Name of an enterprise (of a park or region, where one acts), the code if it is unknown."""
    if not code:
        return NONE
    held = registry()
    for table in (held.enterprises, held.parks, held.regions):
        if code in table:
            return name_of(table[code])
    return code


def material(code: str | None) -> str:
    """Name of a material."""
    item = registry().materials.get(code or "")
    return name_of(item) if item else (code or NONE)


def route(code: str | None) -> str:
    """Name of a route."""
    item = registry().routes.get(code or "")
    return name_of(item) if item else (code or NONE)


def facility(code: str | None) -> str:
    """Name of a facility."""
    item = registry().facilities.get(code or "")
    return (item.name or item.code) if item else (code or NONE)


def word(name: str, value: str | None) -> str:
    """A word of a closed list by the field it stands in."""
    vocabulary = _VOCABULARIES.get(name, name)
    if not value:
        return NONE
    key = f"word.{vocabulary}.{value}"
    return text(key) if has_text(key) else label(vocabulary, value, lang())


def state(value: str) -> str:
    """A state in words."""
    return text(f"state.{value}")


def field_label(name: str) -> str:
    """What a field is called."""
    return text(f"field.{name}") if has_text(f"field.{name}") else name


def value_words(name: str, value: str | None) -> str:
    """A value of a contract column as people read it."""
    if value in (None, ""):
        return NONE
    shown = str(value)
    if name in ("consignor", "consignee", "holder"):
        return firm(shown)
    if name == "material":
        return material(shown)
    if name == "route":
        return route(shown)
    if name in ("from_facility", "to_facility"):
        return facility(shown)
    if name in ("mode", "basis", "weighed", "kind", "evidence"):
        return word(name, shown)
    if name.endswith("_at") or name in ("at", "period_start", "period_end"):
        return moment(shown)
    if name.endswith("_t") or name in ("meter_start", "meter_end"):
        return f"{tonnes(shown)} {text('unit.t')}"
    return f"{shown} %" if name.endswith("_pct") else shown


def tonnes(value: str | None) -> str:
    """A decimal text of tonnes: thousands separated, no idle zeros beyond two places.

    >>> tonnes("1031.480"), tonnes("0.005"), tonnes("0.000"), tonnes(None)
    ('1,031.48', '0.005', '0', '–')
    """
    if value in (None, ""):
        return NONE
    number = Decimal(str(value))
    if not number:
        return "0"
    places = 3 if number * 100 % 1 else 2
    return f"{number:,.{places}f}"


def moment(value: str | None) -> str:
    """An ISO moment as day and minute of Asia/Shanghai; text that is none stays as it is."""
    if not value:
        return NONE
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    if found.tzinfo is not None:
        found = found.astimezone(SHANGHAI)
    return f"{found:%Y-%m-%d %H:%M}"


def input_moment(value: str | None) -> str:
    """An ISO moment for a `datetime-local` field."""
    return moment(value).replace(" ", "T") if value else ""


def gap(load: Mapping[str, Any]) -> dict[str, str] | None:
    """Received against dispatched: difference with its sign, percent, and how large it is.

    The verdict of the tolerance is the service's (`disputed`); here the masses are subtracted.
    """
    sent, got = load.get("dispatched_t"), load.get("received_t")
    if not sent or not got or not Decimal(sent):
        return None
    difference = Decimal(got) - Decimal(sent)
    share = difference / Decimal(sent) * 100
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    return {
        "tonnes": f"{sign}{tonnes(str(abs(difference)))}",
        "percent": f"{sign}{abs(share):.1f}",
        "size": "none" if not difference else "large" if load.get("disputed") else "small",
    }


def number_of(load: Mapping[str, Any]) -> str:
    """The number of a load, or that it is a draft."""
    return str(load.get("doc_no") or text("load.unnumbered"))


def problems_of(error: WasteflowError) -> tuple[dict[str, str], list[str]]:
    """(field → what is wrong, what is wrong with the whole) of a refused form."""
    if not isinstance(error, FieldsRefused):
        return {}, [error.text(lang())]
    by_field: dict[str, str] = {}
    for issue in error.issues:
        by_field.setdefault(issue.pointer.removeprefix("/"), issue.text(lang()))
    return by_field, []


def remark_words(items: list[Remark]) -> list[str]:
    """Warnings in the language of the request."""
    return [item.text(lang()) for item in items]
