"""Large results of many small objects, and the cycle collector that would walk over them.

Such a result has no cycles, so every walk is in vain; it took half the time of a flow graph.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 50_000
"""Objects made until the young ones are walked over (Python's own: 700); some 5 MB."""
_GENERATIONS: Final = 20
"""Walks of one generation until the next older one is looked at too."""


@contextmanager
def no_collecting() -> Iterator[None]:
    """Leave the collector off inside; whoever found it on puts it on again, also beside threads."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def collect_seldom() -> None:
    """For a process that keeps large books in memory: young objects are looked at less often."""
    gc.set_threshold(_YOUNG, _GENERATIONS, _GENERATIONS)


def leave_alone() -> None:
    """Never look again at what there is now: it is kept for good, or dropped without cycles."""
    gc.collect()
    gc.freeze()
