"""The invented registry of `synth`: parks, firms, what each does with its material, and links.

A *slot* is one firm with one material; the first slots are the firms themselves in order, further
ones are second materials of users.  A *link* joins two slots of one material.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from wasteflow.synthetic.dice import Dice, Ints
from wasteflow.synthetic.recipes import MATERIAL_CYCLE, RECIPES, ROLE_CYCLE, ROLE_NAMES, Role
from wasteflow.synthetic.writing import SYNTH_SOURCE, RowFile, degrees

LINKS_PER_FIRM = 4
FEED_SHARE, RESALE_SHARE = 8, 12
"""Percent of the links that go from a generator to a trader, and that leave a trader."""

_BOXES = (
    (985_000, 1_050_000, 232_000, 272_000),
    (1_048_000, 1_088_000, 252_000, 282_000),
    (1_060_000, 1_090_000, 290_000, 312_000),
)
"""Yunnan, Guizhou, Chongqing (5, 3, 2 of ten parks): lon and lat bounds in 1e-4 degrees."""
_PLATES = {0: "云A", 1: "贵A", 2: "渝A"}
_LEVELS = ("county", "municipal", "provincial", "county")
_KINDS = (("road", 88), ("rail", 96), ("water", 97), ("road", 100))


class Slots(Struct):
    """Per slot: firm, material (index of RECIPES), role, and the route of what it receives."""

    firm: Ints
    material: Ints
    role: Ints
    route: list[str]

    def of(self, material: int, *roles: Role) -> Ints:
        """Slots of one material with one of the roles, in order."""
        wanted = np.isin(self.role, np.array(roles)) & (self.material == material)
        return np.flatnonzero(wanted).astype(np.int64)


class Links(Struct):
    """Per link: the two slots and the mode; the first `direct` are direct, then feed, resale."""

    source: Ints
    target: Ints
    mode: list[str]
    direct: int
    feed: int

    def __len__(self) -> int:
        return len(self.source)


class Registry(Struct):
    """Everything the loads refer to; positions in ten-thousandths of a degree."""

    parks: int
    firms: int
    box: Ints
    park_lon: Ints
    park_lat: Ints
    park: Ints
    lon: Ints
    lat: Ints
    slots: Slots
    links: Links

    def park_code(self, index: int) -> str:
        """Code of a park."""
        return f"syn.park.{index + 1:03d}"

    def firm_code(self, index: int) -> str:
        """Code of a firm."""
        return f"syn.ent.{index + 1:05d}"

    def plate_prefix(self, firm: int) -> str:
        """First two signs of the number plates of a firm's lorries."""
        return _PLATES[int(self.box[self.park[firm]])]


def build(enterprises: int, parks: int, seed: int) -> Registry:
    """The registry of `synth` (4-contract 4.2) for these sizes and this seed."""
    dice = Dice(seed, "registry")
    park_ids = np.arange(parks, dtype=np.int64)
    box = np.where(park_ids % 10 < 5, 0, np.where(park_ids % 10 < 8, 1, 2)).astype(np.int64)
    low_lon, high_lon, low_lat, high_lat = (
        np.array([bounds[i] for bounds in _BOXES], dtype=np.int64)[box] for i in range(4)
    )
    park_lon = low_lon + dice.below(park_ids * 2, 1 << 30) % (high_lon - low_lon)
    park_lat = low_lat + dice.below(park_ids * 2 + 1, 1 << 30) % (high_lat - low_lat)
    firm_ids = np.arange(enterprises, dtype=np.int64)
    near = Dice(seed, "firms")
    park = np.where(firm_ids < parks, firm_ids, near.below(firm_ids, parks))
    lon = park_lon[park] + near.around(firm_ids + enterprises, 600)
    lat = park_lat[park] + near.around(firm_ids + 2 * enterprises, 600)
    slots = _slots(enterprises, seed)
    links = _links(slots, park, lon, lat, seed)
    return Registry(parks, enterprises, box, park_lon, park_lat, park, lon, lat, slots, links)


def _slots(enterprises: int, seed: int) -> Slots:
    materials = len(RECIPES) if enterprises >= 2 * len(RECIPES) else 1
    firm = np.arange(enterprises, dtype=np.int64)
    cycle = np.array(MATERIAL_CYCLE, dtype=np.int64)
    material = cycle[firm % len(cycle)] if materials > 1 else np.zeros(enterprises, np.int64)
    role = np.zeros(enterprises, dtype=np.int64)
    turns = np.array(ROLE_CYCLE, dtype=np.int64)
    for index in range(materials):
        mine = np.flatnonzero(material == index)
        role[mine] = turns[np.arange(len(mine)) % len(turns)]
    second = firm[(role == Role.USER) & (Dice(seed, "second").below(firm, 4) == 0)]
    if materials > 1:
        firm = np.concatenate([firm, second])
        role = np.concatenate([role, role[second]])
        material = np.concatenate([material, (material[second] + 1) % materials])
    picks = Dice(seed, "route").below(np.arange(len(firm), dtype=np.int64), 1 << 20)
    route = []
    for kind, stuff, pick in zip(role.tolist(), material.tolist(), picks.tolist(), strict=True):
        recipe = RECIPES[stuff]
        by_role = {
            Role.GENERATOR: recipe.yard,
            Role.TRADER: recipe.trade,
            Role.LANDFILL: recipe.landfill,
        }
        route.append(by_role.get(Role(kind)) or recipe.use_routes[pick % len(recipe.use_routes)])
    return Slots(firm, material, role, route)


