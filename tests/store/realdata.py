"""The two real data sets of tests/data, unpacked and imported without a change to a file."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.store.books import NOW
from wasteflow.core.periods import Period
from wasteflow.jobs import import_folder
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report, flows_report
from wasteflow_models.engine import Database

ARCHIVE = Path(__file__).parents[1] / "data" / "realdata.tar.xz"
KINDS = ("materials", "routes", "parks", "enterprises", "entries", "shipments")


@dataclass(frozen=True, slots=True)
class RealData:
    """A data set in a database, with the figures it must reproduce."""

    db: Database
    expected: dict[str, Any]
    year: Period
    taken: dict[str, int]

    def flows(self, level: str = "enterprise") -> dict[str, Any]:
        """The flow graph of the year."""
        return flows_report(db=self.db, period=self.year, level=level)

    def balance(self, scope: str = "all", material: str = "") -> dict[str, Any]:
        """The balance of the year."""
        return balance_report(db=self.db, period=self.year, scope=scope, material=material)

    def rates(self, formula: str, by: str = "", basis: str = "declared") -> dict[str, Any]:
        """The rates of the year."""
        return rates_report(db=self.db, period=self.year, formula=formula, by=by, basis=basis)


def import_real(name: str, year: str, url: str, folder: Path) -> RealData:
    """Unpack the set `name` and import its files in the order of its README, without --round-kg."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    source = folder / "realdata" / name
    expected = json.loads((source / "expected.json").read_text(encoding="utf-8"))
    db = Database(url)
    reports = import_folder(db=db, folder=source, kinds=KINDS, now=NOW)
    assert all(report.rounded_rows == 0 for report in reports)
    taken = {report.kind: report.taken for report in reports}
    return RealData(db, expected, Period.parse(year), taken)


def kg(tonnes: float | str) -> int:
    """Whole kilograms of a figure printed in tonnes with three places at most."""
    return round(float(tonnes) * 1000)
