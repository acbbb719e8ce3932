"""How many loads every link carries in every month, so that nobody ships what it never had.

Direct links share their loads by Zipf weights and follow the season.  Traders ship in a month at
most four fifths of the number of loads that reached them until the month before.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from msgspec import Struct

from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.dice import Dice, Ints
from wasteflow.synthetic.recipes import RECIPES, Role
from wasteflow.synthetic.registry import Registry

FEED_LOADS = 8
"""Percent of the loads that go from generators to traders."""
RESALE = 800
"""Thousandths of its arrivals that a trader ships on."""
CHILD_OF = 50
"""One load in so many is a return or redirect of a refused part."""


class Plan(Struct):
    """`counts[link, month]` main loads and the number of `children` (main + children = loads).

    `parents`: positions, in order of dispatch, of the loads that are refused in part.
    """

    counts: Ints
    parents: Ints

    @property
    def children(self) -> int:
        """Number of child loads."""
        return len(self.parents)


def plan(registry: Registry, calendar: Calendar, loads: int, seed: int) -> Plan:
    """Exactly `loads` shipment rows spread over links, months and refused parts."""
    children = loads // CHILD_OF if loads >= 2 * CHILD_OF else 0
    counts = _counts(registry, calendar, loads - children, seed)
    months = calendar.months
    eligible = int(counts[:, :-1].sum()) if months > 1 else loads * 15 // calendar.length(0)
    if children * 2 > eligible:
        return Plan(_counts(registry, calendar, loads, seed), np.zeros(0, dtype=np.int64))
    steps = np.arange(children, dtype=np.int64)
    width = max(1, eligible // max(1, children))
    parents = steps * eligible // max(1, children) + Dice(seed, "refused").below(steps, width)
    return Plan(counts, parents)


def zipf(total: int, ranks: Ints) -> Ints:
    """`total` whole things over places with weight 1/(rank + 1), exact sum.

    >>> zipf(12, np.array([0, 1, 2])).tolist()
    [6, 3, 3]
    """
    if not len(ranks):
        return np.zeros(0, dtype=np.int64)
    cumulative = np.cumsum(1_000_000 // (ranks + 1) + 1)
    edges = [total * weight // int(cumulative[-1]) for weight in [0, *cumulative.tolist()]]
    ends = np.array(edges, dtype=np.int64)
    return ends[1:] - ends[:-1]


def _counts(registry: Registry, calendar: Calendar, loads: int, seed: int) -> Ints:
    links, slots = registry.links, registry.slots
    counts = np.zeros((len(links), calendar.months), dtype=np.int64)
    material = slots.material[links.source]
    feed = np.arange(links.direct, links.direct + links.feed)
    if len(feed):
        totals = zipf(loads * FEED_LOADS // 100, Dice(seed, "feed rank").shuffled(len(feed)))
        counts[feed] = _seasonal(totals, material[feed], calendar, Dice(seed, "feed season"))
        _resell(registry, counts)
    rest = loads - int(counts.sum())
    totals = zipf(rest, Dice(seed, "direct rank").shuffled(links.direct))
    first = slice(0, links.direct)
    counts[first] = _seasonal(totals, material[first], calendar, Dice(seed, "direct season"))
    return counts


def _seasonal(totals: Ints, material: Ints, calendar: Calendar, dice: Dice) -> Ints:
    """Split each total over the months by the season of its material; row sums are exact."""
    months = [calendar.month(index)[1] - 1 for index in range(calendar.months)]
    seasons = np.array([[recipe.season[m] for m in months] for recipe in RECIPES], dtype=np.int64)
    reached = np.cumsum(seasons, axis=1)[material]
    phase = dice.below(np.arange(len(totals), dtype=np.int64), 1 << 40) % reached[:, -1]
    edges = (totals[:, None] * reached + phase[:, None]) // reached[:, -1:]
    return np.diff(edges, axis=1, prepend=0)


def _resell(registry: Registry, counts: Ints) -> None:
    """Fill the rows of the links that leave traders, month after month, in place."""
    links, slots = registry.links, registry.slots
    start = links.direct + links.feed
    source, target = links.source[start:], links.target[start:]
    if not len(source):
        return
    order = np.lexsort((np.arange(len(source)), source))
    place = np.zeros(len(source), dtype=np.int64)
    for rank, index in enumerate(order.tolist()):
        ahead = order[rank - 1] if rank else -1
        place[index] = place[ahead] + 1 if rank and source[ahead] == source[index] else 0
    weight = 1_000_000 // (place + 1)
    total = np.zeros(len(slots.firm), dtype=np.int64)
    np.add.at(total, source, weight)
    share = RESALE * weight // total[source]
    arrived = np.zeros(len(slots.firm), dtype=np.int64)
    shipped = np.zeros(len(source), dtype=np.int64)
    fed = links.target[links.direct : start]
    for month in range(counts.shape[1]):
        wanted = share * arrived[source] // 1000
        counts[start:, month] = wanted - shipped
        shipped = wanted
        np.add.at(arrived, fed, counts[links.direct : start, month])
        to_trader = slots.role[target] == Role.TRADER
        np.add.at(arrived, target[to_trader], counts[start:, month][to_trader])


def spread(count: int, seed: int, month: int) -> tuple[int, int]:
    """(a, b) of the permutation i → (a·i + b) mod `count` that mixes the loads of a month."""
    step = max(1, count * 618_034 // 1_000_000)
    while gcd(step, count) != 1:
        step += 1
    return step, Dice(seed, "spread").one(month, count)
