"""A month of a scope at a glance: its amounts from balance lines, its neighbours, who is silent.

Pure.  Rates and what was utilised come traced from `core.rates`; here are the months a figure is
held against, the amounts of a balance under the words of a month, and firms that went quiet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from wasteflow.core.balances import Balance
from wasteflow.core.periods import next_month

AMOUNTS: Final = (
    "spent", "disposed", "received", "dispatched", "stock", "stored", "transit", "residual",
)  # fmt: skip
"""Amounts of a month that a balance tells, in kilograms; see `amounts`."""
LOOK_BACK: Final = 3
"""Months before in which somebody who is expected to report has done so."""
_DISPOSED: Final = ("disposal", "dumping")
_HELD: Final = ("site", "yard")
_TRANSIT: Final = "transit"


def neighbours(month: int) -> tuple[int, int]:
    """The month before, and the same month of the year before.

    >>> neighbours(202601), neighbours(202603)
    ((202512, 202501), (202602, 202503))
    """
    return next_month(month, -1), next_month(month, -12)


def amounts(lines: Iterable[Balance], wastes: Set[str]) -> dict[str, int]:
    """Kilograms of a month by the word of AMOUNTS, over the lines of some materials.

    spent: put to use here, whosever it was; dispatched, received: loads of these firms, also those
    between two of them; stock: at the month's end on sites and in yards, and `stored` how much it
    grew; transit: on the road at the end; residual: what no record explains.

    >>> line = Balance("a", "site", "slag", 100, {"generation": 50}, {"use": 20})
    >>> found = amounts([line], {"slag"})
    >>> found["spent"], found["stock"], found["stored"]
    (20, 130, 30)
    """
    found = dict.fromkeys(AMOUNTS, 0)
    for line in lines:
        if line.material not in wastes:
            continue
        found["residual"] += line.residual_kg
        if line.compartment == _TRANSIT:
            found["transit"] += line.closing_kg
            continue
        found["spent"] += line.outs.get("use", 0)
        found["disposed"] += sum(line.outs.get(word, 0) for word in _DISPOSED)
        found["dispatched"] += line.outs.get("dispatched", 0)
        found["received"] += line.ins.get("received", 0)
        if line.compartment in _HELD:
            found["stock"] += line.closing_kg
            found["stored"] += line.closing_kg - line.opening_kg
    return found


def silent(active: Mapping[int, Set[int]], month: int) -> set[int]:
    """Firms with records in one of the `LOOK_BACK` months before, and none in `month`.

    active: month → firms with records.

    >>> silent({202601: {1, 2}, 202602: {2}, 202603: {3}}, 202603) == {1, 2}
    True
    """
    before: set[int] = set()
    for back in range(1, LOOK_BACK + 1):
        before |= active.get(next_month(month, -back), set())
    return before - active.get(month, set())
