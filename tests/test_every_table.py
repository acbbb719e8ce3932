"""Every table of every page goes out as a file, and no file of any table begins to calculate.

The books hold texts that a spreadsheet would run as formulas, in every field a user can fill.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

import wasteflow
from tests import people, web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.exports import GEO, KINDS, REPORTS, Export, write_export
from wasteflow.jobs import import_boundaries
from wasteflow.services.uploads import Owner, take_upload
from wasteflow.web.access import books
from wasteflow.worker import Worker
from wasteflow_models.engine import Database

TEMPLATES: Final = Path(wasteflow.__file__).parent / "web" / "templates"
_BUTTON = "is a form whose buttons give the file"
_SAME = "shows what stands in the file of the page"
_PREVIEW = "shows the user's own file, which comes back with reasons where rows are wrong"
WITHOUT: Final = {
    "_figures.html": (1, f"the table of a chart: {_SAME}"),
    "_loads.html": (1, "a correction before it is proposed: two values side by side"),
    "_office.html": (1, f"drawn for a printed paper of the office: {_SAME}"),
    "_overview_groups.html": (1, f"{_SAME} of rates, which it leads to"),
    "_overview_targets.html": (1, f"{_SAME} of targets, which it leads to"),
    "_today.html": (1, f"a firm in short: {_SAME} of balances, which it leads to"),
    "_upload.html": (5, _PREVIEW),
    "account.html": (1, "one's own tokens; what was done with them stands in the log, a file"),
    "audit.html": (2, f"nothing is stored; {_BUTTON}"),
    "boundary.html": (1, _PREVIEW),
    "ledger_forms.html": (1, "rows booked late: an annex in the workbook of the forms"),
    "load_corrections.html": (1, "the user's own file, load by load, before it is proposed"),
    "load_print.html": (1, "a slip on paper"),
    "rates.html": (1, f"the terms of the rate above it: {_SAME}"),
    "scenario.html": (3, f"parts of one result: {_SAME}"),
    "scenario_compare.html": (1, f"parts of one result: {_SAME}"),
}
"""Template → (tables without a button of their own, why)."""
_DOORS = re.compile(r"format='xlsx'|\bfiles\(|\btable\(")

RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take text for a formula."""
HOSTILE: Final = (
    ("甲化工", '=1+甲化工"'),
    ("Producer One", "@SUM(1+1)*cmd|' /C calc'!A0"),
    ("丁建材", "+丁建材"),
    ("磷石膏", "-2+3 磷石膏"),
    ("Phosphogypsum", "=HYPERLINK(A1)"),
    ("甲园区", "@甲园区"),
    ("水泥缓凝剂", "=缓凝剂"),
    ("国家方案", "-国家方案"),
    ("安宁市", "＝安宁市"),
)
ENTRIES = (
    "doc_no,enterprise,kind,material,route,date,tonnes,handler,remark\n"
    "h1,ent.p1,generation,phosphogypsum,,2026-01-16,10,@handler,=1+1\n"
)
SHIPMENTS = (
    "doc_no,consignor,consignee,material,route,mode,vehicle,carrier,handler,ticket_no,"
    "dispatched_at,dispatched_t,received_at,received_t,accepted_t,reason,remark\n"
    "h2,ent.p1,ent.use,phosphogypsum,pg_use,road,-云A1,=carrier,+handler,@9,2026-01-20,30,"
    "2026-01-21,29,29,=reason,-1+1\n"
)
MORE = (
    ("entries", ENTRIES),
    ("shipments", SHIPMENTS),
    ("profiles", "enterprise,material,source_step,composition,year\n"
     "ent.p1,phosphogypsum,=step,+CaSO4,2025\n"),
    ("park_inputs", "park,input,year,value,source\npark.a,water_use,2025,8,@source\n"),
    ("products", "enterprise,product,date,tonnes\nent.p1,p2o5,2026-01-31,100\n"),
    ("coefficients", "code,kind,material,driver,typical,unit,source\n"
     "c.h,detour,,=driver,1.3,+unit,-source\n"),
    ("filings", "code,from_region,to_region,enterprise,material,quota_t,document\n"
     "f.h,530000,530181,ent.p1,phosphogypsum,5,=document\n"),
)  # fmt: skip
CORNERS: Final = [[[102.4, 24.9], [102.5, 24.9], [102.5, 25.0], [102.4, 24.9]]]


