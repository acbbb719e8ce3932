"""Entries given by hand on PostgreSQL: firms do not wait for each other, numbers keep order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.books import Books
from tests.store.live import person
from wasteflow.core.actors import Role
from wasteflow.core.errors import RowsRefused
from wasteflow.services.changes import last_change, list_changes
from wasteflow.services.entry_objects import EntryFilter, list_entries
from wasteflow.services.entry_writing import Recorded, record_entry
from wasteflow.services.product_objects import record_product
from wasteflow.web.api.entries import OWN, EntryNew
from wasteflow_models.engine import Alone, Database
from wasteflow_models.gathering import gathering_of
from wasteflow_models.order import NUMBERS_LOCK, hold_firms

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
PATIENCE_S = 30
FOLLOWED: dict[str, frozenset[str] | None] = {"": None}


@pytest.fixture
def postgres(books: Books) -> Books:
    """The small registry; SQLite has one writer at any time and nothing to hold."""
    if books.db.is_sqlite:
        pytest.skip("one writer at any time")
    return books


def record(db: Database, firm: str, number: str, **more: str) -> Recorded:
    """A firm's operator records an entry; 10 t generated if nothing else is said."""
    told = {"enterprise": firm, "doc_no": number, "kind": "generation", "material": "pg"}
    values: dict[str, Any] = EntryNew().load(told | {"date": "2026-03-01", "tonnes": "10"} | more)
    own = {name: item for name, item in values.items() if name not in OWN}
    return record_entry(db=db, actor=person(1, Role.OPERATOR, firm), values=own, now=NOW)


def waits(db: Database, first: int, *, among: Future[Any]) -> None:
    """Return when somebody waits for an advisory lock whose first key is `first`."""
    asked = sa.text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND (classid = :key OR objid = :key) "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    end = monotonic() + PATIENCE_S
    while True:
        assert not among.done(), among.result()
        with db.connection() as connection:
            if connection.scalar(asked, {"key": first}):
                return
        assert monotonic() < end
        sleep(0.01)


def firm_key(db: Database, code: str) -> int:
    with db.read() as session:
        query = sa.text("SELECT id FROM enterprise WHERE code = :code")
        return int(session.scalar(query, {"code": code}) or 0)


def numbered(db: Database) -> list[tuple[str, str]]:
    """Entries in the order of the list, and of the changes that tell of them."""
    entries = list_entries(db=db, wanted=EntryFilter(), limit=100)
    changes = list_changes(db=db, after=0, limit=100, readers=FOLLOWED, kinds=["entry"])
    numbers = {str(item.uid): str(item.values["doc_no"]) for item in entries}
    assert [item.values["doc_no"] for item in entries] == [
        numbers[item.ref] for item in changes.items
    ]
    return [(item.enterprise, str(item.values["doc_no"])) for item in entries]


def test_a_firm_does_not_wait_for_another(postgres: Books) -> None:
    """One is in the middle of deciding from its books; another records, a file waits."""
    db = postgres.db
    with ThreadPoolExecutor(1) as pool:
        with db.write(Alone.FIRMS) as session:
            hold_firms(session, [firm_key(db, "maker")])
            assert record(db, "cement", "C").new
            same = pool.submit(record, db, "maker", "M")
            waits(db, 7707, among=same)
        assert same.result(PATIENCE_S).new
    assert numbered(db) == [("cement", "C"), ("maker", "M")]
    postgres.check()


@pytest.mark.parametrize("kind", ["entry", "product"])
def test_what_is_numbered_later_is_committed_later(postgres: Books, kind: str) -> None:
    """A number is taken and not committed yet: the next one waits, and no reader sees it before."""
    db, begun, go_on = postgres.db, Event(), Event()

    def output(firm: str) -> object:
        values = {"enterprise": firm, "product": "p2o5", "date": NOW.date(), "tonnes": 1000}
        actor = person(1, Role.OPERATOR, firm)
        values["p2o5_pct"] = None
        return record_product(db=db, actor=actor, values=values, now=NOW, address="")

    # Places are there and months their own: who makes or writes the same waits there already.
    dates = {"maker": "2026-03-01", "cement": "2026-04-01"}
    for firm in dates:
        record(db, firm, "before")
    before = last_change(db=db)
    jobs: dict[str, Callable[[str], object]] = {
        "entry": lambda firm: record(db, firm, "N", date=dates[firm]),
        "product": output,
    }

    def slowly() -> None:
        with db.together(single=True) as session:
            jobs[kind]("maker")
            gathering_of(session.connection()).send()  # else it goes with the commit
            begun.set()
            assert go_on.wait(PATIENCE_S)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slowly)
        assert begun.wait(PATIENCE_S)
        second = pool.submit(jobs[kind], "cement")
        waits(db, NUMBERS_LOCK, among=second)
        assert list_changes(db=db, after=before, limit=9, readers=FOLLOWED).items == []
        go_on.set()
        first.result(PATIENCE_S)
        second.result(PATIENCE_S)
    told = list_changes(db=db, after=before, limit=9, readers=FOLLOWED).items
    with db.read() as session:
        rows = session.execute(sa.text(f"SELECT id, enterprise_id FROM {kind} ORDER BY id")).all()
    firms = [firm_key(db, code) for code in ("maker", "cement")]
    assert [row.enterprise_id for row in rows[-2:]] == firms
    assert [row.id for row in rows] == list(range(1, len(rows) + 1))
    assert len(told) == 2
    postgres.check()


def test_the_same_number_of_a_firm_is_taken_once(postgres: Books) -> None:
    """Eight at once record two contents under one number: one content stands, the other is told."""
    db = postgres.db

    def one(tonnes: str) -> str:
        try:
            return "new" if record(db, "maker", "N", tonnes=tonnes).new else "known"
        except RowsRefused as refused:
            return refused.issues[0].code

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(one, ["10", "11"] * 4))
    assert found == ["doc_no_differs"] * 4 + ["known"] * 3 + ["new"]
    assert numbered(db) == [("maker", "N")]
    postgres.check()
