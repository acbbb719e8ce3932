"""Potential links over real books on both databases: supply and demand are those of the books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.store.books import Books, entry, load
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.periods import Period
from wasteflow.core.symbiosis.links import Limits
from wasteflow.services.matching import Asked, link_verdict, match_report

FACILITIES = [
    {"code": "f.retarder", "name": "f.retarder",
     "enterprise": "cement", "kind": "use", "material": "pg",
     "route": "retarder", "capacity_t_per_year": "120", "status": "operating"},
    {"code": "f.plaster", "name": "f.plaster",
     "enterprise": "board", "kind": "use", "material": "pg",
     "route": "plaster", "capacity_t_per_year": "1000", "status": "operating"},
    {"code": "f.ahead", "name": "f.ahead",
     "park": "park.a", "kind": "use", "material": "pg",
     "route": "plaster", "capacity_t_per_year": "36", "status": "planned"},
    {"code": "f.open", "name": "f.open",
     "enterprise": "cement", "kind": "use", "material": "slag",
     "route": "powder", "status": "operating"},
]  # fmt: skip
PLACES = [
    {"code": "park.a", "name_zh": "甲园区", "region": "530100", "lon": "102.4", "lat": "24.9",
     "crs": "WGS84"},
    {"code": "park.b", "name_zh": "乙园区", "region": "520000", "lon": "104.9", "lat": "26.6",
     "crs": "WGS84"},
]  # fmt: skip
PRICES = [
    {"code": "freight", "kind": "freight_price", "driver": "road", "typical": "0.5",
     "unit": "RMB/t·km"},
    {"code": "detour", "kind": "detour", "driver": "road", "typical": "1.5", "unit": "1"},
    {"code": "co2", "kind": "co2", "driver": "road", "typical": "0.1", "unit": "kg/t·km"},
]  # fmt: skip


@pytest.fixture
def stocked(books: Books) -> Books:
    """90 t generated, 30 t used by the cement works, 10 t tipped, the rest lies there."""
    books.take("parks", *PLACES)
    books.take("facilities", *FACILITIES)
    books.take("coefficients", *PRICES)
    gone = entry("D", "disposal", "10.000", route="fill")
    books.entries(entry("G", "generation", "90.000"), gone)
    books.loads(load("A", "30.000", "30.000", route="retarder"))
    books.entries(entry("U", "use", "30.000", enterprise="cement", route="retarder"))
    return books


def report(books: Books, **asked: Any) -> dict[str, Any]:
    return match_report(db=books.db, period=Period.parse("2026-03"), asked=Asked(**asked))


def test_what_has_no_use_meets_what_is_free(stocked: Books) -> None:
    found = report(stocked)
    # A month of 120 t a year is 10 t, all taken; the board works lies across an unfiled border.
    assert found["links"] == [] and found["total"]["supply_t"] == "60.000"
    (left,) = found["unserved"]
    assert (left["enterprise"], left["tonnes"], left["reason"]) == ("maker", "60.000", "no_filing")
    assert found["capacity_not_stated"] == ["board.line", "cement.kiln", "f.open"]

    ahead = report(stocked, planned=True)
    (link,) = ahead["links"]
    assert (link["to"], link["tonnes"], link["distance_km"]) == ("f.ahead", "3.000", 0.0)
    assert link["why"][-1] == "facility_ahead" and ahead["total"]["unserved_t"] == "57.000"
    assert link["rate_points"] == pytest.approx(100 * 3 / 90, abs=1e-6)
    assert ahead["total"]["rate_after"] - ahead["total"]["rate_before"] == pytest.approx(3 / 90)
    rows = [*ahead["links"], *ahead["unserved"]]
    assert sum(Decimal(row["tonnes"]) for row in rows) == Decimal("60.000")


def test_a_filing_opens_the_border_up_to_its_quota(stocked: Books) -> None:
    stocked.take(
        "filings",
        {
            "code": "f.1",
            "from_region": "530000",
            "to_region": "520000",
            "quota_t": "40",
        },
    )
    (link,) = report(stocked)["links"]
    assert (link["to"], link["tonnes"], link["filing"]) == ("board", "40.000", "f.1")
    assert 440 < link["distance_km"] < 520 and link["per_tonne"]["unpriced"] == [
        "treatment", "gate", "storage",
    ]  # fmt: skip
    assert float(link["per_tonne"]["freight"]) == pytest.approx(link["distance_km"] / 2, abs=0.1)
    near = report(stocked, limits=Limits(max_km=100.0))
    assert near["links"] == [] and near["unserved"][0]["reason"] == "too_far"
    assert near["unserved"][0]["limit_km"] == 100.0


def test_one_pair_is_judged_with_its_numbers(stocked: Books) -> None:
    period = Period.parse("2026-03")
    ask: dict[str, Any] = {"db": stocked.db, "period": period, "giver": "maker"}
    rows = link_verdict(taker="board", asked=Asked(material="pg"), **ask)["rows"]
    (row,) = [row for row in rows if row["facility"] == "f.plaster"]
    assert (row["feasible"], row["against"]) == (False, ["no_filing"])
    assert row["distance_km"] > 440 and row["per_tonne"]["net"]
    (project,) = link_verdict(taker="f.ahead", asked=Asked(), **ask)["rows"]
    assert project["feasible"] and project["why"][0] == "route_fits"
    with pytest.raises(NotFound):
        link_verdict(taker="nobody", asked=Asked(), **ask)
    with pytest.raises(InvalidValue, match="max_km"):
        report(stocked, limits=Limits(max_km=-1.0))
