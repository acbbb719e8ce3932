"""Tables of the pages: rows made when they are shown, sums under them, addresses in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, url_for
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.core.reach import everything
from wasteflow.core.registry import Registry
from wasteflow.services.reports import Overview
from wasteflow.web.access import books
from wasteflow.web.pages.tables import Cell, Column, Later, Page, Row, page_of
from wasteflow.web.pages.view import View

COLUMNS = (Column("name", "x"), Column("mass", "x", "t", True), Column("loads", "x", "", True))
Plain = tuple[str, int, int | None]

WHOLE = everything(Registry())


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """An application that is never asked for its database."""
    app = create_app(Config("sqlite://", accounts=OPEN))
    yield app
    books(app).db.dispose()


def cells(item: Plain) -> dict[str, Cell]:
    name, mass, loads = item
    blank = Cell("–", None, muted=True)
    return {
        "name": Cell(name, name),
        "mass": Cell(str(mass), str(mass)),
        "loads": blank if loads is None else Cell(str(loads), loads),
    }


def later(item: Plain, made: list[str]) -> Row:
    def maker(key: str) -> Any:
        def make() -> Cell:
            made.append(key)
            return cells(item)[key]

        return make

    return Later({key: maker(key) for key in cells(item)}, {"mass": item[1], "loads": item[2]})


ITEMS = st.lists(
    st.tuples(
        st.text("ab1 ", max_size=3), st.integers(-(10**12), 10**12), st.none() | st.integers(0, 9)
    ),
    max_size=30,
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.sampled_from(["name", "-name", "mass", "-mass", "loads", "-loads", "none"]),
        "q": st.sampled_from(["a", "1", "b 1"]),
        "limit": st.integers(1, 40).map(str),
        "offset": st.integers(0, 40).map(str),
    },
)


@given(items=ITEMS, asked=ASKED)
def test_rows_made_later_give_the_same_page(
    app: Flask, items: list[Plain], asked: dict[str, str]
) -> None:
    with app.test_request_context("/flows", query_string=asked):
        page = page_of(COLUMNS, [later(item, []) for item in items], sort="-mass")
        plain = page_of(COLUMNS, [cells(item) for item in items], sort="-mass")
    shown = [[dict(row) for row in one.rows] for one in (page, plain)]
    assert shown[0] == shown[1]
    assert (page.total, page.offset, page.sort) == (plain.total, plain.offset, plain.sort)


def test_only_what_is_shown_is_made(app: Flask) -> None:
    made: list[str] = []
    rows = [later((f"n{number}", number, 1), made) for number in range(1000)]
    with app.test_request_context("/flows?limit=10"):
        page = page_of(COLUMNS, rows, sort="-mass", add=("mass",))
    assert made == []
    assert [row["name"].shown for row in page.rows][:2] == ["n999", "n998"]
    assert len(made) == 10


@given(items=ITEMS, asked=ASKED)
def test_the_rows_shown_and_the_others_make_the_whole_to_the_kilogram(
    app: Flask, items: list[Plain], asked: dict[str, str]
) -> None:
    """Page after page the rows add up to the total, whatever is sorted, searched or cut."""

    def page(offset: int) -> Page:
        with app.test_request_context("/flows", query_string={**asked, "offset": str(offset)}):
            rows = [later(item, []) for item in items]
            return page_of(COLUMNS, rows, sort="-mass", add=("mass", "loads"))

    first = page(0)
    whole = {key: sum(parts) for key, parts in first.sums.items()}
    if "q" not in asked:
        assert whole["mass"] == sum(mass for _, mass, _ in items)
    seen = {"mass": 0, "loads": 0}
    for offset in range(0, max(first.total, 1), first.limit):
        part = page(offset)
        assert {key: sum(parts) for key, parts in part.sums.items()} == whole
        assert part.others == first.total - len(part.rows)
        for key in seen:
            seen[key] += part.sums[key][0]
    assert seen == whole


@given(
    scope=st.just("all") | st.text(max_size=20).map("park:{}".format),
    changes=st.dictionaries(
        st.sampled_from(["source", "target", "offset", "period", "scope"]),
        st.none() | st.integers() | st.text(max_size=20),
        max_size=5,
    ),
)
def test_addresses_are_those_of_flask(
    app: Flask, scope: str, changes: dict[str, str | int | None]
) -> None:
    view = View(Overview(Registry(), None, None, False), scope, None, "red_mud", True, WHOLE)
    known = {"scope": "" if scope == "all" else scope, "period": "", "material": "red_mud"}
    kept: dict[str, Any] = {**known, "products": "1"}
    values = {name: x for name, x in (kept | changes).items() if x not in ("", None)}
    with app.test_request_context("/flows"):
        assert view.address("postings", **changes) == url_for("pages.postings", **values)
        assert View(view.books, "all", None, "", False, WHOLE).address("flows") == "/flows"
