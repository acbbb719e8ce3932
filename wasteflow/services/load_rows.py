"""From the rows of a shipments file to checked loads: names resolved, rules of 4.5 applied.

Nothing is written here; a broken rule becomes a RowIssue of its line and column.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from wasteflow.core.errors import InvalidValue, RowIssue, WasteflowError
from wasteflow.core.periods import shanghai_day
from wasteflow.core.records import Event, EventKind, LoadHeader
from wasteflow.core.registry import Registry, Route
from wasteflow.core.rules import (
    CAP_KG,
    USUAL_TOLERANCE,
    Tolerance,
    border_words,
    cap_breach,
    expired_permit,
    gap_percent,
    route_at_receiver,
    unfiled_border,
    weight_gap,
)
from wasteflow.core.units import MAX_KG, dry_from_wet, tonnes_text, wet_from_dry
from wasteflow.core.vocabulary import EVIDENCE, Evidence, LoadKind
from wasteflow.services.naming import Names, known
from wasteflow.services.outcome import Row, Warnings

IMPORTER_MAY_ASSERT = Evidence.IMPORTED
OWN_FILE_ASSERTS = Evidence.ONE_SIDED
"""The grade of a load in the own file of one of its firms, until the other one signs it too."""


class Weight(Struct, frozen=True):
    """A weight as given and as it counts: wet kilograms, dry beside it when moisture is known."""

    kg: int
    input_kg: int
    dry_kg: int | None
    basis: str
    moisture: int | None
    weighed: str


class CheckedLoad(Struct, frozen=True):
    """One load of a file, ready to be written.

    `decision` is None for a load in transit.
    """

    line: int
    header: LoadHeader
    values: Any
    dispatch: Event
    dispatch_weight: Weight
    decision: Event | None
    decision_weight: Weight | None


class LoadChecker:
    """Checks rows one by one against a registry snapshot; remarks go to `warnings`."""

    def __init__(
        self,
        registry: Registry,
        warnings: Warnings,
        tolerance: Tolerance = USUAL_TOLERANCE,
        signer: str = "",
    ) -> None:
        self._tolerance, self._signer = tolerance, signer
        self._registry = registry
        self.names = Names(registry)
        self.warnings = warnings
        self._fits: dict[tuple[str, str, str], str] = {}

    def check(self, row: Row) -> CheckedLoad | RowIssue:
        """The load of a row, or why it is refused (first broken rule)."""
        field = "consignor"
        values = row.values
        try:
            consignor = self.names.enterprise(values["consignor"])
            field = "consignee"
            consignee = self.names.enterprise(values["consignee"])
            kind = LoadKind(values.get("kind") or LoadKind.DELIVERY)
            if consignor == consignee and kind is not LoadKind.RETURN:
                return _issue(row, "consignee", "sender_is_receiver")
            field = "material"
            material = known(self._registry.materials, "material", values["material"])
            field = "route"
            known(self._registry.routes, "route", values["route"])
            for field, owner in (("from_facility", consignor), ("to_facility", consignee)):
                if values.get(field):
                    self.names.facility(values[field], owner)
        except WasteflowError as error:
            return RowIssue(row.line, field, str(values.get(field) or ""), error.code, error.params)
        issue = self._route_issue(row, kind, material, consignee)
        if issue:
            return issue
        header = LoadHeader(
            doc_no=values["doc_no"],
            consignor=consignor,
            consignee=consignee,
            material=material,
            route=values["route"],
            kind=kind,
            to_outside=self._registry.enterprises[consignee].external,
            from_outside=self._registry.enterprises[consignor].external,
            trips=values.get("loads") or 1,
        )
        try:
            return self._weigh(row, header)
        except WasteflowError as error:
            return _issue(row, "moisture_pct", error.code, **error.params)

    def _route_issue(
        self, row: Row, kind: LoadKind, material: str, consignee: str
    ) -> RowIssue | None:
        """Route against material and receiver; a return goes home and needs neither."""
        route = self._registry.routes[row.values["route"]]
        verdict = self.route_verdict(route, material, kind, consignee)
        if verdict == "misfit":
            fitting = ", ".join(sorted(route.materials))
            return _issue(row, "route", "route_does_not_fit_material", materials=fitting)
        if verdict == "unfit":
            return _issue(row, "route", "route_does_not_fit_receiver", enterprise=consignee)
        if verdict == "unregistered":
            self.warnings.add(row.line, "route_not_registered", enterprise=consignee)
        return None

    def route_verdict(self, route: Route, material: str, kind: LoadKind, consignee: str) -> str:
        """ "misfit" (not for the material) and "unfit" (not at the receiver) refuse a load,
        "unregistered" (a receiver without receiving facilities) is a warning, "" is good.
        """
        if not route.fits(material):
            return "misfit"
        if kind is LoadKind.RETURN or self._registry.enterprises[consignee].external:
            return ""
        key = route.code, material, consignee
        if key not in self._fits:
            facilities = self._registry.facilities_of.get(consignee, [])
            self._fits[key] = route_at_receiver(route, material, facilities)
        return self._fits[key]

    def _weigh(self, row: Row, header: LoadHeader) -> CheckedLoad | RowIssue:
        values = row.values
        mode = values.get("mode") or ""
        basis = values.get("basis") or "wet"
        weighed = values.get("weighed") or "measured"
        moisture = values.get("moisture_pct")
        sent = weight(values["dispatched_t"], basis, moisture, weighed)
        breach = cap_breach(mode, sent.kg, header.trips)
        if breach == "over_twice_cap":
            cap = str(CAP_KG[mode] * header.trips // 1000)
            return _issue(row, "dispatched_t", "over_twice_cap", cap=cap)
        if breach:
            self.warnings.add(row.line, "over_cap", cap=CAP_KG[mode] * header.trips // 1000)
        evidence = self._evidence(row, weighed, header)
        decision = decision_weight = None
        if values.get("received_at") is not None:
            moisture_there = values.get("received_moisture_pct")
            if moisture_there is None and basis == "dry":
                moisture_there = moisture
            got = weight(values["received_t"], basis, moisture_there, weighed)
            accepted = weight(values["accepted_t"], basis, moisture_there, weighed).kg
            compared = sent.kg, got.kg, moisture, values.get("received_moisture_pct")
            gap = weight_gap(*compared, self._tolerance)
            if gap and not values.get("reason"):
                self.warnings.add(row.line, "reason_missing", percent=gap_percent(*compared))
            if gap == "disputed":
                evidence = Evidence.DISPUTED
                self.warnings.add(row.line, "weight_disputed", percent=gap_percent(*compared))
            decision_weight = got
            decision = Event(
                2,
                EventKind.DECIDED,
                values["received_at"],
                got.kg,
                accepted,
                got.kg - accepted,
                evidence,
            )
        self._remark_transfer(row, header)
        dispatch = Event(
            1, EventKind.DISPATCHED, values["dispatched_at"], sent.kg, evidence=evidence
        )
        return CheckedLoad(
            row.line,
            header,
            values,
            dispatch,
            sent,
            decision,
            decision_weight,
        )

    def _evidence(self, row: Row, weighed: str, header: LoadHeader) -> Evidence:
        """Grade the importer may assert; a better one asked for is lowered with a warning."""
        own = self._signer in (header.consignor, header.consignee)
        best = OWN_FILE_ASSERTS if own else IMPORTER_MAY_ASSERT
        asked = EVIDENCE[row.values.get("evidence") or best.word]
        if asked < best:
            self.warnings.add(row.line, "evidence_too_good", value=asked.word)
        grade = max(asked, best)
        return max(grade, Evidence.ESTIMATED) if weighed == "estimated" else grade

    def _remark_transfer(self, row: Row, header: LoadHeader) -> None:
        """Warnings on conditional routes and on borders of provinces."""
        if self._registry.routes[header.route].conditional and header.kind is LoadKind.DELIVERY:
            self.warnings.add(row.line, "conditional_without_document", value=header.route)
        self._remark_permit(row, header)
        day = shanghai_day(row.values["dispatched_at"])
        provinces = unfiled_border(
            self._registry, header.consignor, header.consignee, header.material, day
        )
        if provinces:
            told = border_words(self._registry, provinces)
            self.warnings.add(row.line, "cross_province_without_filing", **told)

    def _remark_permit(self, row: Row, header: LoadHeader) -> None:
        """Warning on a receiving facility outside the dates of its permit."""
        if header.kind is LoadKind.RETURN:
            return
        facilities = self._registry.facilities_of.get(header.consignee, [])
        if not any(item.valid_from or item.valid_to for item in facilities):
            return
        day = shanghai_day(row.values.get("received_at") or row.values["dispatched_at"])
        route = self._registry.routes[header.route]
        late = expired_permit(route, header.material, facilities, day)
        if late is not None:
            self.warnings.add(
                row.line,
                "expired_permit",
                facility=late.code,
                date=day,
                valid_from=late.valid_from or "…",
                valid_to=late.valid_to or "…",
            )


def weight(input_kg: int, basis: str, moisture: int | None, weighed: str) -> Weight:
    """Wet and dry kilograms of a given mass; a dry input has its moisture (the schema's rule)."""
    if basis == "dry" and moisture is not None:
        wet = wet_from_dry(input_kg, moisture)
        if wet > MAX_KG:
            raise InvalidValue("mass_too_large", value=tonnes_text(wet))
        return Weight(wet, input_kg, input_kg, basis, moisture, weighed)
    dry = None if moisture is None else dry_from_wet(input_kg, moisture)
    return Weight(input_kg, input_kg, dry, basis, moisture, weighed)


def _issue(row: Row, field: str, code: str, **params: str) -> RowIssue:
    return RowIssue(row.line, field, str(row.values.get(field) or ""), code, params)
