"""What a process remembers between transactions: values by key, bounded, for all threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")


class Kept(Generic[_K, _T]):
    """What was computed, by key, the least recently used dropped; for all threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = Lock()
        self._found: OrderedDict[_K, _T] = OrderedDict()

    def get(self, key: _K) -> _T | None:
        """What is kept under a key."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: _K, value: _T) -> _T:
        """Keep a value and give it back."""
        with self._lock:
            self._found[key] = value
            self._found.move_to_end(key)
            while len(self._found) > self.limit:
                self._found.popitem(last=False)
        return value

    def items(self) -> list[tuple[_K, _T]]:
        """Everything kept now, the least recently used first."""
        with self._lock:
            return list(self._found.items())

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._found.clear()
