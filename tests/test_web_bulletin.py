"""`/bulletin` and `/api/v1/reports/bulletin`: who sees what, as a page, a file and an object."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from tests.people import enrol, sign_in
from tests.permission_cases import bearer, enrol_stances
from tests.web_books import REGISTRY, TRADED, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

API = "/api/v1/reports/bulletin"
ASKED = "?scope=park:park.b&period=2026"


@pytest.fixture(scope="module")
def app(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The pages over small books, with people; nobody writes to them."""
    folder = tmp_path_factory.mktemp("bulletin")
    path = folder / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, folder, (*REGISTRY, *TRADED))
    found = create_app(Config(url))
    enrol(books(found).db, ["planner", "admin.p1", "nobody"])
    yield found
    books(found).db.dispose()


def test_the_page_is_of_the_last_year_and_prints_what_the_file_holds(app: Flask) -> None:
    planner = sign_in(app, "planner")
    html = planner.get("/bulletin?lang=en&period=2026").get_data(as_text=True)
    assert "bulletin of general industrial solid waste" in html
    assert "0.1900" in html, "1,900 t in 10,000 t with four decimals: small amounts"
    assert "the books have not been sealed yet" in html
    file = planner.get("/bulletin?lang=en&period=2026&format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(file.data))
    cells = [cell.value for row in book["Release table"].iter_rows() for cell in row]
    assert 0.19 in cells and "wasteflow-bulletin" in file.headers["Content-Disposition"]
    figures = planner.get("/bulletin?period=2026&format=figures").get_data(as_text=True)
    assert figures.splitlines()[1].startswith("phosphogypsum,")
    odd = planner.get("/bulletin?period=2026&places=99&lang=en")
    assert odd.status_code == 200, "decimals nobody can print fall back to the usual ones"


def test_a_firm_gets_the_sums_around_it_without_its_neighbours(app: Flask) -> None:
    owner = sign_in(app, "admin.p1")
    full = owner.get("/bulletin?scope=enterprise:ent.p1&period=2026&lang=en")
    assert full.status_code == 200 and "0.1500" in full.get_data(as_text=True)
    wide = owner.get("/bulletin?scope=region:530000&period=2026&lang=en").get_data(as_text=True)
    assert "hidden" in wide and "0.0400" not in wide and "0.1900" not in wide
    assert owner.get("/bulletin?scope=park:park.b&period=2026").status_code == 404
    assert sign_in(app, "nobody").get("/bulletin").status_code in (403, 404)


def test_the_api_gives_the_same_as_object_file_and_print(app: Flask) -> None:
    tokens = enrol_stances(books(app).db)
    client = app.test_client()
    ask = {name: bearer(tokens, name) for name in ("planner.country", "planner.giver", "no_role")}
    told = client.get(API + ASKED, headers=ask["planner.country"]).get_json()
    assert told["total"]["generated_t"] == "400.000" and told["seal"] is None
    assert [row["direction"] for row in told["transfers"]] == []
    over = f"{API}?scope=park:park.b&period=2026H1&public=true"
    public = client.get(over, headers=ask["planner.country"]).get_json()
    assert public["total"]["hidden"] and public["total"]["generated_t"] is None
    month = client.get(over.replace("H1", "-02"), headers=ask["planner.country"])
    assert month.status_code == 422 and "period_not_told" in month.get_data(as_text=True)
    assert client.get(API + ASKED, headers=ask["no_role"]).status_code in (403, 404)
    assert client.get(API + ASKED).status_code == 401
    file = client.get(f"{API}{ASKED}&format=xlsx", headers=ask["planner.country"])
    assert file.data[:2] == b"PK" and str(file.mimetype).endswith("sheet")
    print_page = client.get(f"{API}{ASKED}&format=html", headers=ask["planner.country"])
    assert print_page.mimetype == "text/html" and "<table" in print_page.get_data(as_text=True)
    wrong = client.get(f"{API}{ASKED}&places=8", headers=ask["planner.country"])
    assert wrong.status_code == 422
    assert client.get(f"{API}?scope=park:none", headers=ask["planner.country"]).status_code == 404
