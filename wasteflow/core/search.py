"""Find parks, firms, facilities, regions by a word: code, name, credit code; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from wasteflow.core.registry import Registry

KINDS: Final = ("park", "enterprise", "facility", "region")
"""Kinds of things in the order they are shown."""
LONGEST: Final = 100


class Hit(Struct, frozen=True):
    """Something found: what it is, the scope of reports that shows it, its names, why it fits.

    `rank`: 0 code, name or number typed in full, 1 begins so, 2 holds the words.
    """

    kind: str
    code: str
    scope: str
    name_zh: str
    name_en: str
    note: str
    rank: int


def find(
    registry: Registry, words: str, opens: Callable[[str], bool], limit: int = 20
) -> list[Hit]:
    """What fits `words`, the best first: every word must stand in the code, a name or the number.

    opens: whether the asker may open a scope; what they may not is left out.

    >>> from wasteflow.core.registry import Park
    >>> parks = {"p.a": Park("p.a", "安宁园区", "Anning park"), "p.b": Park("p.b", "乙", "Other")}
    >>> [hit.code for hit in find(Registry(parks=parks), "ANNING", lambda scope: True)]
    ['p.a']
    """
    wanted = words.strip()[:LONGEST].casefold()
    if not wanted:
        return []
    parts = wanted.split()
    found = []
    for kind, code, scope, names, note in _things(registry):
        rank = _rank(wanted, parts, (code, *names))
        if rank is not None:
            found.append(Hit(kind, code, scope, names[0], names[1], note, rank))
    found.sort(key=lambda hit: (hit.rank, KINDS.index(hit.kind), len(hit.name_zh), hit.code))
    shown: list[Hit] = []
    for hit in found:
        if len(shown) == limit:
            break
        if opens(hit.scope):
            shown.append(hit)
    return shown


def _rank(wanted: str, parts: list[str], texts: tuple[str, ...]) -> int | None:
    folded = [text.casefold() for text in texts if text]
    if wanted in folded:
        return 0
    if any(text.startswith(wanted) for text in folded):
        return 1
    if all(any(part in text for text in folded) for part in parts):
        return 2
    return None


def _things(registry: Registry) -> Iterator[tuple[str, str, str, tuple[str, ...], str]]:
    """(kind, code, scope, (Chinese name, English name, other words), a word about it)."""
    for park in registry.parks.values():
        yield "park", park.code, f"park:{park.code}", (park.name_zh, park.name_en), park.region
    for firm in registry.enterprises.values():
        names = (firm.name_zh, firm.name_en, firm.uscc, firm.aliases)
        yield "enterprise", firm.code, f"enterprise:{firm.code}", names, firm.park
    for item in registry.facilities.values():
        if item.enterprise in registry.enterprises:
            owner = registry.enterprises[item.enterprise]
            named = (item.name or item.code, item.name or item.code)
            yield "facility", item.code, f"enterprise:{owner.code}", named, owner.code
    for region in registry.regions.values():
        both = (region.name_zh, region.name_en)
        yield "region", region.code, f"region:{region.code}", both, region.parent
