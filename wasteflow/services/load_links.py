"""What the registry says of each distinct link of a file: route, border, permits; no row is read.

The answers are those of the functions that judge a single row, asked once per link and span of days
on which they cannot change.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from msgspec import Struct

from wasteflow.core.errors import WasteflowError
from wasteflow.core.loads_bulk import Flags, Ints
from wasteflow.core.rules import PROVINCE_DIGITS, expired_permit, unfiled_border
from wasteflow.core.vocabulary import LoadKind
from wasteflow.services.load_rows import LoadChecker
from wasteflow_models.keys import Keys
from wasteflow_models.words import LOAD_KINDS

_DAY_BITS = 22
"""Ordinals of days are below 2 ** 22."""
_REFUSED, _UNREGISTERED, _CONDITIONAL = 1, 2, 4


class Parties:
    """Enterprises, materials and routes by their position, with the integer keys of the books.

    Positions begin with 1; 0 is a name that means nothing, or not one thing.
    """

    def __init__(self, keys: Keys, checker: LoadChecker) -> None:
        registry = keys.registry
        self._names = checker.names
        self.firms = ["", *registry.enterprises]
        self.materials = ["", *registry.materials]
        self.routes = ["", *registry.routes]
        self._firm = {code: place for place, code in enumerate(self.firms)}
        self._material = {code: place for place, code in enumerate(self.materials)}
        self._route = {code: place for place, code in enumerate(self.routes)}
        self.firm_ids = _ids(self.firms, keys, "enterprise")
        self.material_ids = _ids(self.materials, keys, "material")
        self.route_ids = _ids(self.routes, keys, "route")
        self.external = np.array(
            [bool(code) and registry.enterprises[code].external for code in self.firms]
        )

    def firm(self, _: str, name: str) -> int:
        """Position of the enterprise that a name means."""
        try:
            return self._firm[self._names.enterprise(name)]
        except WasteflowError:
            return 0

    def place_of(self, code: str) -> int:
        """Position of the enterprise of a code, 0 if there is none."""
        return self._firm.get(code, 0) if code else 0

    def material(self, _: str, code: str) -> int:
        """Position of a material."""
        return self._material.get(code, 0)

    def route(self, _: str, code: str) -> int:
        """Position of a route."""
        return self._route.get(code, 0)


def _ids(codes: list[str], keys: Keys, kind: str) -> Ints:
    return np.array([keys.id_of(kind, code) for code in codes], np.int64)


class LinkAnswers(Struct, frozen=True):
    """By row: whether the link is refused, and the remarks that it draws."""

    refused: Flags
    unregistered: Flags
    conditional: Flags
    unfiled: Flags
    expired: Flags


class Links:
    """Remembers the answers for (consignor, consignee, material, route, kind), by position."""

    def __init__(self, keys: Keys, checker: LoadChecker, parties: Parties) -> None:
        self._registry = keys.registry
        self._checker = checker
        self._parties = parties
        self._sizes = len(parties.firms), len(parties.materials), len(parties.routes)
        self._numbers: dict[int, int] = {}
        self._marks: list[int] = []
        self._spans: list[int] = []
        self._unfiled: list[bool] = []
        self._expired: list[bool] = []
        self._filing_days: dict[str, set[int]] = {}
        for filing in keys.registry.filings.values():
            days = self._filing_days.setdefault(filing.enterprise, set())
            days.update(_changes(filing.valid_from, filing.valid_to))

    def ask(
        self,
        ends: tuple[Ints, Ints],
        material: Ints,
        route: Ints,
        kind: Ints,
        sent_day: Ints,
        permit_day: Ints,
    ) -> LinkAnswers:
        """Answers for rows of loads; days are ordinals.

        ends: consignor and consignee, a row with a position 0 is refused; kind: its LOAD_KINDS.
        """
        firms, materials, routes = self._sizes
        known = (ends[0] > 0) & (ends[1] > 0) & (material > 0) & (route > 0)
        keys = ((ends[0] * firms + ends[1]) * materials + material) * routes + route
        keys = keys * len(LOAD_KINDS) + kind
        distinct, where = np.unique(np.where(known, keys, 0), return_inverse=True)
        numbers = np.array([self._number(key) for key in distinct.tolist()], np.int64)[where]
        marks = np.array(self._marks, np.int64)[numbers]
        spans = self._span_of(numbers, sent_day), self._span_of(numbers, permit_day)
        return LinkAnswers(
            refused=(marks & _REFUSED) > 0,
            unregistered=(marks & _UNREGISTERED) > 0,
            conditional=(marks & _CONDITIONAL) > 0,
            unfiled=np.array(self._unfiled, np.bool_)[spans[0]],
            expired=np.array(self._expired, np.bool_)[spans[1]],
        )

    def _span_of(self, numbers: Ints, day: Ints) -> Ints:
        """Positions of the spans in which the days of the links lie."""
        if len(self._spans) == len(self._marks):
            return numbers  # no link has anything dated
        starts = np.array(self._spans, np.int64)
        return np.searchsorted(starts, (numbers << _DAY_BITS) + day, "right") - 1

    def _number(self, key: int) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._marks)
            self._judge(key, number)
        return number

    def _judge(self, key: int, number: int) -> None:
        """Ask the rules about a link, once per span of days."""
        key, kind_place = divmod(key, len(LOAD_KINDS))
        kind = LoadKind(LOAD_KINDS[kind_place])
        key, route_place = divmod(key, self._sizes[2])
        key, material_place = divmod(key, self._sizes[1])
        places = divmod(key, self._sizes[0])
        consignor, consignee = (self._parties.firms[place] for place in places)
        if not consignor or (consignor == consignee and kind is not LoadKind.RETURN):
            self._add(number, _REFUSED, [(0, False, False)])
            return
        material = self._parties.materials[material_place]
        route = self._registry.routes[self._parties.routes[route_place]]
        verdict = self._checker.route_verdict(route, material, kind, consignee)
        mark = _CONDITIONAL if route.conditional and kind is LoadKind.DELIVERY else 0
        mark |= {"": 0, "unregistered": _UNREGISTERED}.get(verdict, _REFUSED)
        facilities = self._registry.facilities_of.get(consignee, [])
        if kind is LoadKind.RETURN:  # what goes home needs no permit
            facilities = []
        days = {1}
        for facility in facilities:
            days.update(_changes(facility.valid_from, facility.valid_to))
        crosses = self._crosses(consignor, consignee)
        if crosses:
            for enterprise in ("", consignor):
                days |= self._filing_days.get(enterprise, set())
        spans = []
        for ordinal in sorted(days):
            day = date.fromordinal(ordinal)
            unfiled = crosses and unfiled_border(
                self._registry, consignor, consignee, material, day
            )
            late = expired_permit(route, material, facilities, day)
            spans.append((ordinal, bool(unfiled), late is not None))
        self._add(number, mark, spans)

    def _crosses(self, consignor: str, consignee: str) -> bool:
        """Whether filings could matter: the ends lie in different provinces."""
        ends = [self._registry.region_of(firm)[:PROVINCE_DIGITS] for firm in (consignor, consignee)]
        return ends[0] != ends[1]

    def _add(self, number: int, mark: int, spans: list[tuple[int, bool, bool]]) -> None:
        self._marks.append(mark)
        for ordinal, unfiled, expired in spans:
            self._spans.append((number << _DAY_BITS) + ordinal)
            self._unfiled.append(unfiled)
            self._expired.append(expired)


def _changes(first: date | None, last: date | None) -> set[int]:
    """Days from which on something with these dates may be in force or not."""
    found = set() if first is None else {first.toordinal()}
    if last is not None and last < date.max:
        found.add(last.toordinal() + 1)
    return found