def _links(slots: Slots, park: Ints, lon: Ints, lat: Ints, seed: int) -> Links:
    found: list[list[tuple[Ints, Ints]]] = [[], [], []]
    for material in range(int(slots.material.max()) + 1):
        firms = int((slots.material[: len(park)] == material).sum())
        total = LINKS_PER_FIRM * firms
        makers = slots.of(material, Role.GENERATOR)
        takers = slots.of(material, Role.USER, Role.LANDFILL)
        traders = slots.of(material, Role.TRADER)
        feed = total * FEED_SHARE // 100 if len(traders) else 0
        resale = total * RESALE_SHARE // 100 if len(traders) else 0
        buyers = np.concatenate([takers, traders, traders])
        wishes = (
            (makers, takers, total - feed - resale),
            (makers, traders, feed),
            (traders, buyers, resale),
        )
        for kind, (sources, targets, count) in enumerate(wishes):
            dice = Dice(seed, f"links {material} {kind}")
            found[kind].append(_pairs(sources, targets, count, slots, lon, lat, dice))
    source = np.concatenate([pair[0] for kind in found for pair in kind])
    target = np.concatenate([pair[1] for kind in found for pair in kind])
    direct, feed = (sum(len(pair[0]) for pair in found[kind]) for kind in (0, 1))
    near = park[slots.firm[source]] == park[slots.firm[target]]
    throws = Dice(seed, "mode").below(np.arange(len(source), dtype=np.int64), 100)
    mode = [
        "conveyor" if same and throw < 10 else next(m for m, top in _KINDS if throw < top)
        for same, throw in zip(near.tolist(), throws.tolist(), strict=True)
    ]
    return Links(source, target, mode, direct, feed)


def _pairs(
    sources: Ints, targets: Ints, count: int, slots: Slots, lon: Ints, lat: Ints, dice: Dice
) -> tuple[Ints, Ints]:
    """At most `count` different pairs; every source comes first once, then large ones more often.

    The target is the nearest of four drawn ones, so that most links are short.
    """
    empty = np.zeros(0, dtype=np.int64)
    if not count or not len(sources) or not len(targets):
        return empty, empty
    ids = np.arange(count * 2 + len(sources), dtype=np.int64)
    skew = dice.below(ids, 1 << 20)
    pick = np.where(ids < len(sources), ids, (len(sources) * skew * skew) >> 40)
    source = sources[pick]
    four = targets[dice.below((ids[:, None] * 4 + np.arange(4)) + (1 << 40), len(targets))]
    east = lon[slots.firm[four]] - lon[slots.firm[source]][:, None]
    north = lat[slots.firm[four]] - lat[slots.firm[source]][:, None]
    best = np.argmin(east * east + north * north, axis=1)
    target = four[ids, best]
    fits = slots.firm[source] != slots.firm[target]
    source, target = source[fits], target[fits]
    _, first = np.unique(source * len(slots.firm) + target, return_index=True)
    kept = np.sort(first)[:count]
    return source[kept], target[kept]


def write_parks(registry: Registry, out: RowFile) -> None:
    """parks.csv; every eighth park is a sub-park of the one before it."""
    lines = []
    for index in range(registry.parks):
        parent = registry.park_code(index - 1) if index % 8 == 7 else ""
        name = f"{index + 1:03d}"
        lines.append(
            f"{registry.park_code(index)},示范园区{name},Demonstration park {name}"
            f",{parent},,{_LEVELS[index % 4]},{degrees(int(registry.park_lon[index]))},"
            f"{degrees(int(registry.park_lat[index]))},WGS84,5,{SYNTH_SOURCE}"
        )
    out.lines(lines)


def write_enterprises(registry: Registry, out: RowFile) -> None:
    """enterprises.csv; no credit codes (an invented one might be somebody's)."""
    lines = []
    slots = registry.slots
    for index in range(registry.firms):
        recipe, role = RECIPES[int(slots.material[index])], Role(int(slots.role[index]))
        maker = (recipe.generator_zh, recipe.generator_en, recipe.industry)
        word_zh, word_en, industry = ROLE_NAMES.get(role, maker)
        lines.append(
            f"{registry.firm_code(index)},示范{word_zh}{index + 1:05d},"
            f"Demonstration {word_en} {index + 1:05d},,"
            f"{registry.park_code(int(registry.park[index]))},,{industry},false,,"
            f"{degrees(int(registry.lon[index]))},{degrees(int(registry.lat[index]))},WGS84,2,"
            f"{SYNTH_SOURCE}"
        )
    out.lines(lines)
