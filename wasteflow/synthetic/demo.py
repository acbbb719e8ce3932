"""`wasteflow demo`: two years of synthetic books over the real parks and firms of the seed.

What the demo contains on purpose (`DemoData.features` names the records):

* `behind_target`: ent.tianan uses about a third of its phosphogypsum, the target is 75 %;
* `unbalanced`: demo.gypsum, whose yard survey finds two fifths of the book missing;
* `trader_loop`: steel slag ent.kisc → demo.trade_a → demo.trade_b → demo.trade_a and → ent.kisc;
* `single_receiver`: ent.yunlong ships to demo.cement_xd alone;
* `disputed_weight`: loads whose two weights differ by more than 10 %;
* `old_stock`: ent.sanhuan and demo.legacy open with several years in the yard and draw on them;
* `treatment`: monthly pg_harmless entries; `product_flow`: petroleum coke of ent.ynpc;
* `refused_return`, `refused_redirect`: the child loads of refused parts;
* `in_transit_new_year`, `in_transit_end`: loads on the road over a new year and at the end;
* `external_receiver`: demo.outside; `red_mud`: the invented alumina works;
* `output_out_of_range`: demo.alumina_gj, whose red mud does not fit its alumina;
* `judged_targets`: invented targets of single firms and complete parks, one of every status.

A demo of a few months holds no new year; every other feature is in a demo of any length.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from wasteflow.synthetic import demo_cast as cast
from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.demo_books import DemoBooks
from wasteflow.synthetic.demo_firms import FIRMS, Firm
from wasteflow.synthetic.demo_loads import DemoLoads
from wasteflow.synthetic.demo_products import OUT_OF_RANGE, product_rows
from wasteflow.synthetic.demo_targets import target_rows
from wasteflow.synthetic.writing import COLUMNS, DEMO_SOURCE, RowFile, row_of

Rows = list[dict[str, str]]

KINDS = (
    "enterprises",
    "facilities",
    "targets",
    "coefficients",
    "park_inputs",
    "products",
    "entries",
    "shipments",
)
"""Files of the demo in the order in which they must be imported."""


class DemoData(Struct, frozen=True):
    """Rows by kind with the columns of the contract; months as yyyymm; features → codes."""

    enterprises: Rows
    facilities: Rows
    targets: Rows
    coefficients: Rows
    park_inputs: Rows
    products: Rows
    entries: Rows
    shipments: Rows
    first_month: int
    last_month: int
    features: dict[str, tuple[str, ...]]

    def rows(self, kind: str) -> Rows:
        """The rows of one of `KINDS`."""
        return {
            "enterprises": self.enterprises,
            "facilities": self.facilities,
            "targets": self.targets,
            "coefficients": self.coefficients,
            "park_inputs": self.park_inputs,
            "products": self.products,
            "entries": self.entries,
            "shipments": self.shipments,
        }[kind]


def demo_rows(months: int = 24, *, end: tuple[int, int]) -> DemoData:
    """The demo over `months` whole months, `end` = (year, month) of the last; always the same.

    Raises ValueError unless 1 ≤ months ≤ 240 and `end` is a month.
    """
    if not 1 <= months <= 240:
        raise ValueError(f"months must be between 1 and 240, not {months}")
    if not (1970 <= end[0] <= 2100 and 1 <= end[1] <= 12):
        raise ValueError(f"end must be (year, month), not {end}")
    calendar = Calendar(months, end)
    facilities = _facilities()
    loads = DemoLoads(calendar)
    books = DemoBooks(calendar, loads, facilities)
    for month in range(months):
        loads.next_month(month)
        books.next_month(month)
    first = calendar.month(0)
    targets = target_rows(end[0])
    return DemoData(
        enterprises=[_enterprise(firm) for firm in FIRMS],
        facilities=facilities,
        targets=targets,
        coefficients=price_rows(),
        park_inputs=input_rows(end[0] - 1),
        products=product_rows(books.rows),
        entries=books.rows,
        shipments=loads.rows,
        first_month=first[0] * 100 + first[1],
        last_month=end[0] * 100 + end[1],
        features=_features(loads, books)
        | {"judged_targets": tuple(row["code"] for row in targets)},
    )


def write_demo(data: DemoData, out_dir: Path) -> dict[str, Path]:
    """Write one CSV per kind of `KINDS` into `out_dir` (made if missing); kind → path."""
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = {kind: out_dir / f"{kind}.csv" for kind in KINDS}
    for kind, path in paths.items():
        with RowFile(path, kind) as out:
            out.dicts(data.rows(kind))
    return paths


PRICES: Final = (
    ("phosphogypsum", "15", "6", "12"),
    ("steel_slag", "20", "10", "8"),
    ("red_mud", "5", "8", "15"),
)
"""Material, value at the gate, cost of treatment, avoided cost of storage, RMB/t: all assumed."""


def price_rows() -> Rows:
    """Prices that make break-even distances and whole costs of the demo computable."""
    kinds = ("gate_value", "treatment_cost", "storage_cost")
    return [
        row_of(
            "coefficients",
            code=f"demo.{kind}.{material}",
            kind=kind,
            material=material,
            driver="*",
            typical=value,
            unit="RMB/t",
            source="演示用假设价，不是市场价",
        )
        for material, *values in PRICES
        for kind, value in zip(kinds, values, strict=True)
    ]


STATED: Final = {
    "industrial_value_added": ("1860000", "940000"),
    "resource_consumption": ("6200000", "3900000"),
    "energy_consumption": ("2450000", "1380000"),
    "water_use": ("31000000", "17500000"),
    "renewable_collected": ("96000", "41000"),
    "renewable_recycled": ("88000", "36500"),
    "hazardous_generated": ("5200", "2900"),
    "hazardous_handled": ("5150", "2900"),
    "new_chain_projects": ("3", "1"),
}
"""Input of park indicators → its value in each of `STATING`, in the unit of the input: assumed."""
STATING: Final = ("park.anning", "park.haikou")


def input_rows(year: int) -> Rows:
    """What two parks state for the year before the last month, so that their indicators show."""
    return [
        row_of(
            "park_inputs",
            park=park,
            input=name,
            year=str(year),
            value=values[number],
            date=f"{year + 1}-01-15",
            source="演示用假设数",
        )
        for number, park in enumerate(STATING)
        for name, values in STATED.items()
    ]


def _enterprise(firm: Firm) -> dict[str, str]:
    return row_of(
        "enterprises",
        code=firm.code,
        name_zh=firm.name_zh,
        name_en=firm.name_en,
        park=firm.park,
        industry=firm.industry,
        external="true" if firm.external else "false",
        lon=firm.lon,
        lat=firm.lat,
        crs="WGS84",
        precision_km=firm.precision_km,
        source=DEMO_SOURCE,
    )


def _facilities() -> Rows:
    """What the loads and entries of the demo need and the seed does not have."""
    wanted: list[tuple[str, str, str, str]] = []
    for maker in cast.MAKERS:
        if maker.firm.startswith("demo.") and maker.generation:
            wanted.append((maker.firm, maker.material, "", "generation"))
        wanted.append((maker.firm, maker.material, cast.YARD_ROUTE[maker.material], "storage"))
        if maker.own_route:
            wanted.append((maker.firm, maker.material, maker.own_route, "use"))
        if maker.treatment:
            wanted.append((maker.firm, maker.material, cast.HARMLESS, "treatment"))
    for link in cast.FLOWS:
        if link.consignee == "demo.outside":
            continue
        trades = link.route.endswith("_trade")
        kind = "storage" if trades else "use"
        wanted.append((link.consignee, link.material, link.route, kind))
        if trades:
            yard = cast.YARD_ROUTE[link.material]
            wanted.append((link.consignee, link.material, yard, "storage"))
    wanted.append(("demo.gypsum", cast.PG, "pg_yard", "storage"))
    parks = {firm.code: firm.park for firm in FIRMS}
    words = {"generation": "产生", "storage": "堆存", "use": "利用", "treatment": "处理"}
    rows: Rows = []
    for firm, material, route, kind in dict.fromkeys(wanted):
        if (firm, material, route) in cast.SEEDED:
            continue
        number = len(rows) + 1
        rows.append(
            row_of(
                "facilities",
                code=f"demo.fac.{number:02d}",
                enterprise=firm,
                park=parks.get(firm, ""),
                kind=kind,
                name=f"示范{words[kind]}设施 {number:02d}",
                material=material,
                route=route,
                status="operating",
                source=DEMO_SOURCE,
            )
        )
    return rows


def _features(loads: DemoLoads, books: DemoBooks) -> dict[str, tuple[str, ...]]:
    """Feature → codes of firms or numbers of records that show it."""
    return {
        "behind_target": ("ent.tianan",),
        "unbalanced": ("demo.gypsum", *books.surveys),
        "trader_loop": ("ent.kisc", "demo.trade_a", "demo.trade_b"),
        "single_receiver": ("ent.yunlong", "demo.cement_xd"),
        "disputed_weight": tuple(loads.disputed),
        "old_stock": ("ent.sanhuan", "demo.legacy"),
        "treatment": tuple(books.treatments),
        "refused_return": tuple(loads.returns),
        "refused_redirect": tuple(loads.redirects),
        "in_transit_new_year": tuple(loads.over_new_year),
        "in_transit_end": tuple(loads.on_the_road),
        "external_receiver": ("demo.outside",),
        "product_flow": ("ent.ynpc",),
        "output_out_of_range": OUT_OF_RANGE,
        "red_mud": ("demo.alumina_hq", "demo.alumina_gj"),
    }


__all__ = ["COLUMNS", "KINDS", "DemoData", "demo_rows", "write_demo"]
