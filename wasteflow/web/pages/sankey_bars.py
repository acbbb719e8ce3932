"""The Sankey as bars for narrow screens: every giver with its bands, largest first; no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from wasteflow.web.pages.sankey_view import OTHER_FROM, Flow, Looks, Picture
from wasteflow_maps.style import colour_of

FIRST: Final = 6
"""Givers that are shown before the rest is unfolded."""
WIDEST: Final = 100


class Bar(Struct, frozen=True):
    """One band: where it goes, what it is, and its length in parts of the longest (0 to 100)."""

    flow: Flow
    name: str
    address: str
    records: str
    colour: str
    length: float


class Giver(Struct, frozen=True):
    """A node that gives: what it gives in all (kg), and its bands, largest first."""

    name: str
    address: str
    look: str
    kg: int
    bars: tuple[Bar, ...]


def givers(shown: Picture, names: Mapping[str, str], looks: Looks) -> tuple[Giver, ...]:
    """The drawn bands by where they come from, the largest giver first, the rest last."""
    most = max((flow.kg for flow in shown.drawn), default=1)
    found: dict[str, list[Flow]] = {}
    for flow in shown.drawn:
        found.setdefault(flow.source, []).append(flow)
    made = []
    for node, flows in found.items():
        bars = tuple(
            Bar(
                flow,
                names[flow.target],
                looks.inside(flow.target),
                looks.records(flow),
                colour_of(flow.material),
                # A band too thin to be seen still is one.
                max(1.0, round(WIDEST * flow.kg / most, 1)),
            )
            for flow in sorted(flows, key=lambda flow: flow.order)
        )
        total = sum(flow.kg for flow in flows)
        giver = Giver(names[node], looks.inside(node), looks.kind(node), total, bars)
        made.append((node == OTHER_FROM, -total, node, giver))
    return tuple(giver for *_, giver in sorted(made, key=lambda item: item[:3]))
