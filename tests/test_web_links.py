"""Pages and API of realised links, break-even distances and the map of links, over small books."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import web_books
from tests.test_web_potential import FACILITIES
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

PRICES = (
    "code,kind,material,driver,low,typical,high,unit,source\n"
    "c.1,freight_price,,road,,0.5,,CNY/t/km,operator\n"
    "c.2,gate_value,phosphogypsum,*,,40,,CNY/t,operator\n"
    "c.3,treatment_cost,phosphogypsum,*,,10,,CNY/t,operator\n"
    "c.4,storage_cost,phosphogypsum,*,,20,,CNY/t,operator\n"
    "c.5,detour,,road,,1.25,,,operator\n"
)
SPAN = "period=2026-01..2026-06"


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[FlaskClient]:
    folder: Path = tmp_path_factory.mktemp("links")
    parts = (("facilities", FACILITIES), ("coefficients", PRICES))
    url = sqlite_books(folder, (*web_books.REGISTRY, *parts, *web_books.TRADED))
    app = create_app(Config(url, accounts=OPEN))
    yield app.test_client()
    with app.app_context():
        books().db.dispose()


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.get_data(as_text=True)[-600:]
    return response.get_data(as_text=True)


def test_realised_links_lead_to_their_loads_and_say_what_lacks(client: FlaskClient) -> None:
    html = page(client, f"/realised?lang=en&{SPAN}")
    assert "Realised links" in html and 'class="spark"' in html and 'role="img"' in html
    assert "/postings?" in html and "transit:ent.p1:ent.use" in html
    assert "no CO₂ factor is registered" in html
    inside = page(client, f"/realised?lang=en&{SPAN}&place=inside&q=Producer+One")
    assert "transit:ent.p1:ent.use" not in inside
    assert "\u53d1\u8d27\u65b9" in page(client, f"/realised?lang=zh&{SPAN}")


def test_realised_links_are_files_and_an_object(client: FlaskClient) -> None:
    csv = client.get(f"/realised?lang=zh&{SPAN}&format=csv")
    assert csv.mimetype == "text/csv" and "甲化工" in csv.get_data(as_text=True)
    found = json.loads(client.get(f"/realised?{SPAN}&format=geojson").data)
    lines = [item for item in found["features"] if item["geometry"]["type"] == "LineString"]
    assert len(lines) == 4 and {line["properties"]["from"] for line in lines} >= {"ent.p1"}
    report = client.get(f"/api/v1/symbiosis/realised?{SPAN}&material=phosphogypsum").get_json()
    row = next(row for row in report["rows"] if row["from"] == "ent.p1")
    assert (row["tonnes"], row["loads"], row["first"], row["last"]) == (
        "325.000", 11, "2026-01", "2026-03",
    )  # fmt: skip
    assert row["where"] == "across" and row["need_basis"] == "capacity"
    assert row["not_computable"]["change"] == "before_the_books"
    wrong = client.get("/api/v1/symbiosis/realised?place=nowhere")
    assert wrong.status_code == 422


def test_break_even_is_a_table_and_circles(client: FlaskClient) -> None:
    assert "pays up to 100 km" in page(client, f"/break-even?lang=en&{SPAN}")
    rows = client.get("/api/v1/symbiosis/break-even?material=phosphogypsum").get_json()["rows"]
    assert [(row["road_km"], row["line_km"]) for row in rows] == [(100.0, 80.0)]
    found = json.loads(page(client, f"/links/map/data?{SPAN}&layer=circles"))
    assert found["circles"] and not found["lines"]
    assert found["circles"][0]["points"][0] == found["circles"][0]["points"][-1]


def test_the_map_draws_what_its_address_names(client: FlaskClient) -> None:
    html = page(client, f"/links/map?lang=en&{SPAN}&layer=potential")
    assert "key-potential" in html and "key-realised" not in html and "data-url" in html
    kinds = {line["kind"] for line in json.loads(page(client, f"/links/map/data?{SPAN}"))["lines"]}
    assert kinds <= {"realised", "potential"} and "realised" in kinds
    data = page(client, f"/links/map/data?{SPAN}&layer=potential&layer=infeasible&lang=en")
    assert {line["kind"] for line in json.loads(data)["lines"]} <= {"potential", "infeasible"}


def test_geodata_holds_the_links_the_map_shows(client: FlaskClient) -> None:
    def links(query: str) -> tuple[dict[str, str], list[float]]:
        file = json.loads(page(client, f"/map/geodata?{SPAN}&{query}"))
        kinds = [item["properties"] for item in file["features"]]
        return file["notes"], [row["tonnes"] for row in kinds if row["layer"] == "links"]

    notes, every = links("material=phosphogypsum")
    assert notes["material"] == "phosphogypsum" and "filter" not in notes
    notes, most = links("material=phosphogypsum&least=300")
    assert "≥ 300 吨" in notes["filter"] and "≥ 300 t" in notes["filter"]
    assert sorted(most) == sorted(one for one in every if one >= 300) != sorted(every)
    assert notes["links_left_out"] == str(len(every) - len(most))
    notes, _ = links("month=2026-03")
    assert notes["period"] == "2026-03"
    answer = client.get(f"/map/geodata?{SPAN}&least=300&format=kml")
    assert "selected" in answer.headers["Content-Disposition"]
    assert "filter: ≥ 300" in answer.get_data(as_text=True)
    assert client.get(f"/map/geodata?{SPAN}&least=many").status_code == 422


def test_commands_tell_the_same(client: FlaskClient) -> None:
    from click.testing import CliRunner

    from wasteflow.cli import main

    with client.application.app_context():
        url = books().config.database_url
    for more, word in ((["--realised", "--period", "2026"], "ent.p1"), (["--radius"], "reaches")):
        done = CliRunner().invoke(main, ["--database", url, "match", *more])
        assert done.exit_code == 0 and word in done.output, done.output
    plan = ["--plan", "--period", "2026-01..2026-06", "--material", "phosphogypsum"]
    for more, word in (
        ([], "还须办"),
        (["--now", "--format", "json"], '"planned": false'),
        (["--format", "csv"], "from,to"),
    ):
        done = CliRunner().invoke(main, ["--database", url, "match", *plan, *more])
        assert done.exit_code == 0 and word in done.output, done.output
    for wrong in (["--target", "t"], ["--now"], [*plan, "--from", "a", "--to", "b"]):
        assert CliRunner().invoke(main, ["--database", url, "match", *wrong]).exit_code == 2
    nobody = CliRunner().invoke(main, ["--database", url, "offers", "--user", "nobody"])
    assert nobody.exit_code == 1 and "nobody" in nobody.output
