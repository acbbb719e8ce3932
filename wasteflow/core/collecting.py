"""Building large results of many small objects without the cycle collector walking over them.

Such a result has no cycles, so every walk is in vain; it took half the time of a flow graph.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
