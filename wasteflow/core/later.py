"""Heavy packages under their usual names, loaded at their first use instead of at the start.

SciPy and NetworkX are a fifth of the time until a new server answers, and neither the page to sign
in nor a list of loads needs them.  No module of ours is put off: errors in it must show at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


class Later:
    """A package that is imported when something of it is first asked for; safe between threads.

    >>> Later("json").dumps([1])
    '[1]'
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._name), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    import networkx as nx
    from scipy import linalg, sparse
else:
    nx, linalg, sparse = Later("networkx"), Later("scipy.linalg"), Later("scipy.sparse")

__all__ = ["Later", "linalg", "nx", "sparse"]
