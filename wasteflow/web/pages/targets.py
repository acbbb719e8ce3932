"""Policy targets beside the rates: which apply to a scope, and where they stand on a scale.

Targets are reference lines here, not judged.  Each scale holds one metric of one set of materials:
targets of different metrics never share an axis (2-domain section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from wasteflow.core.formulas import FORMULAS
from wasteflow.core.registry import Registry, Target
from wasteflow.web.pages.rates import Rate, RateRow
from wasteflow.web.pages.view import View

LABEL_GAP: Final = 27
OLD_YEARS: Final = 5
NO_FORMULA, OTHER_SUM = "target_no_formula", "target_other_sum"


class Tick(Struct, frozen=True):
    """A target on a scale of 0 to 100 %: position and row of its label."""

    percent: float
    row: int
    target: Target


class Scale(Struct, frozen=True):
    """Targets of one metric and one set of materials, beside the rate of the same metric."""

    metric: str
    materials: tuple[str, ...]
    actual: Rate
    ticks: tuple[Tick, ...]
    targets: tuple[Target, ...]

    @property
    def rows(self) -> int:
        """Rows of labels the ticks need."""
        return max((tick.row for tick in self.ticks), default=0) + 1

    @property
    def drawn(self) -> bool:
        """True if the metric is a fraction that can stand on a scale."""
        return bool(self.ticks)


def covering(registry: Registry, scope: str) -> list[str]:
    """Scopes whose targets hold for `scope`, widest last: the scope itself and all around it."""
    word, _, code = scope.partition(":")
    found: list[str] = []
    region = code if word == "region" else ""
    park = code if word == "park" else ""
    if word == "enterprise":
        found.append(scope)
        park, region = registry.park_of(code), registry.region_of(code)
    if word == "park":
        homes = (registry.parks[up].region for up in registry.parks_up(code))
        region = next((home for home in homes if home), "")
    found += [f"park:{up}" for up in registry.parks_up(park)]
    found += [f"region:{up}" for up in registry.regions_up(region)]
    return [*found, "all"]


class Actuals:
    """Rates of a view over exactly the materials of a target."""

    def __init__(self, view: View, rows: Sequence[RateRow], total: RateRow) -> None:
        self._view, self._total = view, total
        self._rows = {row.keys["material"]: row for row in rows}

    def rate_of(self, metric: str, materials: tuple[str, ...]) -> Rate:
        """The rate by formula `metric` over `materials`, or the code of why it is not shown."""
        if metric not in FORMULAS:
            return Rate(metric, None, NO_FORMULA)
        if len(materials) == 1:
            row = self._rows.get(materials[0])
            return row.others[metric] if row else Rate(metric, None, "no_data")
        known = self._view.registry.materials
        held = {code for code in self._rows if known[code].is_waste}
        if self._view.material or not held or not held <= set(materials):
            return Rate(metric, None, OTHER_SUM)
        return self._total.others[metric]


def scales(
    registry: Registry,
    scope: str,
    material: str,
    year: int,
    rate_of: Callable[[str, tuple[str, ...]], Rate],
) -> list[Scale]:
    """Scales of the targets that hold for a scope: single materials first, then sums of several.

    rate_of(metric, materials): the figure beside the targets; year: of the period shown.
    """
    around = covering(registry, scope)
    groups: dict[tuple[str, tuple[str, ...]], list[Target]] = {}
    for target in registry.targets.values():
        if target.scope in around and (not material or material in target.materials):
            groups.setdefault((target.metric, tuple(sorted(target.materials))), []).append(target)
    order = list(registry.materials)
    found = [
        Scale(
            metric,
            materials,
            rate_of(metric, materials),
            tuple(_ticks(items, year)),
            tuple(sorted(items, key=lambda item: (around.index(item.scope), item.year or 0))),
        )
        for (metric, materials), items in groups.items()
    ]
    ranks = {metric: rank for rank, metric in enumerate(("official", "simple", "new_waste"))}
    return sorted(
        found,
        key=lambda scale: (
            len(scale.materials) != 1,
            [order.index(code) for code in scale.materials],
            not scale.drawn,
            ranks.get(scale.metric, len(ranks)),
            scale.metric,
        ),
    )


def regional(registry: Registry, scope: str, material: str) -> list[Target]:
    """Targets of regions below or beside a scope that do not hold for it as a whole."""
    around = covering(registry, scope)
    return sorted(
        (
            target
            for target in registry.targets.values()
            if target.scope not in around and (not material or material in target.materials)
        ),
        key=lambda target: (target.scope, target.year or 0, target.code),
    )


def _ticks(targets: Iterable[Target], year: int) -> Sequence[Tick]:
    """Ticks of targets given as fractions: equal ones once, oldest plans not, labels kept apart."""
    unlike: dict[tuple[Decimal, int], Target] = {}
    for target in sorted(targets, key=lambda item: item.code):
        when = target.year or year
        if target.value and target.unit == "fraction" and when >= year - OLD_YEARS:
            unlike.setdefault((Decimal(target.value) * 100, when), target)
    fractions = sorted(unlike.items(), key=lambda item: item[0])
    ends: list[float] = []
    ticks = []
    for (value, _), target in fractions:
        position = min(float(value), 100.0)
        row = next((i for i, end in enumerate(ends) if position - end >= LABEL_GAP), len(ends))
        ends[row : row + 1] = [position]
        ticks.append(Tick(position, row, target))
    return ticks
