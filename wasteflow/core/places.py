"""The ends of every posting: places of an enterprise and the boundary nodes (3-architecture 3.2).

A place is a kind and up to two arguments; its text key is the public name of the graph node.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class PlaceKind(IntEnum):
    """What a posting can come from or go to; the numbers are stored and never reused."""

    SITE = 1
    YARD = 2
    TRANSIT = 3
    GENERATION = 10
    RECIRCULATED = 11
    OPENING = 12
    USE = 13
    DISPOSAL = 14
    DUMPING = 15
    OUTSIDE = 16
    WEIGHING = 17
    LOST = 18
    STOCKTAKE = 19


HOLDING = frozenset({PlaceKind.SITE, PlaceKind.YARD, PlaceKind.TRANSIT})
"""Kinds that hold stock; every other kind is a boundary of the system."""

_WORDS = {
    PlaceKind.SITE: "site",
    PlaceKind.YARD: "yard",
    PlaceKind.TRANSIT: "transit",
    PlaceKind.GENERATION: "generation",
    PlaceKind.RECIRCULATED: "recirculated",
    PlaceKind.OPENING: "opening",
    PlaceKind.USE: "use",
    PlaceKind.DISPOSAL: "disposal",
    PlaceKind.DUMPING: "dumping",
    PlaceKind.OUTSIDE: "outside",
    PlaceKind.WEIGHING: "weighing_difference",
    PlaceKind.LOST: "lost",
    PlaceKind.STOCKTAKE: "stocktake",
}
_KINDS = {word: kind for kind, word in _WORDS.items()}
BOUNDARY_WORDS = frozenset(word for kind, word in _WORDS.items() if kind not in HOLDING)
"""Node ids of the graph that are no place of a firm; no registry code may be one of them."""
_ARITY = {
    PlaceKind.SITE: 1,
    PlaceKind.YARD: 1,
    PlaceKind.TRANSIT: 2,
    PlaceKind.OPENING: 2,
    PlaceKind.USE: 1,
    PlaceKind.DISPOSAL: 1,
}


class Place(NamedTuple):
    """`kind` with its arguments: enterprise(s), route, or generator and year ("" where none)."""

    kind: PlaceKind
    a: str = ""
    b: str = ""

    @property
    def key(self) -> str:
        """Text key such as `transit:ent.a:ent.b` or `opening::2024`.

        >>> Place(PlaceKind.OPENING, "", "2024").key
        'opening::2024'
        """
        arguments = (self.a, self.b)[: _ARITY.get(self.kind, 0)]
        return ":".join((_WORDS[self.kind], *arguments))

    @property
    def holds_stock(self) -> bool:
        """True for site, yard and transit."""
        return self.kind in HOLDING

    @property
    def owner(self) -> str:
        """The enterprise whose stock lies here ("" at a boundary); transit is the consignor's."""
        return self.a if self.kind in HOLDING else ""

    @property
    def word(self) -> str:
        """The kind as a word."""
        return _WORDS[self.kind]

    @classmethod
    def parse(cls, key: str) -> Place:
        """The place of a text key; ValueError if it is none."""
        word, *arguments = key.split(":")
        kind = _KINDS.get(word)
        if kind is None or len(arguments) != _ARITY.get(kind, 0):
            raise ValueError(key)
        return cls(kind, *arguments)


def site(enterprise: str) -> Place:
    """The works of an enterprise: all mass that is neither in its yard nor on the road."""
    return Place(PlaceKind.SITE, enterprise)


def yard(enterprise: str) -> Place:
    """The storage yard (渣库, 堆场) of an enterprise."""
    return Place(PlaceKind.YARD, enterprise)


def transit(holder: str, consignee: str) -> Place:
    """Mass on its way to `consignee`; it is the stock of `holder`, the first consignor."""
    return Place(PlaceKind.TRANSIT, holder, consignee)


GENERATION = Place(PlaceKind.GENERATION)
RECIRCULATED = Place(PlaceKind.RECIRCULATED)
DUMPING = Place(PlaceKind.DUMPING)
OUTSIDE = Place(PlaceKind.OUTSIDE)
WEIGHING = Place(PlaceKind.WEIGHING)
LOST = Place(PlaceKind.LOST)
STOCKTAKE = Place(PlaceKind.STOCKTAKE)
