"""SIGKILL at any moment of an import, started again: nothing lost, nothing twice, books sound.

The quick test runs always.  The slow one (100,000 loads, 50 kills per database, minutes):
`pytest tests/store/test_killed_imports.py -m slow -s`, or WASTEFLOW_TEST_SLOW=1.
"""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tests.store.books import NOW
from tests.store.databases import row_counts, tables_apart
from tests.store.import_process import ImportProcess
from wasteflow.jobs import import_file, seed_database
from wasteflow.services.checking import check_books
from wasteflow.synthetic import synth
from wasteflow_models.engine import Database
from wasteflow_models.staging import sweep

BEFORE = ("parks", "enterprises", "facilities")

CHUNKS = 8
COMMITS = {"sqlite": 13, "postgresql": 70}
"""About so many commits an import of that many chunks makes, what a dead one left cleared away."""
MOST_AFTER_S = 0.3
"""Kills come at most so long after a transaction began to commit, chosen at random."""


@dataclass(slots=True)
class Killing:
    """Imports of a file into a database, as processes of their own that may die."""

    url: str
    file: Path
    chunk_rows: int

    def start(self) -> ImportProcess:
        """`wasteflow import shipments` in a process of its own."""
        return ImportProcess.start(self.url, self.file, self.chunk_rows)

    def whole(self) -> str:
        """One import that is left to end; returns what it said."""
        process = self.start()
        assert process.end() == 0, process.said.decode()
        return process.said.decode()

    def kill_one(self, commits: int, after: float) -> bool:
        """Kill an import `after` seconds beyond its commit of that number; False if it ended."""
        process = self.start()
        process.hear(f"@{commits};".encode(), 600)
        assert b"@0;" in process.said, process.said
        time.sleep(after)
        died = process.kill()
        assert process.process.exitcode in (0, -signal.SIGKILL), process.said.decode()
        return died


def prepare(url: str, folder: Path, loads: int, firms: int) -> tuple[Database, Path]:
    """A database with seed and synthetic registry, and the file of loads."""
    made = synth(loads=loads, enterprises=firms, parks=8, months=12, seed=5, out=folder)
    db = Database(url)
    seed_database(db=db, now=NOW)
    for kind in BEFORE:
        import_file(db=db, kind=kind, path=made.files[kind], now=NOW)
    return db, made.files["shipments"]


def kill_imports(url: str, folder: Path, loads: int, firms: int, kills: int, seed: int) -> None:
    """Kill `kills` imports, look at the books after each, and let the last one end.

    They are spread over the whole import, from before its first commit to after its last.
    """
    db, file = prepare(url, folder, loads, firms)
    empty, dice = row_counts(db), random.Random(seed)
    moments = COMMITS[make_url(url).get_backend_name()] + 1
    killing = Killing(url, file, loads // CHUNKS)
    kept = 0
    for number in range(kills):
        commits = int(moments * (number + dice.random()) / kills)
        after = dice.uniform(0, MOST_AFTER_S)
        died = killing.kill_one(commits, after)
        report = check_books(db=db)
        left = row_counts(db)["shipment"]
        fate = "killed" if died else "ended"
        print(
            f"{number + 1}: {after:.3f} s after commit {commits}, {fate}, {left} loads lie there,"
        )
        print(f"    {report.shipments} in the books, {report.ok}")
        assert report.faults == []
        assert report.shipments in (0, loads)
        if report.shipments:
            kept += 1
            if kept == 1:  # what the user does who saw no answer: the same command again
                counts = row_counts(db)
                assert f"新增 0，更新 0，补齐到货 0，已有跳过 {loads}" in killing.whole()
                beside = ("batch", "flow_packed")  # the last is a copy to read
                assert without(row_counts(db), *beside) == without(counts, *beside)
            wipe(db)
        if number % 2:
            sweep(db)
            # Places are keys and nothing else: what once got one keeps it.
            assert without(row_counts(db), "place") == without(empty, "place")
            assert tables_apart(db) == []
            drop_months(db)
    assert f"新增 {loads}，更新 0，补齐到货 0，已有跳过 0" in killing.whole()
    report = check_books(db=db)
    assert report.faults == [] and report.shipments == loads == row_counts(db)["shipment"]
    assert tables_apart(db) == []
    print(f"{kills} kills, {kept} after the commit; then whole and sound")
    db.dispose()


def drop_months(db: Database) -> None:
    """Make all months new to the books again."""
    if db.is_sqlite:
        return
    query = "SELECT c.oid::regclass::text FROM pg_class c WHERE relispartition AND relkind = 'r'"
    with db.write() as session:
        for name in session.execute(text(f"{query} ORDER BY 1")).scalars().all():
            session.execute(text(f"DROP TABLE {name}"))


def without(counts: dict[str, int], *names: str) -> dict[str, int]:
    """Row counts of the other tables."""
    return {table: count for table, count in counts.items() if table not in names}


def wipe(db: Database) -> None:
    """Take the loads out again, as if nothing had been imported."""
    with db.write() as session:
        for table in (
            *("event", "load_number", "load_child", "shipment", "sender", "staged"),
            *("load_apart", "carrier_month"),
            *("flow_month", "flow_packed", "flow_part", "place", "rollup_month"),
        ):
            session.execute(text(f'DELETE FROM "{table}"'))
        session.execute(text("DELETE FROM batch WHERE kind = 'shipments'"))
        session.execute(text("DELETE FROM change WHERE kind = 'import'"))


def test_killed_imports(database_url: str, tmp_path: Path) -> None:
    kill_imports(database_url, tmp_path, loads=5_000, firms=60, kills=6, seed=11)


@pytest.mark.slow
def test_killed_imports_of_a_hundred_thousand_loads(database_url: str, tmp_path: Path) -> None:
    kill_imports(database_url, tmp_path, loads=100_000, firms=400, kills=50, seed=12)
