"""Work one step ahead: what is ready, errors in their place, an end that waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from wasteflow.schemas.ahead import Ahead


def test_it_is_ready_when_the_next_item_or_the_end_is_there() -> None:
    go, made = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 1
        assert go.wait(30)
        yield 2
        made.set()

    with closing(Ahead(items())) as coming:
        assert next(coming) == 1
        assert not coming.ready
        go.set()
        assert next(coming) == 2
        assert made.wait(30)
        with pytest.raises(StopIteration):
            next(coming)


def test_an_error_comes_where_its_item_would() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    with closing(Ahead(items())) as coming:
        assert next(coming) == 1
        with pytest.raises(KeyError, match="broken"):
            next(coming)
