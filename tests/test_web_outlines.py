"""The pages of park outlines without a script: a question is no fault, dark is dark."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from flask import Flask

from tests import people, web_books
from tests.load_pages import Clerk, clerk
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    url = sqlite_books(tmp_path_factory.mktemp("outlines"), web_books.REGISTRY)
    made = create_app(Config(url))
    people.enrol(books(made).db, ("park.a",))
    yield made
    with made.app_context():
        books().db.dispose()


def square(lon: float, lat: float, **named: str) -> dict[str, object]:
    """A feature of a square of about 2 km around a position."""
    west, east, south, north = lon - 0.01, lon + 0.01, lat - 0.01, lat + 0.01
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": named,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def sent(manager: Clerk, *features: dict[str, object]) -> str:
    """The address of the page of a file of features."""
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    values = {"file": (io.BytesIO(data), "园区.geojson")}
    address: str = manager.send("/boundaries", "/boundaries", values).headers["Location"]
    return address


def asked(html: str) -> list[str]:
    """The addresses of the answers to the question of a page."""
    part = html.partition('class="panel geo-ask"')[2].partition("</section>")[0]
    return [unescape(address) for address in re.findall(r'href="([^"]+)"', part)]


def test_a_good_file_is_asked_about_and_one_answer_leads_on(app: Flask) -> None:
    manager = clerk(app, "park.a")
    address = sent(manager, square(102.4, 24.9, code="park.a"))
    told = manager.see(address)
    assert "请确认坐标系" in told and "told-wrong" not in manager.html
    answers = asked(manager.html)
    assert [answer.rpartition("=")[2] for answer in answers] == [
        "WGS84", "CGCS2000", "GCJ-02", "BD-09",
    ]  # fmt: skip
    menu = manager.html.partition('class="work-nav"')[2].partition("</nav>")[0]
    assert re.search(r'href="/boundaries" aria-current="true"', menu), "the menu says where one is"
    told = manager.see(answers[0])
    assert "甲园区" in told and "保存 1 个边界" in told and not asked(manager.html)
    assert "which coordinate system" in manager.see(f"{address}?lang=en").casefold()


def test_an_open_column_is_a_question_and_a_wrong_answer_a_fault(app: Flask) -> None:
    manager = clerk(app, "park.a")
    address = sent(manager, square(102.4, 24.9, label="一号", code="x"))
    told = manager.see(f"{address}?crs=WGS84&lang=zh")
    assert "请选择哪一列是园区" in told and "told-wrong" not in manager.html
    answers = asked(manager.html)
    assert {answer.rpartition("column=")[2] for answer in answers} >= {"label", "code"}
    assert all("crs=WGS84" in answer for answer in answers), "what was answered stays"
    manager.see(next(answer for answer in answers if answer.endswith("column=label")))
    assert "told-wrong" in manager.html and not asked(manager.html)
    manager.see(f"{address}?crs=nonsense")
    assert "told-wrong" in manager.html, "a system nobody knows"


def test_the_map_of_a_preview_follows_the_theme(app: Flask) -> None:
    manager = clerk(app, "park.a")
    address = sent(manager, square(102.4, 24.9, code="park.a"))
    frame = f"{address}/map?crs=WGS84"
    dark = "#map_outlines{background:#0c1217}"
    looks = {theme: manager.look(f"{frame}&theme={theme}") for theme in ("light", "dark", "auto")}
    assert dark not in looks["light"] and dark in looks["dark"]
    assert "prefers-color-scheme: dark" not in looks["dark"]
    assert "@media (prefers-color-scheme: dark)" in looks["auto"] and dark in looks["auto"]
