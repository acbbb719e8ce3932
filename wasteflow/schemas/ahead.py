"""An iterator that works one step ahead of its consumer, in a thread; no meaning of the items."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Ahead(Generic[_T]):
    """The same items (none of them None) and errors; the next is made while one is in use.

    To be closed by whoever made it.
    """

    def __init__(self, items: Iterator[_T]) -> None:
        self._items = items
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._coming = self._worker.submit(next, items, None)

    def __iter__(self) -> Iterator[_T]:
        return self

    def __next__(self) -> _T:
        item = self._coming.result()
        if item is None:
            raise StopIteration
        self._coming = self._worker.submit(next, self._items, None)
        return item

    @property
    def ready(self) -> bool:
        """Whether the next item, or the end, is there without waiting."""
        return self._coming.done()

    def close(self) -> None:
        """Wait for the item that is being made, and make no more."""
        self._worker.shutdown(cancel_futures=True)


def ahead(items: Iterator[_T]) -> Generator[_T, None, None]:
    """The items of `Ahead`, closed with the generator.

    >>> list(ahead(iter([1, 2, 3])))
    [1, 2, 3]
    """
    with closing(Ahead(items)) as coming:
        yield from coming
