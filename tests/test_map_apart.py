"""The map's data apart from its page: the same data, and who loads them when."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import web_books
from tests.map_samples import data_in, grid_map, served, small_map
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.mapping import LINKS
from wasteflow.web.access import books
from wasteflow_maps.layers import MapData
from wasteflow_maps.page import map_json, render_map

HERE = "/map/data?scope=park:park.a&level=park"


def located(number: int, hostile: str = "") -> list[tuple[str, str]]:
    """Enterprises with a position and a load for each from one producer."""
    firms = "code,name_zh,park,lon,lat,crs,precision_km\n" + "".join(
        f"many.{i},{hostile}用户{i},,{100 + i % 40 / 10:.1f},{23 + i // 40 / 10:.1f},WGS84,1\n"
        for i in range(number)
    )
    head = "doc_no,consignor,consignee,material,route,dispatched_at,dispatched_t,received_at,"
    loads = "".join(
        f"m{i},ent.p1,many.{i},phosphogypsum,pg_use,2026-04-01,1.00{i % 9 + 1},2026-04-02,"
        f"1.00{i % 9 + 1},1.00{i % 9 + 1}\n"
        for i in range(number)
    )
    return [("enterprises", firms), ("shipments", f"{head}received_t,accepted_t\n{loads}")]


def apart(data: MapData) -> str:
    return render_map(
        data,
        lang="zh",
        single_file=False,
        asset_url=lambda name: f"/assets/{name}",
        nonce="n0nce",
        data_url=HERE,
    )


@pytest.mark.parametrize("data", [small_map(), grid_map(900, max_links=1000)])
def test_the_page_leaves_out_what_it_loads_and_nothing_else(data: MapData) -> None:
    whole, page = served(data), apart(data)
    assert json.loads(map_json(data, "zh")) == data_in(whole)
    found = re.search(r'id="wf-data" data-src="([^"]*)"[^>]*></script>', page)
    assert found and found[1] == HERE.replace("&", "&amp;")
    assert "正在载入流向" in page and "正在载入流向" not in whole
    panel = re.search(r'<details class="wf-panel".*?</details>\s*</main>', page, re.DOTALL)
    assert panel and panel[0] in whole
    assert page.count("wasteflow.ready(function () {") == 1


def test_five_thousand_links_are_a_small_page_and_less_than_1300_kb_of_data() -> None:
    data = grid_map(5000, 2000, 60, max_links=5000)
    assert len(apart(data).encode()) < 60_000
    assert len(map_json(data, "zh").encode()) < 1_300_000


def test_the_data_hold_no_markup_of_a_user(
    tmp_path: Path, sqlite_books: Callable[..., str]
) -> None:
    files = (*web_books.REGISTRY, *web_books.LEDGER, *located(3, hostile="<b>&"))
    url = sqlite_books(tmp_path, files)
    app = create_app(Config(url, accounts=OPEN))
    response = app.test_client().get("/map/data")
    assert response.mimetype == "application/json"
    assert "<" not in response.get_data(as_text=True)
    assert any(node[0].startswith("<b>&") for node in response.get_json()["nodes"])
    books(app).db.dispose()


def test_the_number_of_links_stands_in_the_address_and_large_maps_load_later(
    tmp_path: Path, sqlite_books: Callable[..., str]
) -> None:
    """400 links between firms: 300 are too few for them, 1,000 are enough."""
    url = sqlite_books(tmp_path, (*web_books.REGISTRY, *web_books.LEDGER, *located(400)))
    app = create_app(Config(url, accounts=OPEN))
    client = app.test_client()
    page = client.get("/map?links=1000").get_data(as_text=True)
    assert '<option value="1000" selected>1,000</option>' in page
    frame = client.get("/map/frame?links=1000").get_data(as_text=True)
    source = re.search(r'data-src="([^"]*)"', frame)
    assert source
    found = client.get(source[1].replace("&amp;", "&")).get_json()
    assert len(found["links"]) == 401
    few = client.get("/map/data").get_json()
    assert len(few["links"]) == LINKS[0], "the largest; the rest is other"
    assert client.get("/map/data?links=77").get_json() == few
    assert "data-src" not in client.get("/map/frame?scope=enterprise:ent.use").get_data(
        as_text=True
    )
    total = sum(link[3] for link in found["links"])
    assert (
        sum(link[3] for link in few["links"])
        < total
        == 325_000 + sum(1000 + i % 9 + 1 for i in range(400))
    )
    books(app).db.dispose()


def test_without_records_there_are_no_data(
    tmp_path: Path, sqlite_books: Callable[..., str]
) -> None:
    url = sqlite_books(tmp_path)
    app = create_app(Config(url, accounts=OPEN))
    assert app.test_client().get("/map/data").status_code == 404
    books(app).db.dispose()
