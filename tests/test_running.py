"""The order of the tests: long files first, nothing lost, and no file named that is gone."""

from __future__ import annotations

import pytest

from tests.running import HERE, LONG_FIRST, long_first


def test_long_files_come_first_and_no_test_is_lost(request: pytest.FixtureRequest) -> None:
    assert len(set(LONG_FIRST)) == len(LONG_FIRST)
    assert [name for name in LONG_FIRST if not (HERE / name).is_file()] == []
    items = request.session.items
    ordered = long_first(items)
    assert sorted(ordered, key=id) == sorted(items, key=id)
    ranks = [LONG_FIRST.index(name) for item in ordered if (name := _name(item)) in LONG_FIRST]
    assert ranks == sorted(ranks)
    assert all(_name(item) in LONG_FIRST for item in ordered[: len(ranks)])


def _name(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).as_posix() if item.path.is_relative_to(HERE) else ""
