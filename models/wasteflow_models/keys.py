"""Registry snapshot with the integer keys of its tables; needs no table itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from wasteflow.core import registry as core
from wasteflow.core.places import Place, PlaceKind

_KINDS = {int(kind): kind for kind in PlaceKind}
"""Quicker than asking the enumeration a hundred thousand times."""


@dataclass(frozen=True)
class Keys:
    """Registry snapshot with integer keys: `ids[kind][code]` and `codes[kind][id]`."""

    registry: core.Registry
    ids: dict[str, dict[str, int]] = field(default_factory=dict)

    @cached_property
    def codes(self) -> dict[str, dict[int, str]]:
        """Kind → integer key → code ("" for 0)."""
        return {
            kind: {0: "", **{key: code for code, key in table.items()}}
            for kind, table in self.ids.items()
        }

    def id_of(self, kind: str, code: str) -> int:
        """Integer key of a code, 0 for ""."""
        return self.ids[kind][code] if code else 0

    def place(self, kind: int, a: int, b: int) -> Place:
        """The place of a row of `place`."""
        word = _KINDS[kind] if kind in _KINDS else PlaceKind(kind)
        firm, route = self.codes["enterprise"], self.codes["route"]
        if word is PlaceKind.TRANSIT:
            return Place(word, firm[a], firm[b])
        if word in (PlaceKind.SITE, PlaceKind.YARD):
            return Place(word, firm[a])
        if word in (PlaceKind.USE, PlaceKind.DISPOSAL):
            return Place(word, route[a])
        if word is PlaceKind.OPENING:
            return Place(word, firm[a], str(b) if b else "")
        return Place(word)

    def place_key(self, place: Place) -> tuple[int, int, int]:
        """(kind, a, b) of a place."""
        kind = place.kind
        if kind is PlaceKind.TRANSIT:
            return kind, self.id_of("enterprise", place.a), self.id_of("enterprise", place.b)
        if kind in (PlaceKind.SITE, PlaceKind.YARD):
            return kind, self.id_of("enterprise", place.a), 0
        if kind in (PlaceKind.USE, PlaceKind.DISPOSAL):
            return kind, self.id_of("route", place.a), 0
        if kind is PlaceKind.OPENING:
            return kind, self.id_of("enterprise", place.a), int(place.b or 0)
        return kind, 0, 0
