"""SIGKILL at any moment of an import, started again: nothing lost, nothing twice, books sound.

The quick test runs always.  The slow one (100,000 loads, 10 kills per database, minutes):
`pytest tests/store/test_killed_imports.py -m slow -s`, or WASTEFLOW_TEST_SLOW=1.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.store.books import NOW
from tests.store.databases import row_counts
from wasteflow.jobs import import_file, seed_database
from wasteflow.services.checking import check_books
from wasteflow.synthetic import synth
from wasteflow_models.engine import Database

BEFORE = ("parks", "enterprises", "facilities")
LATE_SHARE = 0.85
"""From this share of a run on it writes and commits; half of the kills fall there."""


@dataclass(slots=True)
class Killing:
    """A database with the registry of a synthetic ledger, and imports of its loads that die."""

    url: str
    file: Path
    dice: random.Random
    seconds: float = 0.0
    seen: list[str] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        """`wasteflow import shipments` as a process of its own."""
        command = [sys.executable, "-c", "from wasteflow.cli import main; main()"]
        command += ["--database", self.url, "import", "shipments", str(self.file)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def whole(self) -> str:
        """One import that is left to end; returns what it said."""
        started = time.monotonic()
        process = self.start()
        said, wrong = process.communicate(timeout=1800)
        self.seconds = max(self.seconds, time.monotonic() - started)
        assert process.returncode == 0, wrong.decode()
        return said.decode()

    def kill_one(self, after: float) -> bool:
        """Start an import and kill it `after` seconds; False if it had ended before."""
        process = self.start()
        try:
            process.wait(timeout=after)
            ended = True
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            ended = False
        process.communicate()
        if ended:
            assert process.returncode == 0
        else:
            assert process.returncode == -signal.SIGKILL
        return not ended

    def when(self, number: int) -> float:
        """Seconds after which to kill: at random, every second time near the commit."""
        share = self.dice.uniform(LATE_SHARE, 1.02) if number % 2 else self.dice.uniform(0.1, 1)
        return share * self.seconds


def prepare(url: str, folder: Path, loads: int, enterprises: int) -> tuple[Database, Path]:
    """A database with seed and synthetic registry, and the file of loads."""
    made = synth(loads=loads, enterprises=enterprises, parks=8, months=12, seed=5, out=folder)
    db = Database(url)
    seed_database(db=db, now=NOW)
    for kind in BEFORE:
        import_file(db=db, kind=kind, path=made.files[kind], now=NOW)
    return db, made.files["shipments"]


def kill_imports(url: str, folder: Path, loads: int, enterprises: int, kills: int, seed: int) -> None:
    """Kill `kills` imports, look at the books after each, and let the last one end."""
    db, file = prepare(url, folder, loads, enterprises)
    empty = row_counts(db)
    killing = Killing(url, file, random.Random(seed))
    started = time.monotonic()
    timed = killing.start()  # how long one takes: killed when it has written everything
    assert timed.wait(timeout=1800) == 0
    timed.communicate()
    killing.seconds = time.monotonic() - started
    full = row_counts(db)
    rollup = check_books(db=db)
    assert rollup.ok and rollup.shipments == loads
    wipe(db)
    assert row_counts(db) == empty
    survived = 0
    for number in range(kills):
        moment = killing.when(number)
        died = killing.kill_one(moment)
        counts = row_counts(db)
        report = check_books(db=db)
        print(f"kill {number + 1}: after {moment:.2f} s of {killing.seconds:.2f} s, "
              f"died {died}, loads {counts['shipment']}, sound {report.ok}")
        assert report.faults == []
        assert counts["shipment"] in (0, loads)
        assert counts["batch"] - empty["batch"] >= (1 if counts["shipment"] else 0)
        if counts["shipment"]:
            survived += 1
            again = killing.whole()
            assert f"已有跳过 {loads}" in again
            assert without(row_counts(db), "batch") == without(full, "batch")
            wipe(db)
    said = killing.whole()
    assert f"新增 {loads}" in said and "已有跳过 0" in said
    assert row_counts(db) == full
    report = check_books(db=db)
    assert report.faults == [] and report.shipments == loads
    print(f"{kills} kills, {survived} of them after the commit; {killing.seconds:.1f} s an import")
    db.dispose()


def without(counts: dict[str, int], name: str) -> dict[str, int]:
    """Row counts of the other tables."""
    return {table: count for table, count in counts.items() if table != name}


def wipe(db: Database) -> None:
    """Take the loads out again, as if nothing had been imported."""
    from sqlalchemy import text

    with db.write() as session:
        for table in ("event", "shipment", "flow_month", "place"):
            session.execute(text(f'DELETE FROM "{table}"'))
        session.execute(text("DELETE FROM batch WHERE kind = 'shipments'"))


def test_killed_imports(database_url: str, tmp_path: Path) -> None:
    kill_imports(database_url, tmp_path, loads=5_000, enterprises=60, kills=4, seed=11)


@pytest.mark.slow
def test_killed_imports_of_a_hundred_thousand_loads(database_url: str, tmp_path: Path) -> None:
    kill_imports(database_url, tmp_path, loads=100_000, enterprises=400, kills=10, seed=12)
