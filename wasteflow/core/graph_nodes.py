"""What a node of the flow graph is called and where it lies, from the registry."""

from __future__ import annotations

from typing import Any

from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.registry import NO_PARK, Registry
from wasteflow.core.vocabulary import Fate

_BOUNDARY_NAMES = {
    PlaceKind.GENERATION: ("产生", "generation"),
    PlaceKind.RECIRCULATED: ("利用中再产生", "recirculated"),
    PlaceKind.OPENING: ("期初库存", "opening stock"),
    PlaceKind.DUMPING: ("倾倒丢弃", "dumping"),
    PlaceKind.OUTSIDE: ("系统外", "outside"),
    PlaceKind.WEIGHING: ("称量差", "weighing difference"),
    PlaceKind.LOST: ("运输损失", "lost"),
    PlaceKind.STOCKTAKE: ("盘点差", "stocktake difference"),
}


def describe(
    node: str, registry: Registry, level: str, mark: tuple[str, str, str] | None = None
) -> dict[str, Any]:
    """Attributes of a node from the registry; `mark` = (yard or transit, owner, goal).

    kind, name_zh, name_en, park, region, lon, lat (degrees or None), as in `graph.build_graph`.
    """
    plain: dict[str, Any] = {
        "kind": level,
        "name_zh": node,
        "name_en": node,
        "park": None,
        "region": None,
        "lon": None,
        "lat": None,
    }
    if mark:
        base = describe(mark[1], registry, level)
        zh, en = base["name_zh"], base["name_en"]
        if mark[2]:
            goal = describe(mark[2], registry, level)
            zh, en = f"{zh} → {goal['name_zh']}", f"{en} → {goal['name_en']}"
        words = (f"{zh}(堆场)", f"{en} (yard)")
        if mark[0] == "transit":
            words = (f"在途 {zh}", f"in transit {en}")
        return {**base, "kind": mark[0], "name_zh": words[0], "name_en": words[1]}
    head, _, tail = node.partition(":")
    if node in registry.enterprises and level == "enterprise":
        firm = registry.enterprises[node]
        names = {"name_zh": firm.name_zh, "name_en": firm.name_en or firm.name_zh}
        home = {"park": firm.park or None, "region": registry.region_of(node) or None}
        return {**plain, **names, **home, "lon": firm.lon, "lat": firm.lat}
    if level == "park" and (node in registry.parks or node == NO_PARK):
        return {**plain, **_park_attributes(node, registry)}
    if level == "region" and head == "region":
        region = registry.regions.get(tail)
        if region is None:
            return {**plain, "name_zh": "未填地区", "name_en": "no region"}
        return {**plain, "name_zh": region.name_zh, "name_en": region.name_en, "region": tail}
    return {**plain, **_boundary_attributes(node, registry)}


def _park_attributes(node: str, registry: Registry) -> dict[str, Any]:
    park = registry.parks.get(node)
    if park is None:
        return {"name_zh": "未入园", "name_en": "no park"}
    region = next(
        (registry.parks[up].region for up in registry.parks_up(node) if registry.parks[up].region),
        None,
    )
    return {
        "name_zh": park.name_zh,
        "name_en": park.name_en or park.name_zh,
        "park": park.parent or None,
        "region": region,
        "lon": park.lon,
        "lat": park.lat,
    }


def _boundary_attributes(node: str, registry: Registry) -> dict[str, Any]:
    place = Place.parse("opening::" if node == "opening" else node)
    if place.a and place.kind in (PlaceKind.USE, PlaceKind.DISPOSAL):
        route = registry.routes[place.a]
        kind = Fate.USE if place.kind is PlaceKind.USE else Fate.DISPOSAL
        return {"kind": kind.value, "name_zh": route.name_zh, "name_en": route.name_en}
    zh, en = _BOUNDARY_NAMES[place.kind]
    return {"kind": place.word, "name_zh": zh, "name_en": en}
