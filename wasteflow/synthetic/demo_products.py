"""Product output of the demo's producers: plausible against the coefficients of the seed, but one.

Monthly output follows what the firm generated over the ratio given here, a little unsteadily;
demo.alumina_gj reports about three times the alumina its red mud allows, on purpose.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from msgspec import Struct

from wasteflow.synthetic import demo_cast as cast
from wasteflow.synthetic.dice import Dice
from wasteflow.synthetic.writing import kilograms, row_of, tonnes

HUNDRED = 100_000


class Ratio(Struct, frozen=True):
    """Tonnes of waste per `per_thousand` thousandths of a tonne of a product.

    `p2o5` is the content in thousandths of a percent; the ratio is then that of the P2O5.
    """

    product: str
    per_thousand: int
    p2o5: int = 0


RATIOS: dict[tuple[str, str], Ratio] = {
    ("ent.sanhuan", cast.PG): Ratio("phosphoric_acid", 4_900, 54_000),
    ("ent.xiangfeng", cast.PG): Ratio("phosphoric_acid", 5_050, 50_500),
    ("ent.tianan", cast.PG): Ratio("p2o5", 5_100),
    ("ent.yunlong", cast.PG): Ratio("p2o5", 4_800),
    ("ent.kisc", cast.SS): Ratio("crude_steel", 118),
    ("demo.eaf", cast.SS): Ratio("eaf_steel", 150),
    ("demo.steel_yc", cast.SS): Ratio("crude_steel", 110),
    ("demo.alumina_hq", cast.RM): Ratio("alumina", 1_350),
    ("demo.alumina_gj", cast.RM): Ratio("alumina", 420),
    ("ent.ynpc", cast.PC): Ratio("coker_feed", 300),
}
OUT_OF_RANGE = ("demo.alumina_gj",)
"""Firms whose generation does not fit their output, for the cross-check to find."""


def product_rows(entries: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows of products.csv, one per firm and month, from the generation entries of the demo."""
    made: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for row in entries:
        if row["kind"] == "generation":
            made[row["date"][:7], row["enterprise"], row["material"]] += kilograms(row["tonnes"])
    dice = Dice(0, "demo products")
    rows = []
    for number, ((month, firm, material), kg) in enumerate(sorted(made.items())):
        ratio = RATIOS.get((firm, material))
        if ratio is None:
            continue
        output = kg * 1000 // ratio.per_thousand
        if ratio.p2o5:
            output = output * HUNDRED // ratio.p2o5
        output = output * (1000 + dice.one_around(number, 20)) // 1000 // 1000 * 1000
        rows.append(
            row_of(
                "products",
                enterprise=firm,
                product=ratio.product,
                date=_last_day(month),
                tonnes=tonnes(output),
                p2o5_pct=f"{ratio.p2o5 // 1000}.{ratio.p2o5 % 1000 // 100}" if ratio.p2o5 else "",
            )
        )
    return rows


def _last_day(month: str) -> str:
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).isoformat()
