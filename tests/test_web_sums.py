"""A firm collects every figure of others it may have, over all doors, and subtracts them.

Every firm makes another power of two of kilograms in every quarter, so that a figure says by its
digits whose doings stand in it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.people import enrol, sign_in
from tests.web_books import REGISTRY, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.disclosure import Atom, Atoms, firms_of, tells
from wasteflow.web.access import books

AREAS = ("park:park.a", "region:530000", "all")
PERIODS = (
    *("2025", "2025H1", "2025H2", "2025Q1", "2025Q2", "2025Q3", "2025Q4"),
    *("2025-01..2025-09", "2025-04..2025-12", "2025-02", "2025-01..2025-04", "2024-10..2025-06"),
)
FIRMS = ("p1", "p2", *(f"q{number}" for number in range(1, 9)))
BITS: dict[int, Atom] = {
    place: (f"ent.{firm}", f"{stuff}@{quarter}")
    for place, (firm, stuff, quarter) in enumerate(
        (firm, "phosphogypsum", quarter) for firm in FIRMS for quarter in range(4)
    )
}


def _acts(firm: str, quarter: int) -> bool:
    """q1 rests in the second quarter, q5 starts in the second, q6 makes waste in the last only."""
    return {"q1": quarter != 1, "q5": quarter >= 1, "q6": quarter == 3}.get(firm, True)


ENTRIES = "doc_no,enterprise,kind,material,date,tonnes\n" + "".join(
    f"{firm}-{stuff[-1]},{firm},generation,phosphogypsum,2025-{int(stuff[-1]) * 3 + 1:02d}-15,"
    f"{2**bit / 1000:.3f}\n"
    for bit, (firm, stuff) in BITS.items()
    if _acts(firm[4:], int(stuff[-1]))
)
HOMES = "code,name_zh,name_en,park,industry\n" + "".join(
    f"ent.q{number},己{number},Q {number},park.{'b' if number > 6 else 'a'},C{26 + number % 2}\n"
    for number in range(1, 9)
)


@pytest.fixture(scope="module")
def firm(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """An admin of ent.p1, signed in; nobody writes."""
    folder = tmp_path_factory.mktemp("sums")
    path = folder / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, folder, (*REGISTRY, ("enterprises", HOMES), ("entries", ENTRIES)))
    app = create_app(Config(url))
    enrol(books(app).db, ["admin.p1", "planner"])
    return sign_in(app, "admin.p1")


def _behind(tonnes: str | None) -> Atoms:
    kilograms = int(str(tonnes or "0").replace(".", ""))
    return frozenset(atom for bit, atom in BITS.items() if kilograms >> bit & 1)


def _amounts(found: Any) -> list[Atoms]:
    """Every amount of a report, however deep it stands."""
    if isinstance(found, dict):
        own = [_behind(text) for key, text in found.items() if key in ("generated_t", "stored_t")]
        return own + [atoms for item in found.values() for atoms in _amounts(item)]
    return [atoms for item in found for atoms in _amounts(item)] if isinstance(found, list) else []


def _collected(firm: FlaskClient) -> set[Atoms]:
    found: set[Atoms] = set()
    for area in AREAS:
        for period in PERIODS:
            asked = f"?area={area}&scope={area}&period={period}"
            page = firm.get(f"/summary{asked}&format=csv")
            if page.status_code == 200:
                file = csv.DictReader(io.StringIO(page.get_data().decode("utf-8-sig")))
                found |= {_behind(row["generated_t"]) for row in file}
            answer = firm.get(f"/api/v1/reports/bulletin{asked.replace(f'area={area}&', '')}")
            assert answer.status_code in (200, 422), answer.get_data(as_text=True)
            found |= set(_amounts(answer.get_json()))
    return found - {frozenset()}


def test_no_subtracting_of_figures_finds_a_neighbour(firm: FlaskClient) -> None:
    own = frozenset({"ent.p1"})
    sums = _collected(firm)
    assert sums, "something is told"
    assert all(len(firms_of(atoms) - own) >= 2 for atoms in sums)
    assert not tells(sorted(sums, key=sorted), own)
    assert not tells(sorted(sums, key=sorted)), (
        "nor does it to somebody without figures of their own"
    )


def test_months_are_not_told(firm: FlaskClient) -> None:
    page = firm.get("/summary?area=all&period=2025-02&lang=en")
    assert page.status_code in (400, 422) and "whole quarters" in page.get_data(as_text=True)
    chosen = firm.get("/summary?area=all&period=2025-01..2025-04&lang=en").get_data(as_text=True)
    assert "2025-02" not in chosen.split("<select", 2)[2].split("</select>")[0]
