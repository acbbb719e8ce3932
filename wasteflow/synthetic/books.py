"""Entries and facilities of `synth`: what every firm does with what it makes, gets and ships.

The books are made after the loads, month by month for all slots at once: generators make what they
ship and yard, users use up what arrives, landfills bury it, traders only hold.  Kilograms.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.dice import Dice, Ints
from wasteflow.synthetic.recipes import RECIPES, Recipe, Role
from wasteflow.synthetic.registry import Registry
from wasteflow.synthetic.shipments import Moved
from wasteflow.synthetic.writing import SYNTH_SOURCE, RowFile, tonnes

SMALLEST_MAKER = 200_000
"""Kilograms a month a generator is taken to make when it ships less."""
_BOOK_DAY = 28
_THROWS = ("yard", "own", "treat", "old", "stock", "hoard", "eat")
_WORDS = {"G": "产生", "S": "堆场", "T": "中转", "U": "利用", "D": "处置", "H": "处理"}
_SUFFIX = {"generation": "G", "storage": "S", "use": "U", "disposal": "D", "treatment": "H"}


class Habits(Struct):
    """Per slot, fixed over time: yearly means and shares in percent; 0 = does not do it."""

    mean: Ints
    yards: Ints
    own_use: Ints
    treats: Ints
    opening: Ints
    user_yard: Ints
    appetite: Ints


class Month(Struct):
    """Kilograms per slot of one month, zero where there is no entry."""

    generation: Ints
    to_yard: Ints
    from_yard: Ints
    use: Ints
    disposal: Ints
    treatment: Ints


class Books:
    """The entries of one run: one record per month; `lowest` is the worst stock that occurred."""

    def __init__(self, registry: Registry, calendar: Calendar, moved: Moved, seed: int) -> None:
        self.registry, self.calendar, self.moved = registry, calendar, moved
        slots = registry.slots
        self._maker = slots.role == Role.GENERATOR
        self._user = slots.role == Role.USER
        self._landfill = slots.role == Role.LANDFILL
        self.habits = self._habits(seed)
        self._site = np.zeros(len(slots.firm), dtype=np.int64)
        self._yard = self.habits.opening.copy()
        self.lowest = 0
        self.months = [self._next(month) for month in range(calendar.months)]

    def _habits(self, seed: int) -> Habits:
        slots, maker = self.registry.slots, self._maker
        ids = np.arange(len(slots.firm), dtype=np.int64)
        throw = {name: Dice(seed, name) for name in _THROWS}
        mean = np.maximum(self.moved.shipped.sum(axis=1) // self.calendar.months, SMALLEST_MAKER)
        gypsum = slots.material == 0
        old = maker & (throw["old"].below(ids, 3) == 0)
        hoards = self._user & (throw["hoard"].below(ids, 7) == 0)
        return Habits(
            mean=np.where(maker, mean, 0),
            yards=np.where(maker, 3 + throw["yard"].below(ids, 45), 0),
            own_use=np.where(maker & (throw["own"].below(ids, 7) == 0), 15, 0),
            treats=np.where(maker & gypsum & (throw["treat"].below(ids, 8) == 0), 40, 0),
            opening=np.where(old, mean * (3 + throw["stock"].below(ids, 22)), 0) // 1000 * 1000,
            user_yard=np.where(hoards, 20, 0),
            appetite=np.where(self._user, 85 + throw["eat"].below(ids, 15), 0),
        )

    def _next(self, index: int) -> Month:
        """The entries of a month; site and yard stocks move on."""
        habits, slots = self.habits, self.registry.slots
        arrived, shipped = self.moved.accepted[:, index], self.moved.shipped[:, index]
        calendar_month = self.calendar.month(index)[1] - 1
        pace = np.array([recipe.season[calendar_month] for recipe in RECIPES], dtype=np.int64)
        base = habits.mean * pace[slots.material] // 100
        to_yard = _round(base * habits.yards // 100)
        from_yard = np.where(self._maker, _round(np.minimum(habits.opening // 48, self._yard)), 0)
        use = _round(base * habits.own_use // 100)
        need = shipped + to_yard + use - from_yard - arrived - self._site
        made = _round(np.maximum(need + 99, base // 10))
        generation = np.where(self._maker, np.maximum(made, 1000), 0)
        if index % 2:
            from_yard = np.where(self._user, _round(self._yard * 6 // 10), from_yard)
        else:
            to_yard = np.where(self._user, _round(arrived * habits.user_yard // 100), to_yard)
        held = self._site + arrived + generation + from_yard - to_yard - shipped
        use = np.where(self._user, _round(held * habits.appetite // 100), use)
        disposal = np.where(self._landfill, held, 0)
        treatment = _round(base * habits.treats // 100)
        self._site = held - use - disposal
        self._yard = self._yard + to_yard - from_yard
        self.lowest = min(self.lowest, int(self._site.min()), int(self._yard.min()))
        return Month(generation, to_yard, from_yard, use, disposal, treatment)

    def write_entries(self, out: RowFile) -> None:
        """entries.csv: opening stocks, then month by month, firm by firm."""
        self._write_openings(out)
        slots = self.registry.slots
        facility = {kind: self._facility_codes(kind) for kind in _SUFFIX}
        firm = [self.registry.firm_code(index) for index in slots.firm.tolist()]
        recipes = [RECIPES[index] for index in slots.material.tolist()]
        own = [self._use_route(slot) for slot in range(len(firm))]
        for index, month in enumerate(self.months):
            year, number = self.calendar.month(index)
            stem, day = f"SYNE-{year}{number:02d}-", f"{year}-{number:02d}-{_BOOK_DAY}"
            lines: list[str] = []
            for kind, kgs, place in (
                ("generation", month.generation, "generation"),
                ("to_yard", month.to_yard, "storage"),
                ("from_yard", month.from_yard, "storage"),
                ("treatment", month.treatment, "treatment"),
                ("use", month.use, "use"),
                ("disposal", month.disposal, "disposal"),
            ):
                amounts = kgs.tolist()
                for slot in np.flatnonzero(kgs).tolist():
                    recipe = recipes[slot]
                    route = {
                        "use": own[slot],
                        "disposal": recipe.landfill,
                        "treatment": recipe.treatment,
                    }.get(kind, "")
                    lines.append(
                        f"{stem}{out.rows + len(lines) + 1:07d},{firm[slot]},"
                        f"{facility[place][slot]},{kind},{recipe.code},{route},{day},"
                        f"{tonnes(amounts[slot])},,wet,measured,,,,,,synthetic"
                    )
            out.lines(lines)

    def _write_openings(self, out: RowFile) -> None:
        """Old stock of yards, dated the first day, in up to four years of origin."""
        first = self.calendar.first_day()
        storage = self._facility_codes("storage")
        slots = self.registry.slots
        lines: list[str] = []
        for slot in np.flatnonzero(self.habits.opening).tolist():
            kg, years = int(self.habits.opening[slot]), 1 + slot % 4
            firm = self.registry.firm_code(int(slots.firm[slot]))
            code = RECIPES[int(slots.material[slot])].code
            for back in range(years, 0, -1):
                part = kg // years // 1000 * 1000 if back > 1 else kg
                kg -= part
                if part:
                    lines.append(
                        f"SYNO-{len(lines) + 1:07d},{firm},{storage[slot]},opening,{code},,"
                        f"{first.isoformat()},{tonnes(part)},,wet,measured,{first.year - back},,,,,"
                        "synthetic"
                    )
        out.lines(lines)

    def _use_route(self, slot: int) -> str:
        """Route of a use entry: that of the arrivals for a user, the first one for own use."""
        slots = self.registry.slots
        if slots.role[slot] == Role.USER:
            return slots.route[slot]
        return RECIPES[int(slots.material[slot])].use_routes[0]

    def _facility_codes(self, kind: str) -> list[str]:
        """Facility code of every slot for this kind of facility (it may not exist)."""
        slots = self.registry.slots
        return [
            f"syn.fac.{firm + 1:05d}.{RECIPES[stuff].yard[:2]}.{_SUFFIX[kind]}"
            for firm, stuff in zip(slots.firm.tolist(), slots.material.tolist(), strict=True)
        ]

    def write_facilities(self, out: RowFile) -> None:
        """facilities.csv: what each slot really does, so that every load fits its receiver."""
        slots = self.registry.slots
        used = sum((month.use for month in self.months), np.zeros_like(self._site))
        buried = sum((month.disposal for month in self.months), np.zeros_like(self._site))
        yearly = (used + buried) * 12 // self.calendar.months
        lines: list[str] = []
        for slot in range(len(slots.firm)):
            recipe, role = RECIPES[int(slots.material[slot])], Role(int(slots.role[slot]))
            capacity = (int(yearly[slot]) * 13 // 10 // 1_000_000 + 1) * 1000
            for kind, route, suffix in self._wanted(slot, recipe, role, bool(used[slot])):
                limit = str(capacity) if kind in ("use", "disposal") else ""
                lines.append(self._facility(slot, recipe, kind, route, suffix, limit))
        out.lines(lines)

    def _wanted(
        self, slot: int, recipe: Recipe, role: Role, uses: bool
    ) -> list[tuple[str, str, str]]:
        """(kind, route, code suffix) of the facilities of a slot."""
        if role == Role.TRADER:
            return [("storage", recipe.trade, "T"), ("storage", recipe.yard, "S")]
        if role == Role.LANDFILL:
            return [("disposal", recipe.landfill, "D")]
        found = []
        if role == Role.GENERATOR:
            found += [("generation", "", "G"), ("storage", recipe.yard, "S")]
        elif self.habits.user_yard[slot]:
            found.append(("storage", recipe.yard, "S"))
        if self.habits.treats[slot]:
            found.append(("treatment", recipe.treatment, "H"))
        if role == Role.USER or uses:
            found.append(("use", self._use_route(slot), "U"))
        return found

    def _facility(
        self, slot: int, recipe: Recipe, kind: str, route: str, suffix: str, limit: str
    ) -> str:
        firm = int(self.registry.slots.firm[slot])
        park = self.registry.park_code(int(self.registry.park[firm]))
        word = {"G": "产生", "S": "堆场", "T": "中转", "U": "利用", "D": "处置", "H": "处理"}[
            suffix
        ]
        code = f"syn.fac.{firm + 1:05d}.{recipe.yard[:2]}.{suffix}"
        return (
            f"{code},{self.registry.firm_code(firm)},{park},{kind},示范{word}设施 {code[8:]},"
            f"{recipe.code},{route},{limit},operating,,,,,,,{SYNTH_SOURCE}"
        )


def _round(kg: Ints) -> Ints:
    """Down to whole hundreds of kilograms; nothing below zero."""
    return np.maximum(kg, 0) // 100 * 100
