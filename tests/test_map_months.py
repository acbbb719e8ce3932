"""The map month by month and filtered: nothing is lost, and the table beside it says the same."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import web_books
from tests.map_samples import served
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.core.flow_filter import FlowFilter, edge_key
from wasteflow.core.periods import Period
from wasteflow.mapping import MONTHS_PLAYED, map_of
from wasteflow.services.flow_months import flows_by_month
from wasteflow.services.reports import flows_report
from wasteflow.web.access import books
from wasteflow_maps.links import Series
from wasteflow_models.engine import Database

SPAN = Period.parse("2026-01..2026-06")
ADDRESS = "/map?period=2026-01..2026-06"
NOWHERE = "code,name_zh,park\nent.lost,无坐标厂,\n"
LOST = (
    "doc_no,consignor,consignee,material,route,mode,dispatched_at,dispatched_t,received_at,"
    "received_t,accepted_t,loads\n"
    "n1,ent.p1,ent.lost,phosphogypsum,pg_use,road,2026-03-02,7.000,2026-03-03,7.000,7.000,1\n"
    "n2,ent.p1,ent.lost,phosphogypsum,pg_use,road,2026-05-02,9.000,2026-05-03,9.000,9.000,2\n"
)
FILES = (
    *web_books.REGISTRY,
    ("enterprises", NOWHERE),
    *web_books.TRADED,
    ("shipments", LOST),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]) -> str:
    """Small books with a partner that has no position."""
    folder: Path = tmp_path_factory.mktemp("months")
    made = sqlite_books(folder, FILES)
    return made


@pytest.fixture(scope="module")
def db(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[FlaskClient]:
    app = create_app(Config(url, accounts=OPEN))
    yield app.test_client()
    with app.app_context():
        books().db.dispose()


def summed(series: Series) -> tuple[int, int]:
    return sum(part[1] for part in series), sum(part[2] for part in series)


@pytest.mark.parametrize("level", ["enterprise", "park", "region"])
def test_the_months_add_up_to_the_report_of_the_period(db: Database, level: str) -> None:
    whole = {
        edge_key(edge): (edge["kg"], edge["loads"])
        for edge in flows_report(db=db, period=SPAN, level=level)["edges"]
    }
    found: dict[object, tuple[int, int]] = {}
    months = flows_by_month(db=db, period=SPAN, level=level)
    assert [month for month, _ in months] == list(SPAN.months())
    for _, edges in months:
        for key, (kg, loads) in edges.items():
            before = found.get(key, (0, 0))
            found[key] = before[0] + kg, before[1] + loads
    assert found == whole and len(whole) > 3


@pytest.mark.parametrize("level", ["enterprise", "park"])
@pytest.mark.parametrize("wanted", [FlowFilter(), FlowFilter(least_kg=30_000)])
def test_every_link_and_bubble_has_its_months(db: Database, level: str, wanted: FlowFilter) -> None:
    data = map_of(db=db, period=SPAN, level=level, wanted=wanted, months=True)
    assert data.played.months == tuple(SPAN.months()) and data.links
    for link, series in zip(data.links, data.played.links, strict=True):
        assert summed(series) == (link.kg, link.loads)
        assert [part[0] for part in series] == sorted({part[0] for part in series})
    for bubble, series in zip(data.bubbles, data.played.bubbles, strict=True):
        assert summed(series) == (bubble.kg, bubble.loads)
    assert bool(data.bubbles) == wanted.blank


def test_a_map_of_one_month_or_of_too_many_does_not_play(db: Database) -> None:
    for words in ("2026-03", "2010-01..2026-06"):
        period = Period.parse(words)
        data = map_of(db=db, period=period, months=True)
        assert data.played.months == () and data.played.links == ()
        assert len(list(period.months())) in (1, 198) and MONTHS_PLAYED < 198
        assert 'id="wf-bar"' not in served(data)
    assert 'id="wf-bar"' in served(map_of(db=db, period=SPAN, months=True))


def test_a_filter_says_what_it_leaves_out(db: Database) -> None:
    whole = map_of(db=db, period=SPAN)
    few = map_of(db=db, period=SPAN, wanted=FlowFilter(least_kg=50_000, evidence="imported"))
    assert few.left_out is not None and whole.left_out is None
    drawn = sum(link.kg for link in whole.links) + sum(one.kg for one in whole.bubbles)
    kept = sum(link.kg for link in few.links) + sum(one.kg for one in few.bubbles)
    assert few.left_out["kg"] == drawn - kept > 0
    for lang, words in (("zh", "≥ 50 吨 · 第三方导入"), ("en", "≥ 50 t · imported")):
        assert words in served(few, lang)
    none = map_of(db=db, period=SPAN, wanted=FlowFilter(waste_class="SW99"))
    assert not none.links and not none.bubbles


def table_of(client: FlaskClient, more: str = "") -> list[dict[str, str]]:
    body = client.get(f"{ADDRESS}&lang=en{more}&format=csv").get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(body)))


def test_the_table_holds_every_flow_between_places_once(client: FlaskClient, db: Database) -> None:
    edges = flows_report(db=db, period=SPAN)["edges"]
    between = [
        edge
        for edge in edges
        if edge["source"].startswith("ent.") and edge["target"].startswith("ent.")
    ]
    for more in ("", "&level=park"):
        rows = table_of(client, more)
        masses = [next(value for key, value in row.items() if "Mass" in key) for row in rows]
        total = sum(round(float(mass) * 1000) for mass in masses)
        assert total == sum(edge["kg"] for edge in between), more
    assert len(table_of(client, "&least=50")) < len(table_of(client))


def test_the_page_keeps_month_layers_and_filters_in_its_addresses(client: FlaskClient) -> None:
    html = client.get(f"{ADDRESS}&lang=en&least=20&month=2026-03&hide=parks").get_data(as_text=True)
    frame = re.search(r'<iframe[^>]* src="([^"]+)"', html)
    assert frame is not None
    assert "least=20" in frame[1] and frame[1].endswith("#month=2026-03&amp;hide=parks")
    for lang, words in (("en", "Jan–Apr 2026"), ("zh", "2026年1—4月")):
        inner = client.get(f"/map/frame?period=2026-01..2026-04&lang={lang}").get_data(as_text=True)
        assert f'<dd id="wf-period">{words}</dd>' in inner
    assert 'name="month" value="2026-03"' in html and 'name="hide" value="parks"' in html
    assert 'name="least"' in html and 'value="20"' in html
    assert re.search(r'href="/flows\?period=2026H1&amp;lang=en&amp;least=20"', html)
    inner = client.get(frame[1].replace("&amp;", "&").partition("#")[0]).get_data(as_text=True)
    assert 'data-rows="/flows?' in inner and "least=20" in inner
    content = re.search(r'id="wf-data"[^>]*>(.*?)</script>', inner, re.DOTALL)
    assert content is not None
    data = json.loads(content[1])
    assert data["months"] == list(SPAN.months()) and len(data["series"]) == len(data["links"])
    assert "enterprise:ent.p1" in data["codes"]


def test_a_mass_that_is_no_number_stays_typed_and_is_told(client: FlaskClient) -> None:
    for path in ("/map", "/flows"):
        for word in ("viele", "-5"):
            answer = client.get(f"{path}?period=2026-01..2026-06&lang=en&least={word}")
            html = answer.get_data(as_text=True)
            assert answer.status_code == 422, path
            assert f'value="{word}"' in html and 'role="alert"' in html
            assert 'aria-invalid="true"' in html


def test_the_list_takes_the_same_filter_and_a_link_leads_to_it(client: FlaskClient) -> None:
    base = "/flows?period=2026-01..2026-06&lang=en&format=csv"
    whole, few = (
        list(csv.DictReader(io.StringIO(client.get(address).get_data().decode("utf-8-sig"))))
        for address in (base, f"{base}&least=50")
    )
    assert 0 < len(few) < len(whole)
    link = f"{base}&source=enterprise:ent.p1&target=enterprise:ent.use&material=phosphogypsum"
    body = client.get(f"{link}&period=2026-03").get_data().decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(body)))) == 1
