"""The loads of the demo, month by month: weights, refused parts, what is on the road at the end."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from msgspec import Struct

from wasteflow.synthetic import demo_cast as cast
from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.dice import Dice
from wasteflow.synthetic.writing import REMARK, row_of, tonnes

TRIP_KG = 31_500
REFUSED_ONE_IN = 110
_GROWTH_FROM, _GROWTH_TO = 950, 1070
"""Thousandths: the flows grow over the time of the demo."""
_ALWAYS_REFUSED = {("PG08", 1), ("PG06", 1)}
"""(link, record) of the first month that is refused in part, so that even a short demo has both."""
_REFUSED_KG = (9_000, 21_000)

Holding = tuple[str, str]
"""(firm, material)."""


class Flow(Struct, frozen=True):
    """One record to be made: `number` of `count` records of a link in a month."""

    link: cast.Link | cast.Resale
    kg: int
    number: int
    count: int


class DemoLoads:
    """Rows of shipments.csv and what they moved, per (firm, material) and month index."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._end = datetime.combine(calendar.first_day(calendar.months), datetime.min.time())
        self._dice = Dice(0, "demo loads")
        self._throw = 0
        self.rows: list[dict[str, str]] = []
        self.shipped: defaultdict[Holding, defaultdict[int, int]]
        self.accepted: defaultdict[Holding, defaultdict[int, int]]
        self.shipped = defaultdict(lambda: defaultdict(int))
        self.accepted = defaultdict(lambda: defaultdict(int))
        self.disputed: list[str] = []
        self.returns: list[str] = []
        self.redirects: list[str] = []
        self.over_new_year: list[str] = []
        self.on_the_road: list[str] = []

    def _roll(self, sides: int) -> int:
        self._throw += 1
        return self._dice.one(self._throw, sides)

    def _around(self, width: int) -> int:
        return self._roll(width + 1) + self._roll(width + 1) - width

    def season(self, material: str, month: int) -> int:
        """Percent of the mean in the month with this index."""
        return cast.SEASON[material][self._calendar.month(month)[1] - 1]

    def next_month(self, month: int) -> None:
        """Add all loads dispatched in a month; months must come in order."""
        for link in cast.LINKS:
            span = max(1, self._calendar.months - 1)
            growth = _GROWTH_FROM + (_GROWTH_TO - _GROWTH_FROM) * month // span
            kg = link.tonnes * self.season(link.material, month) * growth // 100
            self._month_of(link, month, kg, link.rows)
        for sale in cast.RESALES:
            arrived = self.accepted[sale.consignor, sale.material][month - 1] if month else 0
            self._month_of(sale, month, arrived * sale.percent // 100, sale.rows)

    def _month_of(self, link: cast.Link | cast.Resale, month: int, total: int, rows: int) -> None:
        if total <= 0:
            return
        left = total
        for number in range(rows):
            share = left // (rows - number)
            last = number == rows - 1
            kg = left if last else share + share * self._around(60) // 1000
            kg = kg // 10 * 10
            left -= kg
            if kg > 0:
                self._load(Flow(link, kg, number, rows), month)

    def _load(self, flow: Flow, month: int) -> None:
        """One record with its receipt, if it arrives before the end, and its child."""
        link = flow.link
        sent, got = self._times(flow, month)
        year, number = self._calendar.month(month)
        doc = f"DEMO-{link.key}-{year}{number:02d}-{flow.number + 1:03d}"
        trips = -(-flow.kg // TRIP_KG)
        row = row_of(
            "shipments",
            doc_no=doc,
            consignor=link.consignor,
            consignee=link.consignee,
            material=link.material,
            route=link.route,
            mode=link.mode if isinstance(link, cast.Link) else "road",
            vehicle=f"云A{self._roll(100_000):05d}" if trips == 1 else "",
            carrier=f"示范物流{self._roll(12) + 1:02d}",
            dispatched_at=_text(sent),
            dispatched_t=tonnes(flow.kg),
            basis="wet",
            weighed="measured",
            ticket_no=f"D{len(self.rows) + 1:06d}",
            loads=str(trips),
            kind="delivery",
            remark=REMARK,
        )
        damp = cast.MOISTURE.get(link.material, 0)
        if damp:
            damp += self._around(12)
            row["moisture_pct"] = f"{damp // 10}.{damp % 10}"
        self.rows.append(row)
        self.shipped[link.consignor, link.material][month] += flow.kg
        if got >= self._end:
            self.on_the_road.append(doc)
            return
        if got.year > sent.year:
            self.over_new_year.append(doc)
        if damp:
            damp += self._around(3)
            row["received_moisture_pct"] = f"{damp // 10}.{damp % 10}"
        self._receive(flow, row, got, month)

    def _receive(self, flow: Flow, row: dict[str, str], got: datetime, month: int) -> None:
        shift, reason = self._difference(flow, month)
        received = flow.kg + flow.kg * shift // 100_000 * 10
        refused = self._refused(flow, received, got, month)
        row["received_at"] = _text(got)
        row["received_t"] = tonnes(received)
        row["accepted_t"] = tonnes(received - refused)
        row["refused_t"] = tonnes(refused) if refused else ""
        row["reason"] = reason or ("other" if refused else "")
        if reason:
            self.disputed.append(row["doc_no"])
        holding = flow.link.consignee, flow.link.material
        self.accepted[holding][self._index(got)] += received - refused
        if refused:
            self._child(flow, row, refused, got)

    def _difference(self, flow: Flow, month: int) -> tuple[int, str]:
        """Received against dispatched in 1/10,000, and the reason of a disputed one."""
        months = self._calendar.months
        if flow.link.key == "SS01" and month == months // 2 and flow.number == 3:
            return -1_250, "loss"
        if flow.link.key == "PG10" and month == months // 3 and flow.number == 2:
            return 1_140, "moisture"
        return self._around(100) - 10, ""

    def _refused(self, flow: Flow, received: int, got: datetime, month: int) -> int:
        """Kilograms refused: a lorry or a part of one, mostly nothing."""
        by_chance = self._roll(REFUSED_ONE_IN) == 0
        certain = month == 0 and (flow.link.key, flow.number) in _ALWAYS_REFUSED
        low, high = _REFUSED_KG
        part = min((low + self._roll(high - low)) // 10 * 10, received // 2)
        early = got + timedelta(days=4) < self._end
        outside = flow.link.consignee == "demo.outside"
        return part if (by_chance or certain) and early and not outside else 0

    def _child(self, flow: Flow, parent: dict[str, str], kg: int, got: datetime) -> None:
        """What becomes of a refused part: redirected where the link says so, else returned."""
        link = flow.link
        goal = cast.REDIRECTS.get(link.key)
        kind = "redirect" if goal else "return"
        to, route = goal or (link.consignor, cast.YARD_ROUTE[link.material])
        leaves = got + timedelta(hours=2 + self._roll(40))
        comes = leaves + timedelta(hours=1 + self._roll(5))
        doc = parent["doc_no"] + "-R"
        self.rows.append(
            row_of(
                "shipments",
                doc_no=doc,
                consignor=link.consignor,
                consignee=to,
                material=link.material,
                route=route,
                mode="road",
                vehicle=parent["vehicle"] or f"云A{self._roll(100_000):05d}",
                carrier=parent["carrier"],
                dispatched_at=_text(leaves),
                dispatched_t=tonnes(kg),
                basis="wet",
                weighed="measured",
                ticket_no=f"D{len(self.rows) + 1:06d}",
                received_at=_text(comes),
                received_t=tonnes(kg),
                accepted_t=tonnes(kg),
                loads="1",
                parent_doc_no=parent["doc_no"],
                kind=kind,
                remark=REMARK,
            )
        )
        self.accepted[to, link.material][self._index(comes)] += kg
        (self.redirects if goal else self.returns).append(doc)

    def _times(self, flow: Flow, month: int) -> tuple[datetime, datetime]:
        """When a record leaves (spread over the month, the last on its last day) and arrives."""
        days = self._calendar.length(month)
        day = days - 1 - (flow.count - 1 - flow.number) * days // flow.count
        start = datetime.combine(self._calendar.first_day(month), datetime.min.time())
        sent = start + timedelta(days=day, hours=7 + self._roll(11), minutes=self._roll(60))
        hours = flow.link.hours if isinstance(flow.link, cast.Link) else 4
        return sent, sent + timedelta(hours=hours, minutes=self._roll(30 * hours))

    def _index(self, moment: datetime) -> int:
        """Index of the month of a moment."""
        year, month = self._calendar.month(0)
        return (moment.year - year) * 12 + moment.month - month


def _text(moment: datetime) -> str:
    """Local time to the minute; the import format reads it as Asia/Shanghai."""
    return moment.strftime("%Y-%m-%d %H:%M")
