"""The page of three links to a target: reached, met, none; file, object, what has no target."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from tests import web_books
from tests.store.databases import new_database
from wasteflow.app import create_app
from wasteflow.cli import main
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books
from wasteflow.web.pages import following

FACILITIES = (
    "code,name,enterprise,kind,material,route,capacity_t_per_year,status,source\n"
    "f.use,<b>窑</b>,ent.use,use,phosphogypsum,pg_use,1200,operating,\n"
    "f.next,二期,,use,phosphogypsum,pg_use,2400,planned,公示 [V]\n"
)
TARGETS = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.far,all,phosphogypsum,official,>=,0.99,fraction,2027,binding,省方案\n"
    "t.near,enterprise:ent.p1,phosphogypsum,official,>=,0.001,fraction,2026,guiding,县方案\n"
)
ASKED = "lang=en&period=2026-01..2026-06&material=phosphogypsum"


@pytest.fixture(scope="module")
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("plan")
    with new_database(request, "sqlite", folder) as url:
        files = (("facilities", FACILITIES), ("targets", TARGETS), *web_books.TRADED)
        web_books.load(url, folder, (*web_books.REGISTRY, *files))
        app = create_app(Config(url, accounts=OPEN))
        yield app.test_client()
        with app.app_context():
            books().db.dispose()


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.get_data(as_text=True)[-600:]
    return response.get_data(as_text=True)


def test_the_page_the_file_and_the_object_say_the_same(client: FlaskClient) -> None:
    found = client.get(f"/api/v1/potential-links/plan?{ASKED}&planned=true&target=t.far").get_json()
    plan = found["plan"]
    assert found["target"]["code"] == "t.far" and 0 < len(plan["links"]) <= 3
    assert plan["before"] < plan["after"] and plan["links"][-1]["value_after"] == plan["after"]
    shown = page(client, f"/potential/plan?{ASKED}&target=t.far")
    assert "Three links to the target" in shown and "≥ 99 %" in shown and "省方案" in shown
    assert f"{plan['after'] * 100:.1f}" in shown
    assert "&lt;b&gt;" in shown or "<b>窑</b>" not in shown
    answer = client.get(f"/potential/plan?{ASKED}&target=t.far&format=csv")
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    assert len(answer.get_data(as_text=True).splitlines()) > len(plan["links"])
    file = client.get(f"/api/v1/potential-links/plan?{ASKED}&format=xlsx")
    assert file.status_code == 200 and file.data[:2] == b"PK"


def test_page_object_and_command_count_the_same_facilities(client: FlaskClient) -> None:
    with client.application.app_context():
        url = books().config.database_url
    asked = ["match", "--plan", "--period", "2026-01..2026-06", "--material", "phosphogypsum"]
    for more, query, words in (
        ([], "", "being built or planned count too"),
        (["--now"], "&planned=false", "Only facilities in operation"),
    ):
        told = client.get(f"/api/v1/potential-links/plan?{ASKED}&target=t.far{query}").get_json()
        done = [*asked, "--target", "t.far", *more]
        run = CliRunner().invoke(main, ["--database", url, *done, "--format", "json"])
        assert run.exit_code == 0 and json.loads(run.output) == told
        now = "&now=1" if more else ""
        shown = page(client, f"/potential/plan?{ASKED}&target=t.far{now}")
        assert words in shown and f"{told['plan']['after'] * 100:.1f}" in shown
        text = CliRunner().invoke(main, ["--lang", "en", "--database", url, *done]).output
        assert f"{told['plan']['after'] * 100:.2f} %" in text and "Facilities counted" in text
    assert told["plan"]["links"] == [] or all(
        link["facility_status"] == "operating" for link in told["plan"]["links"]
    )


def test_a_target_that_is_met_or_does_not_fit_is_told(client: FlaskClient) -> None:
    own = f"{ASKED}&scope=enterprise:ent.p1"
    assert "The target is met" in page(client, f"/potential/plan?{own}&target=t.near")
    page(client, f"/potential/plan?{ASKED}&target=t.near", 404)
    left = page(client, f"/potential/plan?{ASKED}&target=t.near&for=x+y")
    assert "Three links" in left, "a target that another scope left behind is dropped"
    assert client.get(f"/api/v1/potential-links/plan?{ASKED}&target=none").status_code == 404


def test_potential_links_lead_there(client: FlaskClient) -> None:
    assert "/potential/plan?" in page(client, f"/potential?{ASKED}&planned=1")


@pytest.mark.parametrize("path", ["/potential/plan", "/potential", "/dependence"])
def test_with_large_books_the_page_comes_before_its_figures(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(following, "SMALL_PLACES", 0)
    where = f"{path}?lang=zh&period=2026-02..2026-06&material=phosphogypsum"
    first = page(client, where)
    assert 'data-part="figures"' in first and "kpi-value" not in first
    address = re.search(r'<a href="([^"]+parts=all[^"]*)"', first)
    assert address, "a browser without scripts is given a link"
    whole = page(client, html.unescape(address[1]))
    assert 'data-slot="figures"' in whole and "kpi-value" in whole
    assert "parts=all" not in whole, "what it leads to comes in the same order again"
    assert "kpi-value" in page(client, where), "once known, the figures stand in the page"
