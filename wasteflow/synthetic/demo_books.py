"""The entries of the demo: every month's generation, yard, use, treatment, and the counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

from wasteflow.synthetic import demo_cast as cast
from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.demo_loads import DemoLoads, Holding
from wasteflow.synthetic.dice import Dice
from wasteflow.synthetic.writing import REMARK, row_of, tonnes

BOOK_DAY = 28
KEPT_PERCENT = 2
"""Percent of a month's generation a producer keeps on its site rather than in the yard."""
_UNBALANCED = ("demo.gypsum", cast.PG)
_COUNTED = (("ent.xiangfeng", cast.PG), ("demo.alumina_hq", cast.RM))
"""Yards counted every December, with small differences."""


class DemoBooks:
    """Rows of entries.csv; stocks in kilograms per (firm, material)."""

    def __init__(
        self, calendar: Calendar, loads: DemoLoads, facilities: list[dict[str, str]]
    ) -> None:
        self._calendar, self._loads = calendar, loads
        self._dice = Dice(0, "demo books")
        self._facility = {
            (row["enterprise"], row["material"], row["kind"]): row["code"]
            for row in reversed(facilities)
        }
        self._site: defaultdict[Holding, int] = defaultdict(int)
        self._yard: defaultdict[Holding, int] = defaultdict(int)
        self._makers = {(maker.firm, maker.material): maker for maker in cast.MAKERS}
        self._users = _users()
        self.rows: list[dict[str, str]] = []
        self.surveys: list[str] = []
        self.treatments: list[str] = []
        self._open()

    def _open(self) -> None:
        first = self._calendar.first_day()
        for (firm, material), parts in cast.OPENINGS.items():
            for back, amount, generator in parts:
                kg = amount * 1000
                self._yard[firm, material] += kg
                self._add(
                    "opening", (firm, material), first, kg,
                    year_generated="" if back is None else str(first.year - back),
                    generator=generator, weighed="estimated",
                )  # fmt: skip

    def next_month(self, month: int) -> None:
        """Add the entries of a month whose loads are already made."""
        year, number = self._calendar.month(month)
        day = date(year, number, BOOK_DAY)
        for holding, maker in self._makers.items():
            self._produce(holding, maker, month, day)
        for holding, route in self._users.items():
            self._consume(holding, route, month, day)
        last = self._calendar.first_day(month + 1) - timedelta(days=1)
        if month == self._calendar.months * 2 // 3:
            book = self._yard[_UNBALANCED]
            self._count(_UNBALANCED, last, book * 6 // 10)
        if number == 12:
            for holding in _COUNTED:
                book = self._yard[holding]
                shift = self._dice.one_around(month, 30)
                self._count(holding, last, (book + book * shift // 10_000) // 1000 * 1000)

    def _produce(self, holding: Holding, maker: cast.Maker, month: int, day: date) -> None:
        """Generation, own use, and the yard as what balances the site at the month's end."""
        pace = self._loads.season(maker.material, month)
        noise = 1000 + self._dice.one_around(month * 97 + len(self.rows), 25)
        made = maker.generation * pace * noise // 100_000 * 1000
        arrived = self._loads.accepted[holding][month]
        shipped = self._loads.shipped[holding][month]
        own = maker.own_use * pace * 10 // 100 * 100
        back = self._bought_back(holding, month)
        kept = made * KEPT_PERCENT // 100
        free = self._site[holding] + made + arrived - shipped - own - back - kept
        wanted = max(maker.draw * pace * 10, -free + 99) // 100 * 100
        draw = max(0, min(wanted, self._yard[holding]))
        to_yard = max(0, free + draw) // 100 * 100
        measured = "estimated" if maker.estimated else "measured"
        self._add("generation", holding, day, made, weighed=measured)
        self._add("from_yard", holding, day, draw)
        treated = maker.treatment * pace * 10 // 100 * 100
        doc = self._add("treatment", holding, day, treated, route=cast.HARMLESS)
        if doc:
            self.treatments.append(doc)
        self._add("use", holding, day, own + back, route=maker.own_route)
        self._add("to_yard", holding, day, to_yard)
        self._yard[holding] += to_yard - draw
        self._site[holding] = free + kept + draw - to_yard

    def _bought_back(self, holding: Holding, month: int) -> int:
        """What a producer gets for its own use from traders (steel slag only)."""
        takes = any((sale.consignee, sale.material) == holding for sale in cast.RESALES)
        return self._loads.accepted[holding][month] // 100 * 100 if takes else 0

    def _consume(self, holding: Holding, route: str, month: int, day: date) -> None:
        """Use of nearly all that lies there; the unbalanced firm also fills a yard."""
        self._site[holding] += self._loads.accepted[holding][month]
        if holding == _UNBALANCED:
            if month <= self._calendar.months * 2 // 3:
                kg = self._site[holding] // 4 // 100 * 100
                self._add("to_yard", holding, day, kg)
            else:
                kg = -(self._yard[holding] // 10 // 100 * 100)
                self._add("from_yard", holding, day, -kg)
            self._yard[holding] += kg
            self._site[holding] -= kg
        percent = 93 + self._dice.one(month * 131 + len(self.rows), 6)
        used = self._site[holding] * percent // 100 // 100 * 100
        self._add("use", holding, day, used, route=route)
        self._site[holding] -= used

    def _count(self, holding: Holding, day: date, counted: int) -> None:
        doc = self._add("stocktake", holding, day, counted, reason="survey")
        self._yard[holding] = counted
        if holding == _UNBALANCED:
            self.surveys.append(doc)

    def _add(self, kind: str, holding: Holding, day: date, kg: int, **more: str) -> str:
        """Append an entry unless it is empty; its number, or "" if there was nothing to write."""
        if kg <= 0 and kind != "stocktake":
            return ""
        firm, material = holding
        doc = f"DEMO-E-{len(self.rows) + 1:06d}"
        values: Mapping[str, str] = {"basis": "wet", "weighed": "measured", **more}
        self.rows.append(
            row_of(
                "entries",
                doc_no=doc,
                enterprise=firm,
                facility=self._facility.get((firm, material, _PLACE.get(kind, kind)), ""),
                kind=kind,
                material=material,
                date=day.isoformat(),
                tonnes=tonnes(kg),
                remark=REMARK,
                **values,
            )
        )
        return doc


_PLACE = {
    "opening": "storage",
    "stocktake": "storage",
    "to_yard": "storage",
    "from_yard": "storage",
}
"""Entry kind → kind of the facility it happens at, where the two words differ."""


def _users() -> dict[Holding, str]:
    """(firm, material) → route, for everyone who uses what arrives and makes none itself."""
    makers = {(maker.firm, maker.material) for maker in cast.MAKERS}
    found: dict[Holding, str] = {}
    for link in cast.FLOWS:
        holding = link.consignee, link.material
        trades = link.route.endswith("_trade") or link.consignee == "demo.outside"
        if holding not in makers and not trades:
            found.setdefault(holding, link.route)
    return found
