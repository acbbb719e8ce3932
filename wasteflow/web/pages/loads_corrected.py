"""What a correction says on the pages of a load: the short form, the first figures, where it shows.

Reads only; proposing and answering is `loads_revise`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for
from msgspec import Struct

from wasteflow.core.lifecycle import Move
from wasteflow.core.periods import month_text
from wasteflow.services.open_months import booking_month
from wasteflow.web.access import books
from wasteflow.web.formats import month_words
from wasteflow.web.identity import reach
from wasteflow.web.pages.loads_data import month_of_text
from wasteflow.web.pages.loads_form import FieldView, field_view
from wasteflow.web.pages.loads_words import firm
from wasteflow.web.texts import lang, text

Load = Mapping[str, Any]
_SENT: Final = ("dispatched_t",)
_GOT: Final = ("received_t", "refused_t")
SHOWN: Final = ("dispatched_t", "received_t")
"""Weights that stand large on the page."""


class Place(Struct, frozen=True):
    """A page that shows the figures of a load, in words, and its address."""

    words: str
    url: str


def weights_form(load: Load) -> tuple[FieldView, ...]:
    """The weights that can be corrected in the short form; () where the asker may not revise."""
    if Move.REVISE.value not in {item["move"] for item in load["moves"]}:
        return ()
    names = _SENT + (_GOT if load.get("accepted_t") else ())
    return tuple(field_view(name, str(load[name]), error="", hinted=False) for name in names)


def first_figures(load: Load, revisions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Weights as they stood before the first correction in force, where they differ from now."""
    found: dict[str, str] = {}
    for revision in sorted(revisions, key=lambda item: int(item["number"])):
        if revision["status"] != "approved" or revision["annuls"]:
            continue
        for name in SHOWN:
            if name in revision["after"]:
                found.setdefault(name, str(revision["before"].get(name) or ""))
    return {name: value for name, value in found.items() if value and value != load.get(name)}


def places_of(load: Load) -> list[Place]:
    """Pages on which its figures stand: the months of the firms one reads, the flow, the rate."""
    moments = (load["dispatched_at"], load["received_at"])
    months = sorted({str(at)[:7] for at in moments if at})
    firms = [str(load[side]) for side in ("consignor", "consignee") if load[side]]
    mine = [code for code in firms if reach().everything or code in reach().firms]
    found = []
    for month in months:
        told = {"period": month, "material": load["material"]}
        words = month_words(month_of_text(month), lang())
        for code in mine:
            scope = f"enterprise:{code}"
            name = text("fix.balance", firm=firm(code), month=words)
            found.append(Place(name, url_for("pages.balances", scope=scope, **told)))
        if mine:
            scope = f"enterprise:{mine[0]}"
            flows = text("fix.flows", month=words)
            found.append(Place(flows, url_for("pages.flows", scope=scope, **told)))
        if load["consignor"] in mine:
            scope, rates = f"enterprise:{load['consignor']}", text("fix.rates", month=words)
            found.append(Place(rates, url_for("pages.rates", scope=scope, **told)))
    return found


def closed_words(load: Load) -> str:
    """That the month of a load is closed and where a change of its figures is booked; else ""."""
    moments = [str(load[name]) for name in ("dispatched_at", "received_at") if load.get(name)]
    if not moments:
        return ""
    firms = {str(load[side]) for side in ("consignor", "consignee", "holder") if load.get(side)}
    month = min(month_of_text(value[:7]) for value in moments)
    booked = booking_month(db=books().db, firms=sorted(firms), month=month)
    return booked_words(month_text(month), month_text(booked))


def booked_words(month: str, booked: str) -> str:
    """That what belongs to `month` is booked in another, `booked`; else ""."""
    if not month or month == booked:
        return ""
    names = [month_words(month_of_text(item), lang()) for item in (month, booked)]
    return text("revise.booked", month=names[0], booked=names[1])
