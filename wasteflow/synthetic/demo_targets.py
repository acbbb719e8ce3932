"""Invented targets of the demo, so that every status of a target can be seen; none is policy.

The targets of the seed are wider than the demo's books and stay reference lines.  These are for
single firms or declared complete, in the year of the demo's last month: met, on course, at risk,
behind (red), a milestone of a later year, a ceiling with a draw-down plan, and a `keep`.
"""

from __future__ import annotations

from msgspec import Struct

from wasteflow.synthetic import demo_cast as cast
from wasteflow.synthetic.writing import DEMO_SOURCE, row_of


class Goal(Struct, frozen=True):
    """A target; `later` and `since` are years after and before that of the demo's last month."""

    name: str
    scope: str
    material: str
    metric: str
    operator: str
    value: str
    unit: str = "fraction"
    later: int = 0
    since: int | None = None
    baseline: str = ""
    complete: bool = False


GOALS: tuple[Goal, ...] = (
    Goal("tianan_rate", "enterprise:ent.tianan", cast.PG, "official", ">=", "0.75"),
    Goal("xiangfeng_rate", "enterprise:ent.xiangfeng", cast.PG, "official", ">=", "0.65"),
    Goal("kisc_rate", "enterprise:ent.kisc", cast.SS, "official", ">=", "0.80"),
    Goal("heqing_rate", "park:park.heqing", cast.RM, "official", ">=", "0.15", complete=True),
    Goal("yongchuan_use", "enterprise:demo.steel_yc", cast.SS, "utilised_amount", ">=", "86000",
         unit="t"),
    Goal("sanhuan_stock", "enterprise:ent.sanhuan", cast.PG, "net_new_stock", "<=", "-150000",
         unit="t"),
    Goal("yunlong_rate", "enterprise:ent.yunlong", cast.PG, "official", ">=", "0.75", later=1,
         since=1, baseline="0.55"),
    Goal("anning_rate", "park:park.anning", cast.PG, "new_waste", "keep", "", since=1,
         baseline="0.30", complete=True),
)  # fmt: skip


def target_rows(year: int) -> list[dict[str, str]]:
    """Rows of targets.csv for a demo whose last month lies in `year`."""
    return [
        row_of(
            "targets",
            code=f"demo.target.{goal.name}",
            scope=goal.scope,
            materials=goal.material,
            metric=goal.metric,
            operator=goal.operator,
            value=goal.value,
            unit=goal.unit,
            year=str(year + goal.later),
            baseline_year="" if goal.since is None else str(year - goal.since),
            baseline_value=goal.baseline,
            binding="guiding",
            coverage_complete="true" if goal.complete else "false",
            source=DEMO_SOURCE,
        )
        for goal in GOALS
    ]