def hostile(files: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The same files with names that calculate."""
    found = []
    for kind, content in files:
        for plain, bad in HOSTILE:
            quoted = '"' + bad.replace('"', '""') + '"'
            content = content.replace(plain, quoted)
        found.append((kind, content))
    return tuple(found)


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over books of hostile texts, with people, an upload and outlines."""
    folder = tmp_path_factory.mktemp("tables")
    url = sqlite_books(folder, (*hostile((*web_books.REGISTRY, *web_books.TRADED)), *MORE))
    made = create_app(Config(url))
    db = books(made).db
    people.enrol(db, ("root", "park.a", "admin.p1", "delegate", "operator.use"))
    outline(db, folder)
    now = datetime.now(UTC)
    for content in (
        ENTRIES.replace("h1", "h3"),
        ENTRIES.replace("h1", ""),
    ):  # the second is refused
        take_upload(
            db=db,
            kind="entries",
            filename="=七月.csv",
            pieces=[content.encode()],
            owner=Owner("ent.p1", 0, "=login"),
            options={"publish": True},
            now=now,
        )
        assert Worker(db, lambda: now).once() is not None
    yield made
    db.dispose()


def outline(db: Database, folder: Path) -> None:
    """An outline of park.a from a source that calculates."""
    shape = {"type": "Polygon", "coordinates": CORNERS}
    feature = {"type": "Feature", "properties": {"code": "park.a"}, "geometry": shape}
    path = folder / "=outline.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    import_boundaries(db=db, path=path, now=people.now(), crs="WGS84", source="=source")


# --- doors -----------------------------------------------------------------------------------


def test_every_table_of_a_template_has_a_file_or_says_why_not() -> None:
    found = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        if path.name == "_parts.html":  # where the table with its buttons is made
            continue
        left = text.count("<table") - len(_DOORS.findall(text))
        if left > 0:
            found[path.name] = left
    assert found == {name: number for name, (number, _) in WITHOUT.items()}


def addresses(app: Flask) -> list[str]:
    """Pages without a part of their own in the address, asked as a user would."""
    with_firm = {"/provenance": "&other=ent.use", "/potential": "", "/records": ""}
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        page = "GET" in (rule.methods or set()) and not rule.arguments
        if page and not rule.rule.startswith(
            ("/api", "/static", "/sign-in", "/healthz", "/readyz")
        ):
            found.append(rule.rule)
            if rule.rule in with_firm:
                firm = f"?scope=enterprise:ent.p1&material=phosphogypsum{with_firm[rule.rule]}"
                found.append(rule.rule + firm)
    return [*found, "/delegations?organisation=ent.p1", "/members?organisation=ent.p1"]


def files_of(client: FlaskClient, page: str) -> list[str]:
    """Addresses of the files a page offers; blank if it is no page for this user."""
    response = client.get(page)
    assert response.status_code < 500, page
    if response.status_code != 200 or not response.content_type.startswith("text/html"):
        return []
    links = re.findall(
        r'href="([^"]*[?&;]format=(?:csv|xlsx)[^"]*)"', response.get_data(as_text=True)
    )
    return [unescape(link) for link in links]


@pytest.mark.parametrize("login", ["root", "admin.p1", "park.a", "delegate"])
def test_no_file_of_a_page_begins_to_calculate(app: Flask, login: str) -> None:
    client = people.sign_in(app, login)
    seen: set[str] = set()
    guarded = 0
    for page in addresses(app):
        for address in files_of(client, page):
            if address in seen:
                continue
            seen.add(address)
            response = client.get(address)
            assert response.status_code == 200, address
            assert "html" not in response.content_type, address
            rows = inert(response.get_data(), "csv" if "format=csv" in address else "xlsx")
            guarded += sum(cell.startswith(("'=", "'@")) for row in rows for cell in row)
    names = {address.partition("?")[0] for address in seen}
    assert names >= PAGES_OF[login], PAGES_OF[login] - names
    assert guarded or login == "delegate"  # there was something to guard against


PAGES_OF: Final = {
    "root": {"/rates", "/flows", "/balances", "/targets", "/loads", "/entries", "/products",
             "/uploads", "/users", "/audit-log", "/boundaries", "/findings", "/provenance",
             "/delegations", "/members", "/indicators"},
    "admin.p1": {"/members", "/delegations", "/summary", "/loads", "/ledger-forms"},
    "park.a": {"/boundaries", "/rates"},
    "delegate": {"/delegations"},
}  # fmt: skip
"""Login → pages whose tables come as files for it."""


@pytest.mark.parametrize("kind", [*KINDS, *REPORTS])
def test_no_export_begins_to_calculate(app: Flask, tmp_path: Path, kind: str) -> None:
    for ending in ("csv", "xlsx"):
        path = tmp_path / f"{kind}.{ending}"
        write_export(db=books(app).db, asked=Export(kind, ending), path=path)
        assert inert(path.read_bytes(), ending), kind
    assert set(GEO) == {"boundaries", "geodata"}  # geodata calculates nothing


@pytest.mark.parametrize("kind", ["shipments", "entries", "facilities"])
def test_no_template_begins_to_calculate(app: Flask, kind: str) -> None:
    response = people.sign_in(app, "admin.p1").get(f"/uploads/templates/{kind}.xlsx")
    assert response.status_code == 200
    assert inert(response.get_data(), "xlsx")


def inert(content: bytes, ending: str) -> list[list[str]]:
    """The rows of a table; AssertionError names a cell that a spreadsheet would run."""
    if ending == "csv":
        text = content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        for row in rows:
            for cell in row:
                assert not cell.startswith(RUNS) or number(cell), (cell, row)
        return rows
    book = openpyxl.load_workbook(io.BytesIO(content))
    told = []
    sheet: Any
    for sheet in book.worksheets:
        for cells in sheet.iter_rows():
            for cell in cells:
                if cell.data_type == "f":  # ours, and nothing that came from a user
                    assert re.fullmatch(
                        r"=SUBTOTAL\(\d+,[A-Z]+\d+:[A-Z]+\d+\)|=SUM\([A-Z]+\d+:[A-Z]+\d+\)",
                        str(cell.value),
                    ), cell.value
            told.append([str(cell.value or "") for cell in cells])
    return told


def number(cell: str) -> bool:
    """Whether a cell is a plain number, which a sign may lead."""
    return re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", cell) is not None
