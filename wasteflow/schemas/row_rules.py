"""Rules of a row that need nothing but the row, and the cells a row leaves to be inferred.

What needs the registry or the books (does the route fit, is the number known) is for services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.periods import shanghai_day
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LABELS, ROUTE_ENTRIES, word_of
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import known_words

Values = MutableMapping[str, Any]
"""Column name → typed value (None = blank), every column of the kind."""

Found = Iterator[tuple[str, Fault]]
"""(column, reason) of each broken rule."""


class Clock(Struct, frozen=True):
    """What holds for a file: the reporting day, the moment if known, the tolerance of weights, and
    the firm whose own file of loads it is ("" = nobody's).
    """

    today: date
    now: datetime | None = None
    tolerance: Tolerance = USUAL_TOLERANCE
    signer: str = ""

    def is_future(self, moment: datetime, bare: bool) -> bool:
        """Whether `moment` lies ahead; a bare date is judged by its day alone."""
        if bare or self.now is None:
            return shanghai_day(moment) > self.today
        return moment > self.now


_MASSES: Final = ("dispatched_t", "received_t", "accepted_t", "refused_t")
_RECEIPT: Final = ("received_at", "received_t", "accepted_t", "refused_t")
_ENTRY_ROUTES: Final = frozenset(kind.value for kind in ROUTE_ENTRIES)


def complete_and_check(
    kind: str, values: Values, clock: Clock, is_bare: Callable[[str], bool]
) -> tuple[str, Fault] | None:
    """Fill what the contract infers into `values`; the first broken rule in column order, or None.

    `is_bare(column)` tells whether a moment was given as a date only.
    Shipments gain `one_sided` (bool) and the equal weight; a load in transit has None in all four
    receipt columns.  Registry rows get the missing one of their two names.
    """
    found = broken_rules(kind, values, clock, is_bare)
    if not found:
        return None
    order = {column.name: index for index, column in enumerate(columns_of(kind))}
    return min(found, key=lambda item: order[item[0]])


def broken_rules(
    kind: str, values: Values, clock: Clock, is_bare: Callable[[str], bool]
) -> list[tuple[str, Fault]]:
    """Every broken rule of a row; fills `values` as `complete_and_check` does."""
    if kind == "shipments":
        found = _shipment(values, clock, is_bare)
    elif kind == "entries":
        found = _entry(values, clock)
    elif kind == "products":
        found = _product(values, clock)
    elif kind in ("park_inputs", "profiles"):
        found = _statement(values, clock)
    else:
        found = _registry(values)
    return list(found)


# --- registry --------------------------------------------------------------------------------


def _registry(values: Values) -> Found:
    if "name_zh" in values:
        values["name_zh"] = values["name_zh"] or values["name_en"]
        values["name_en"] = values["name_en"] or values["name_zh"]
        if not values["name_zh"]:
            yield "name_zh", Fault("name_missing")
    if "lon" in values and (values["lon"] is None) != (values["lat"] is None):
        yield "lon", Fault("half_position")
    elif values.get("lon") is not None and not values["crs"]:
        yield "crs", Fault("crs_needed")
    first, last = values.get("valid_from"), values.get("valid_to")
    if first and last and last < first:
        yield "valid_to", Fault("interval_reversed", {"first": first})
    for name in ("capacity_t_per_year", "quota_t"):
        if (values.get(name) or 0) < 0:
            yield name, Fault("negative_amount", {"value": tonnes_text(values[name])})
    bounds = [values[name] for name in ("low", "typical", "high") if values.get(name) is not None]
    if bounds != sorted(bounds):
        yield "low", Fault("low_above_high")


# --- products --------------------------------------------------------------------------------


def _product(values: Values, clock: Clock) -> Found:
    if values["date"] > clock.today:
        yield "date", Fault("future_date", {"today": clock.today})
    if values["tonnes"] < 0:
        yield "tonnes", Fault("negative_amount", {"value": tonnes_text(values["tonnes"])})
    elif not values["tonnes"]:
        yield "tonnes", Fault("zero_tonnes")


# --- what is stated once a year ---------------------------------------------------------------


def _statement(values: Values, clock: Clock) -> Found:
    if values["year"] > clock.today.year:
        yield "year", Fault("future_date", {"today": clock.today})
    if values.get("date") and values["date"] > clock.today:
        yield "date", Fault("future_date", {"today": clock.today})
    if values.get("value") is not None and values["value"] < 0:
        yield "value", Fault("negative_amount", {"value": values["value"]})


# --- entries ---------------------------------------------------------------------------------


def _entry(values: Values, clock: Clock) -> Found:
    kind, day, kg = values["kind"], values["date"], values["tonnes"]
    if kind in _ENTRY_ROUTES and not values["route"]:
        yield "route", Fault("route_missing")
    if day > clock.today:
        yield "date", Fault("future_date", {"today": clock.today})
    if kg < 0:
        yield "tonnes", Fault("negative_tonnes")
    elif kg == 0 and kind != "stocktake":
        yield "tonnes", Fault("zero_tonnes")
    if values["basis"] == "dry" and values["moisture_pct"] is None:
        yield "moisture_pct", Fault("dry_needs_moisture")
    yield from _origin(values)
    if kind == "stocktake":
        yield from _stocktake_reason(values)


def _origin(values: Values) -> Found:
    """Year and generator belong to opening stock, `from_use` to generation."""
    year = values["year_generated"]
    if values["kind"] != "opening":
        if year is not None:
            yield "year_generated", Fault("generator_only_opening")
        if values["generator"]:
            yield "generator", Fault("generator_only_opening")
    elif year is not None and year > values["date"].year:
        yield "year_generated", Fault("year_after_opening", {"date": values["date"]})
    if values["from_use"] and values["kind"] != "generation":
        yield "from_use", Fault("from_use_only_generation")


def _stocktake_reason(values: Values) -> Found:
    given = values["reason"]
    known = known_words("reason")
    if not given:
        yield "reason", Fault("reason_needed", {"known": known})
        return
    word = word_of("reason", given)
    if word is None or word not in LABELS["reason"]:
        yield "reason", Fault("bad_reason", {"value": given, "known": known})
    else:
        values["reason"] = word


# --- shipments -------------------------------------------------------------------------------


def _shipment(values: Values, clock: Clock, is_bare: Callable[[str], bool]) -> Found:
    yield from _parties(values)
    bad = False
    for name in _MASSES:
        kg = values[name]
        if kg is not None and kg <= 0 and (kg < 0 or name == "dispatched_t"):
            bad = True
            yield name, Fault("negative_tonnes" if kg < 0 else "zero_tonnes")
    if not bad:
        yield from _complete_weights(values)
    if values["basis"] == "dry" and values["moisture_pct"] is None:
        yield "moisture_pct", Fault("dry_needs_moisture")
    yield from _times(values, clock, is_bare)


def _parties(values: Values) -> Found:
    kind, parent = values["kind"], values["parent_doc_no"]
    if values["consignor"] == values["consignee"] and kind != "return":
        yield "consignee", Fault("sender_is_receiver")
    if kind == "delivery":
        if parent:
            yield "kind", Fault("child_kind_needed")
    elif not parent:
        yield "parent_doc_no", Fault("parent_missing")
    elif parent == values["doc_no"]:
        yield "parent_doc_no", Fault("parent_cycle", {"value": parent})


def _complete_weights(values: Values) -> Found:
    """Two of received, accepted, refused give the third; a one-sided report gets equal weights."""
    sent, received = values["dispatched_t"], values["received_t"]
    accepted, refused = values["accepted_t"], values["refused_t"]
    values["one_sided"] = False
    if sent is None and accepted is None:
        yield "dispatched_t", Fault("weight_missing")
        return
    if received is None and accepted is None and refused is None:
        if values["received_at"] is None:
            return
        values["one_sided"] = True
        accepted = sent
    values["one_sided"] |= sent is None
    weights = _weights(received, accepted, refused)
    if isinstance(weights, Fault):
        yield "received_t", weights
        return
    values["received_t"], values["accepted_t"], values["refused_t"] = weights
    if sent is None:
        values["dispatched_t"] = weights[0]
    if values["received_at"] is None:
        values["received_at"] = values["dispatched_at"]


def _weights(
    received: int | None, accepted: int | None, refused: int | None
) -> tuple[int, int, int] | Fault:
    """(received, accepted, refused) kilograms from those given (at least one), or why not."""
    if accepted is None:
        accepted = 0 if received is None else received - (refused or 0)
    if refused is None:
        refused = 0 if received is None else received - accepted
    if received is None:
        received = accepted + refused
    if received != accepted + refused or accepted < 0 or refused < 0:
        parts = max(accepted, 0) + max(refused, 0)
        given = {"received": tonnes_text(received), "sum": tonnes_text(parts)}
        return Fault("received_not_sum", given)
    return (received, accepted, refused) if received else Fault("nothing_received")


def _times(values: Values, clock: Clock, is_bare: Callable[[str], bool]) -> Found:
    sent, received = values["dispatched_at"], values["received_at"]
    for name in ("dispatched_at", "received_at"):
        moment = values[name]
        if moment is not None and clock.is_future(moment, is_bare(name)):
            yield name, Fault("future_date", {"today": clock.today})
    if received is None or received >= sent:
        return
    same_day = shanghai_day(received) == shanghai_day(sent)
    if same_day and (is_bare("dispatched_at") or is_bare("received_at")):
        values["received_at"] = sent
    else:
        yield "received_at", Fault("received_before_dispatched", {"dispatched_at": sent})


def in_transit(values: Mapping[str, Any]) -> bool:
    """Whether a shipment row carries no receipt at all."""
    return all(values[name] is None for name in _RECEIPT)
