"""Search by a word, and the matrix of who sends to whom: pure rules, then over small books."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import people, web_books
from tests.store.databases import new_database
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.matrix import OTHER, matrix_of
from wasteflow.core.registry import Enterprise, Facility, Park, Region, Registry
from wasteflow.core.search import find
from wasteflow.services.search import find_loads
from wasteflow.web.access import books
from wasteflow_models.engine import Database

REGISTRY = Registry(
    regions={"530181": Region("530181", "安宁市", "Anning")},
    parks={"park.a": Park("park.a", "安宁园区", "Anning park", region="530181")},
    enterprises={
        "ent.a": Enterprise("ent.a", "安宁化工", "Anning Chemical", "91530181X", "park.a"),
        "ent.b": Enterprise("ent.b", "乙厂", "Works B", aliases="老乙"),
    },
    facilities={
        "f.1": Facility("f.1", "yard", "一号库", "ent.a"),
        "f.2": Facility("f.2", "yard", "无主库", "ent.gone"),
    },
)


def found(words: str, closed: str = "") -> list[str]:
    return [hit.code for hit in find(REGISTRY, words, lambda scope: scope != closed)]


def test_a_word_finds_codes_names_numbers_the_full_match_first() -> None:
    assert found("ent.a") == ["ent.a"]
    assert found("安宁") == ["park.a", "ent.a", "530181"]
    assert found("CHEMICAL anning") == ["ent.a"]
    assert found("91530181x") == ["ent.a"] and found("老乙") == ["ent.b"]
    assert found("一号") == ["f.1"] and found("无主库") == []
    assert found("") == found("   ") == found("nothing") == []
    assert find(REGISTRY, "安宁市", lambda scope: True)[0].rank == 0


def test_what_one_may_not_open_is_not_found() -> None:
    assert "ent.a" not in found("安宁", closed="enterprise:ent.a")
    assert found("一号库", closed="enterprise:ent.a") == []


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(0, 9))),
    st.integers(1, 5),
)
def test_a_matrix_loses_no_kilogram(links: list[tuple[str, str, int]], most: int) -> None:
    matrix = matrix_of(links, most)
    total = sum(kg for *_, kg in links)
    assert matrix.total_kg == sum(matrix.cells.values()) == total
    assert sum(matrix.rows_kg.values()) == sum(matrix.columns_kg.values()) == total
    assert len([row for row in matrix.rows if row != OTHER]) <= most


def _site(url: str, folder: Path) -> Flask:
    web_books.load(url, folder, (*web_books.REGISTRY, *web_books.LEDGER))
    db = Database(url)
    people.enrol(db, ["operator.p1", "operator.use", "planner"])
    db.dispose()
    return create_app(Config(url))


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Pages over small books that nobody writes to."""
    folder = tmp_path_factory.mktemp("frame")
    with new_database(request, "sqlite", folder) as url:
        made = _site(url, folder)
        yield made
        with made.app_context():
            books().db.dispose()


def test_loads_are_found_by_their_parties_only(database_url: str, tmp_path: Path) -> None:
    with _site(database_url, tmp_path).app_context():
        db = books().db
    who = people.actor(db, "operator.p1")
    assert [load["doc_no"] for load in find_loads(db=db, actor=who, words="s1")] == ["s1"]
    uid = find_loads(db=db, actor=who, words="s1")[0]["id"]
    assert [load["id"] for load in find_loads(db=db, actor=who, words=uid)] == [uid]
    assert (
        find_loads(db=db, actor=who, words="s") == find_loads(db=db, actor=None, words="s1") == []
    )
    assert find_loads(db=db, actor=who, words="%1") == []
    db.dispose()


