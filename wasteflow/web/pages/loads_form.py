"""Fields of the forms of loads: what was typed, what is wrong with it, what may be chosen.

A form never loses what was typed; what a field means is said by the services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from flask import request
from msgspec import Struct

from wasteflow.core.registry import Registry, Route
from wasteflow.core.rules import route_at_receiver
from wasteflow.core.vocabulary import LABELS
from wasteflow.web.pages.loads_words import facility, field_label, input_moment, material, word
from wasteflow.web.texts import has_text, name_of, text

Choice = tuple[str, str]
PARTNERS: Final = 400
"""Enterprises offered by name; any other is found by its exact name or code."""
_AREAS: Final = frozenset({"reason", "carrier_statement", "remark"})
_SELECTS: Final = frozenset({"to_facility", "from_facility", "material", "route", "enterprise"})
_WORDS: Final = ("mode", "basis", "weighed")
_WIDE: Final = frozenset({"reason", "carrier_statement", "remark", "document"})
_MOMENTS: Final = frozenset({"at", "period_start", "period_end"})
_UNITS: Final[Mapping[str, str]] = {"meter_start": "unit.t", "meter_end": "unit.t"}


class FieldView(Struct, frozen=True):
    """One field as the template draws it; `kind` picks the control."""

    name: str
    label: str
    kind: str
    value: str = ""
    error: str = ""
    hint: str = ""
    unit: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    options: str = ""
    wide: bool = False


def field_view(
    name: str,
    value: str = "",
    *,
    error: str = "",
    required: bool = False,
    choices: Iterable[Choice] = (),
    options: str = "",
    hinted: bool = True,
) -> FieldView:
    """A field by the name of its contract column.

    choices: (value, label) of a list; options: id of a list of suggestions on the page.
    """
    kind = kind_of(name)
    if kind == "word":
        choices = [(item, word(name, item)) for item in LABELS[name]]
        choices = [("", text("form.blank")), *choices] if name == "mode" else choices
    key = f"hint.{name}"
    return FieldView(
        name=name,
        label=field_label(name),
        kind=kind,
        value=input_moment(value) if kind == "moment" else value,
        error=error,
        hint=text(key) if hinted and has_text(key) else "",
        unit=text("unit.t") if kind == "tonnes" else "%" if kind == "percent" else "",
        required=required,
        choices=tuple(choices),
        options=options,
        wide=name in _WIDE,
    )


def kind_of(name: str) -> str:
    """The control of a field: tonnes, percent, moment, word, select, area, day or text."""
    if name.endswith("_t") or name in _UNITS or name == "tonnes":
        return "tonnes"
    if name.endswith("_pct"):
        return "percent"
    if name.endswith("_at") or name in _MOMENTS:
        return "moment"
    if name in _WORDS:
        return "word"
    if name in _SELECTS:
        return "select"
    if name == "date":
        return "day"
    return "area" if name in _AREAS else "text"


def typed(names: Sequence[str]) -> dict[str, str]:
    """What the form brought for these fields, blanks included; what it did not bring is left out.

    A moment of a `datetime-local` field comes without seconds and is taken as it is.
    """
    return {name: request.form[name].strip() for name in names if name in request.form}


def given(names: Sequence[str]) -> dict[str, str]:
    """The fields of the form that are filled in."""
    return {name: value for name, value in typed(names).items() if value}


def seen_version() -> int | None:
    """The version of the load the form was made from; None if the form names none."""
    told = request.form.get("version", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None


# --- what may be chosen ----------------------------------------------------------------------


def partner_choices(registry: Registry, first: Sequence[str], own: Iterable[str]) -> list[Choice]:
    """(name to type, code beside it) of enterprises: those dealt with lately, then by code.

    Where two have one name the code is offered instead of the name.
    """
    mine = frozenset(own)
    order = [code for code in dict.fromkeys([*first, *registry.enterprises]) if code not in mine]
    firms = [registry.enterprises[code] for code in order if code in registry.enterprises]
    names: dict[str, int] = {}
    for firm in registry.enterprises.values():
        for name in {firm.name_zh, firm.name_en} - {""}:
            names[name] = names.get(name, 0) + 1
    found = []
    for firm in firms[:PARTNERS]:
        name = name_of(firm)
        unique = names.get(name) == 1
        found.append((name, firm.code) if unique else (firm.code, name))
    return found


def typed_name(registry: Registry, code: str) -> str:
    """What stands in a partner field for a code: its name where that is unique."""
    firm = registry.enterprises.get(code)
    if firm is None:
        return code
    name = name_of(firm)
    same = [item for item in registry.enterprises.values() if name in (item.name_zh, item.name_en)]
    return name if len(same) == 1 else code


def material_choices(registry: Registry, chosen: str = "") -> list[Choice]:
    """Materials by code."""
    found = [(code, name_of(item)) for code, item in registry.materials.items()]
    if chosen and chosen not in registry.materials:
        found.append((chosen, chosen))
    return [("", text("form.choose")), *found]


def route_choices(
    registry: Registry, stuff: str, consignee: str, chosen: str = "", *, returned: bool = False
) -> list[tuple[str, list[Choice]]]:
    """Routes in groups by material: only those that fit the material and the receiver if known.

    returned: a returned part goes home, whatever is registered there.
    """
    materials = [stuff] if stuff in registry.materials else list(registry.materials)
    groups = []
    for code in materials:
        fitting = [
            (item.code, name_of(item))
            for item in registry.routes.values()
            if item.fits(code)
            and (item.code == chosen or returned or _receivable(registry, item, code, consignee))
        ]
        if fitting:
            groups.append((material(code), fitting))
    return groups


def _receivable(registry: Registry, item: Route, stuff: str, consignee: str) -> bool:
    firm = registry.enterprises.get(consignee)
    if firm is None or firm.external:
        return True
    return route_at_receiver(item, stuff, registry.facilities_of.get(consignee, [])) != "unfit"


def facility_choices(registry: Registry, firm: str, *, receiving: bool) -> list[Choice]:
    """Facilities of a firm that may receive (or send), with a blank first."""
    found = [
        (item.code, facility(item.code))
        for item in registry.facilities_of.get(firm, [])
        if not receiving or item.kind != "generation"
    ]
    return [("", text("form.blank")), *found] if found else []
