"""Books for dependence and scenarios, made once a module: prior stock, a trader, spare capacity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.books import Books, entry, load
from tests.store.databases import new_database
from wasteflow.core.periods import Period
from wasteflow_models.engine import Database

YEAR = Period.parse("2026")
PLACES = [
    {"code": "park.a", "name_zh": "甲园区", "region": "530100", "lon": "102.4", "lat": "24.9",
     "crs": "WGS84"},
    {"code": "park.b", "name_zh": "乙园区", "region": "520000", "lon": "104.9", "lat": "26.6",
     "crs": "WGS84"},
]  # fmt: skip
FACILITIES = [
    {"code": "f.kiln", "name": "水泥窑", "enterprise": "cement", "kind": "use", "material": "pg",
     "route": "retarder", "capacity_t_per_year": "600", "status": "operating"},
    {"code": "f.spare", "name": "余量线", "enterprise": "maker2", "kind": "use", "material": "pg",
     "route": "plaster", "capacity_t_per_year": "200", "status": "operating"},
    {"code": "f.ahead", "name": "拟建线", "park": "park.a", "kind": "use", "material": "pg",
     "route": "plaster", "capacity_t_per_year": "250", "status": "planned"},
]  # fmt: skip
PRICES = [
    {"code": "freight", "kind": "freight_price", "driver": "road", "typical": "0.5",
     "unit": "RMB/t·km"},
    {"code": "co2", "kind": "co2", "driver": "road", "typical": "0.1", "unit": "kg/t·km"},
    {"code": "gate", "kind": "gate_value", "driver": "*", "typical": "10", "unit": "RMB/t"},
]  # fmt: skip
TARGETS = [
    {"code": "t.pg", "scope": "region:530000", "materials": "pg", "metric": "official",
     "operator": ">=", "value": "0.7", "unit": "fraction", "year": "2027",
     "coverage_complete": "true", "source": "test"},
]  # fmt: skip


def fill(books: Books) -> Books:
    """1,000 t of maker and 400 t of maker2; 450 t at the cement works, 100 t through a trader."""
    books.take("parks", *PLACES)
    books.take("facilities", *FACILITIES)
    books.take("coefficients", *PRICES)
    books.take("targets", *TARGETS)
    heap = {"facility": "maker.heap"}
    books.entries(
        entry("O", "opening", "100.000", "2026-01-01", year_generated="2025", **heap),
        entry("G", "generation", "1000.000", "2026-01-05"),
        entry("Y", "from_yard", "100.000", "2026-01-06", **heap),
        entry("D", "disposal", "50.000", "2026-02-20", route="fill"),
        entry("G2", "generation", "400.000", "2026-01-05", enterprise="maker2"),
    )
    books.loads(
        load("A", "300.000", "300.000", loads="10"),
        load("B", "100.000", "100.000", consignee="trader", route="trade", loads="4"),
        load("C", "150.000", "150.000", consignor="maker2", loads="5"),
        load("T", "100.000", "100.000", consignor="trader", consignee="board", route="plaster",
             dispatched_at="2026-03-09T08:00:00+08:00", received_at="2026-03-09T15:00:00+08:00",
             loads="4"),
    )  # fmt: skip
    books.entries(entry("U", "use", "450.000", "2026-04-01", enterprise="cement", route="retarder"))
    return books


@pytest.fixture(scope="module")
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """The books, on SQLite: the questions are asked of the same columns on either database."""
    folder = tmp_path_factory.mktemp("standing")
    with new_database(request, "sqlite", folder) as url:
        db = Database(url)
        books = Books(db, folder)
        books.register()
        yield fill(books)
        db.dispose()