def test_search_jumps_lists_and_says_that_there_is_nothing(app: Flask) -> None:
    client = people.sign_in(app, "operator.p1")
    load = client.get("/search?q=s1")
    assert load.status_code == 303 and load.headers["Location"].startswith("/loads/")
    own = client.get("/search?q=ent.p1")
    assert own.status_code == 303 and "scope=enterprise" in own.headers["Location"]
    foreign = client.get("/search?q=ent.p2&lang=en")
    assert foreign.status_code == 200 and "Nothing found" in foreign.text
    hostile = client.get("/search", query_string={"q": web_books.HOSTILE})
    assert hostile.status_code == 200 and "<script>alert" not in hostile.text
    assert client.get("/search").status_code == 200
    assert app.test_client().get("/search?q=ent.p1").status_code in (302, 401)


def test_the_bell_counts_what_waits_and_the_tag_of_a_page_knows_it(app: Flask) -> None:
    client = people.sign_in(app, "operator.use")
    page = client.get("/balances?lang=en")
    assert "Loads waiting for you: 1" in page.text
    again = client.get("/balances?lang=en", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    assert "Loads waiting" not in people.sign_in(app, "planner").get("/?lang=en").text


def test_the_matrix_and_the_links_of_a_pair_agree(app: Flask) -> None:
    client = people.sign_in(app, "planner")
    asked = "period=2026&level=enterprise&lang=en"
    page = client.get(f"/matrix?{asked}")
    assert page.status_code == 200 and "325" in page.text
    lines = client.get(f"/matrix?{asked}&format=csv").text.splitlines()
    pair = client.get(
        "/flows?period=2026&source=enterprise:ent.p1&target=enterprise:ent.use&format=csv"
    ).text.splitlines()
    total = sum(float(line.split(",")[4]) for line in pair[1:])
    assert any(line.startswith("Producer One,User,") for line in lines)
    mine = next(line for line in lines if line.startswith("Producer One,User,"))
    assert float(mine.split(",")[2]) == total > 0
    wrong = client.get("/flows?source=nonsense&target=enterprise:ent.use")
    assert wrong.status_code in (404, 422)
    assert client.get("/matrix?scope=region:530000&level=park").status_code == 200


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_has_a_topic_for_every_page_of_the_menu(app: Flask, lang: str) -> None:
    from wasteflow.web.pages.helping import topics
    from wasteflow.web.texts import has_text

    client = app.test_client()
    assert client.get(f"/help?lang={lang}").status_code == 200
    for _, pages in topics():
        for topic in pages:
            assert has_text(f"help.{topic}.answers"), topic
            assert client.get(f"/help/{topic}?lang={lang}").status_code == 200
    assert client.get("/help/nothing").status_code == 404


def test_the_comparison_shows_the_rates_of_the_rates_page(app: Flask) -> None:
    client = people.sign_in(app, "planner")
    lines = client.get("/compare?period=2026Q1&by=enterprise&lang=en&format=csv").text.splitlines()
    rates = client.get("/rates?period=2026Q1&by=enterprise&lang=en&format=csv").text.splitlines()
    assert lines[0].lstrip("\ufeff").startswith("Enterprise,") and "Q1 2026" in lines[0]
    column = rates[0].split(",").index(next(h for h in rates[0].split(",") if "(%)" in h))
    told = {line.split(",")[0]: line.split(",")[column] for line in rates[1:]}
    mine = {line.split(",")[0]: line.split(",")[2] for line in lines[1:]}
    assert mine == told and any(mine.values())
    drawn = client.get("/compare?period=2026Q1&by=enterprise&lang=en").text
    wide = drawn.partition('class="dots dots-wide"')[2].partition("</svg>")[0]
    dots = dict(re.findall(r"<title>(.*?) 2026: ([\d.]+) %</title>", wide))
    assert dots == {
        name: f"{float(rate):.1f}" for name, rate in told.items() if re.fullmatch(r"[\d.]+", rate)
    }
    for address in (
        "by=park&basis=verified&formula=simple",
        "period=2024-01..2026-06",
        "by=region",
    ):
        assert client.get(f"/compare?{address}").status_code == 200
