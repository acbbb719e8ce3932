"""Writes shipments.csv of `synth` block by block and sums up what moved, per slot and month."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, field

from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.dice import Dice, Ints
from wasteflow.synthetic.plan import Plan, spread
from wasteflow.synthetic.recipes import RECIPES
from wasteflow.synthetic.registry import Registry
from wasteflow.synthetic.writing import RowFile, tonnes

BLOCK = 100_000
MEAN_KG, SPREAD_KG = 30_400, 4_000
"""A load weighs 26.4 to 34.4 t, so that even a heavy receipt stays below the cap of 35 t."""
_STREAMS = "mass loss odd days damp damp2 truck part child child2 measured"
_REASONS = ("", "moisture", "loss")


class Moved(Struct):
    """What the loads did: kilograms per slot and month, and counts for the summary."""

    shipped: Ints
    accepted: Ints
    kg: int = 0
    in_transit: int = 0
    refused: int = 0


class Block(Struct):
    """Columns of consecutive main loads; days count from the first day of the ledger."""

    number: Ints
    link: Ints
    sent: Ints
    got: Ints
    sent_kg: Ints
    got_kg: Ints
    refused_kg: Ints
    reason: Ints
    moisture: Ints
    got_moisture: Ints
    truck: Ints


class Texts(Struct):
    """Words that repeat: per link, per day, per kilogram."""

    head: list[str]
    carrier: list[str]
    plate: list[str]
    days: list[str]
    mass: list[str] = field(default_factory=lambda: [tonnes(kg) for kg in range(36_000)])
    wet: list[str] = field(
        default_factory=lambda: [f"{m // 10}.{m % 10}" if m else "" for m in range(1000)]
    )


class Loads:
    """The loads of one `synth` run; `write` may be called once."""

    def __init__(self, registry: Registry, calendar: Calendar, plan: Plan, seed: int) -> None:
        self._registry, self._calendar, self._plan, self._seed = registry, calendar, plan, seed
        self._month_of_day = calendar.month_of_days()
        self._alternative = _alternatives(registry)
        shape = (len(registry.slots.firm), calendar.months)
        self.moved = Moved(np.zeros(shape, np.int64), np.zeros(shape, np.int64))
        self._dice = {name: Dice(seed, name) for name in _STREAMS.split()}
        links = np.arange(len(registry.links), dtype=np.int64)
        base = np.array([recipe.moisture for recipe in RECIPES], dtype=np.int64)
        known = self._dice["measured"].below(links, 10) < 3
        self._moisture = np.where(known, base[registry.slots.material[registry.links.source]], 0)
        swift = {"road": (0, 3), "rail": (2, 5), "water": (3, 6), "conveyor": (0, 1)}
        self._delay = np.array([swift[mode] for mode in registry.links.mode], dtype=np.int64)

    def write(self, out: RowFile) -> Moved:
        """All rows, in order of dispatch, each child right after its parent."""
        texts = self._texts()
        done = first_day = 0
        for month in range(self._calendar.months):
            ends = np.cumsum(self._plan.counts[:, month])
            count, days = int(ends[-1]), self._calendar.length(month)
            if count:
                step, shift = spread(count, self._seed, month)
                stem = "SYN-{}{:02d}-".format(*self._calendar.month(month))
                for low in range(0, count, BLOCK):
                    place = np.arange(low, min(low + BLOCK, count), dtype=np.int64)
                    link = np.searchsorted(ends, (place * step + shift) % count, side="right")
                    block = self._block(done + place, link, first_day + place * days // count)
                    out.lines(self._lines(block, texts, stem, done))
                done += count
            first_day += days
        return self.moved

    def _block(self, number: Ints, link: Ints, sent: Ints) -> Block:
        dice = self._dice
        sent_kg = MEAN_KG + dice["mass"].around(number, SPREAD_KG) // 10 * 10
        shift = dice["loss"].around(number, 110) - 10
        odd = dice["odd"].below(number, 1000)
        loss = dice["odd"].below(number + (1 << 41), 350)
        shift = np.where(odd < 4, -250 - loss, np.where(odd == 999, -1_060 - loss, shift))
        reason = np.where(odd < 4, 1 + odd % 2, np.where(odd == 999, 2, 0))
        got_kg = sent_kg + sent_kg * shift // 100_000 * 10
        days = self._delay[link]
        got = sent + days[:, 0] + dice["days"].below(number, 1 << 20) % days[:, 1]
        base = self._moisture[link]
        damp = np.where(base > 0, base + dice["damp"].around(number, 10), 0)
        damp2 = np.where(base > 0, damp + dice["damp2"].around(number, 3), 0)
        refused = np.zeros(len(number), dtype=np.int64)
        low, high = np.searchsorted(self._plan.parents, [number[0], number[-1] + 1])
        chosen = self._plan.parents[low:high] - number[0]
        part = 100 + dice["part"].below(number[chosen], 500)
        refused[chosen] = got_kg[chosen] * part // 10_000 * 10
        truck = dice["truck"].below(link * 16 + number % 11, 100_000)
        return Block(number, link, sent, got, sent_kg, got_kg, refused, reason, damp, damp2, truck)

    def _lines(self, block: Block, texts: Texts, stem: str, done: int) -> list[str]:
        self._count(block)
        children = self._children(block, texts, stem, done)
        lines: list[str] = []
        total = len(texts.days)
        days, mass, wet = texts.days, texts.mass, texts.wet
        columns = (getattr(block, name).tolist() for name in Block.__struct_fields__)
        for number, link, sent, got, kg, got_kg, refused, reason, damp, damp2, truck in zip(
            *columns, strict=True
        ):
            doc = f"{stem}{number - done + 1:07d}"
            start = (
                f"{doc},{texts.head[link]},{texts.plate[link]}{truck:05d},{texts.carrier[link]},,"
                f"{days[sent]},{mass[kg]},{wet[damp]},wet,measured,T{number + 1:09d},"
            )
            if got >= total:
                lines.append(start + ",,,,,,1,,delivery,,,synthetic")
            elif refused:
                lines.append(
                    f"{start}{days[got]},{mass[got_kg]},{wet[damp2]},{mass[got_kg - refused]},"
                    f"{mass[refused]},other,1,,delivery,,,synthetic"
                )
                lines.append(children[doc])
            else:
                lines.append(
                    f"{start}{days[got]},{mass[got_kg]},{wet[damp2]},{mass[got_kg]},,"
                    f"{_REASONS[reason]},1,,delivery,,,synthetic"
                )
        return lines

    def _count(self, block: Block) -> None:
        """Add the main loads of a block to the sums."""
        links, moved, month = self._registry.links, self.moved, self._month_of_day
        np.add.at(moved.shipped, (links.source[block.link], month[block.sent]), block.sent_kg)
        here = block.got < len(month)
        target, got = links.target[block.link[here]], month[block.got[here]]
        np.add.at(moved.accepted, (target, got), (block.got_kg - block.refused_kg)[here])
        moved.kg += int(block.sent_kg.sum())
        moved.in_transit += int((~here).sum())
        moved.refused += int((block.refused_kg > 0).sum())

    def _children(self, block: Block, texts: Texts, stem: str, done: int) -> dict[str, str]:
        """doc_no of a parent → row of what became of its refused part."""
        registry, month = self._registry, self._month_of_day
        links, slots = registry.links, registry.slots
        rows: dict[str, str] = {}
        for index in np.flatnonzero(block.refused_kg).tolist():
            number, link = int(block.number[index]), int(block.link[index])
            kg, truck = int(block.refused_kg[index]), int(block.truck[index])
            other = int(self._alternative[link])
            source = int(links.source[link])
            firm = registry.firm_code(int(slots.firm[source]))
            recipe = RECIPES[int(slots.material[source])]
            leaves = int(block.got[index]) + self._dice["child"].one(number, 3)
            comes = leaves + self._dice["child2"].one(number, 2)
            if other != link and number % 2:
                kind, goal = "redirect", int(links.target[other])
                to, route = registry.firm_code(int(slots.firm[goal])), slots.route[goal]
            else:
                kind, goal, to, route = "return", source, firm, recipe.yard
            self.moved.accepted[goal, month[comes]] += kg
            doc = f"{stem}{number - done + 1:07d}"
            text = texts.mass[kg]
            rows[doc] = (
                f"{doc}-R,{firm},{to},{recipe.code},{route},road,{texts.plate[link]}{truck:05d},"
                f"{texts.carrier[link]},,{texts.days[leaves]},{text},,wet,measured,"
                f"T{number + 1:09d}R,{texts.days[comes]},{text},,{text},,,1,{doc},{kind},,,"
                "synthetic"
            )
        return rows

    def _texts(self) -> Texts:
        registry = self._registry
        links, slots = registry.links, registry.slots
        head, carrier, plate = [], [], []
        sources, targets = links.source.tolist(), links.target.tolist()
        for index, (source, target) in enumerate(zip(sources, targets, strict=True)):
            maker, taker = int(slots.firm[source]), int(slots.firm[target])
            code = RECIPES[int(slots.material[source])].code
            mode = links.mode[index]
            head.append(
                f"{registry.firm_code(maker)},{registry.firm_code(taker)},{code},"
                f"{slots.route[target]},{mode}"
            )
            carrier.append("" if mode == "conveyor" else f"示范物流{index % 37 + 1:02d}")
            prefix = registry.plate_prefix(maker)
            plate.append({"road": prefix, "rail": "C70-", "water": "示范货"}.get(mode, "P-"))
        return Texts(head, carrier, plate, self._calendar.day_texts())


def _alternatives(registry: Registry) -> Ints:
    """For every link another one of the same consignor slot, or itself if it is the only one."""
    source = registry.links.source
    order = np.argsort(source, kind="stable")
    sizes = np.bincount(source, minlength=len(registry.slots.firm))
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(source), dtype=np.int64)
    place[order] = np.arange(len(source))
    offset = place - starts[source]
    result: Ints = order[starts[source] + (offset + 1) % sizes[source]]
    return result
