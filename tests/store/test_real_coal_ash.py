"""EIA-923 schedule 8A, 2016 (tests/data): coal ash and gypsum of 347 US power plants.

Published figures: US Energy Information Administration, Form EIA-923 2016, final revision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.store.databases import KINDS, new_database
from tests.store.realdata import RealData, import_real, kg
from wasteflow.services.checking import check_books
from wasteflow.services.reports import overview


@pytest.fixture(scope="module", params=KINDS)
def us(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealData]:
    """The data set on both databases; no mass needs rounding."""
    folder = tmp_path_factory.mktemp("us")
    with new_database(request, request.param, folder) as url:
        data = import_real("us_ccb_2016", "2016", url, folder)
        yield data
        data.db.dispose()


def test_the_books_are_sound_and_fifty_places_miss_a_kilogram(us: RealData) -> None:
    assert (us.taken["shipments"], us.taken["entries"]) == (677, 1_662)
    report = check_books(db=us.db)
    assert report.faults == []
    assert (report.shipments, report.entries) == (677, 1_662)
    assert Counter(item["code"] for item in report.findings) == {"negative_stock": 50}
    assert sum(kg(item["closing_t"]) for item in report.findings) == -50


def compare(row: dict[str, Any], expected: dict[str, float], formula: str) -> None:
    """Amounts of a rates row to the kilogram (to 1 kg of the unpublished hole), rates to 1e-4 %."""
    assert kg(row["generated_t"]) == kg(expected["generated"])
    assert kg(row["disposed_t"]) + kg(row["dumped_t"]) == kg(expected["disposed"])
    if row["not_computable"]:
        assert expected["prior"] > 0, row
        return
    assert kg(row["utilised_t"]) == kg(expected["utilised"])
    assert kg(row["stored_t"]) == kg(expected["stored"])
    if expected["generated"]:
        assert row["value"] * 100 == pytest.approx(expected[f"{formula}_pct"], abs=6e-5)


GROUPS = {"enterprise": "by_plant", "park": "by_state", "material": "by_material"}


@pytest.mark.parametrize("formula", ["official", "simple"])
@pytest.mark.parametrize("by", GROUPS)
def test_amounts_and_rates(us: RealData, formula: str, by: str) -> None:
    registry = overview(db=us.db).registry
    tables = {"enterprise": registry.enterprises, "park": registry.parks, "material": registry.materials}
    expected = us.expected[GROUPS[by]]
    rows = {}
    for row in us.rates(formula, by)["rows"]:
        item = tables[by][row[by]]
        name = {"park": item.name_zh, "material": item.name_en}.get(by, item.code.removeprefix("plant."))
        rows[name] = row
    generating = {name for name, row in rows.items() if kg(row["generated_t"])}
    assert generating == {name for name, item in expected.items() if item["generated"]}
    for name, item in expected.items():
        if name in rows:
            compare(rows[name], item, formula)
        else:
            assert not any(item[word] for word in ("generated", "utilised", "disposed", "stored"))
