"""A large file of entries on SQLite: part by part, unseen until published, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.books import NOW, Books, entry, load, write_rows
from tests.store.test_bulk_entries import FAULTS, FILES, taken, wipe
from tests.store.test_entry_order import numbered, record
from tests.store.test_staging import twin
from wasteflow.core.errors import RowsRefused
from wasteflow.jobs import import_file
from wasteflow.services import entries, entry_counts, entry_staging
from wasteflow.services.closing import close_month
from wasteflow.services.data_version import data_version
from wasteflow.services.seals import seal_books
from wasteflow_models import staging
from wasteflow_models.engine import Database
from wasteflow_models.ledger import LOAD_IDS, BatchRow, EntryRow, StagedRow
from wasteflow_models.order import last_entry, staged_from

__all__ = ["twin"]

FILE = [
    entry("O", "opening", "500.000", "2026-01-01", year_generated="2020"),
    *(entry(f"G{day}", "generation", "8.000", f"2026-02-{day:02}") for day in range(1, 8)),
    entry("S", "stocktake", "480.000", "2026-02-20", reason="moisture"),
]


@pytest.fixture
def database_kind() -> str:
    """SQLite: elsewhere one transaction keeps nobody but writers of entries waiting."""
    return "sqlite"


@pytest.fixture
def large(books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """The small registry, every file of entries being a large one, in parts of two."""
    monkeypatch.setattr("wasteflow.services.entry_files.LOOKED_AT_FIRST", 0)
    monkeypatch.setattr(entry_staging, "STAGED_FROM", 0)
    monkeypatch.setattr(entry_staging, "PART", 2)
    monkeypatch.setattr(staging, "ENTRIES_AT_ONCE", 3)
    return books


def content(books: Books) -> dict[str, Any]:
    """Every column of every entry but ids and batch, in the order of their numbers; the roll-up."""
    without = ("id", "uid", "batch_id")
    with books.db.read() as session:
        own = [c for c in EntryRow.__table__.c if c.name not in without]
        rows = [tuple(row) for row in session.execute(sa.select(*own).order_by(EntryRow.id))]
    return {"entries": rows, "rollup": books.rollup()}


def take(books: Books, rows: list[dict[str, str]] = FILE) -> Any:
    return taken(books, rows, columns=True)


def while_it_lies_there(
    monkeypatch: pytest.MonkeyPatch, done: Callable[[], object], *, before: bool = False
) -> None:
    """Call `done` once, when the entries lie there unpublished (before: when none does yet)."""
    name = "ready_entries" if before else "_ready_rollup"
    original, left = getattr(entry_staging, name), [done]

    def hooked(*given: Any) -> Any:
        if left:
            left.pop()()
        return original(*given)

    monkeypatch.setattr(entry_staging, name, hooked)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(FILES, FILES, FAULTS, st.booleans())
def test_staged_and_row_by_row_leave_the_same_books(
    large: Books,
    twin: Books,
    first: list[dict[str, str]],
    second: list[dict[str, str]],
    fault: dict[str, str],
    columns: bool,
) -> None:
    """Staged from columns or from rows, beside rows in one transaction."""
    wipe(large)
    wipe(twin)
    again = [*first, *second]
    again[-1] = again[-1] | fault
    for rows in (first, again):
        given_rows = [entry("x", "generation", "1") | row for row in rows]
        found = taken(large, given_rows, columns=columns)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wasteflow.services.entry_files.LOOKED_AT_FIRST", 2**40)
            assert found == taken(twin, given_rows, columns=False)
        assert content(large) == content(twin)
    assert large.check().findings == twin.check().findings


def test_nothing_is_seen_and_order_is_kept(large: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded while a file lies there comes before it; its numbers are taken already."""
    db, seen = large.db, dict[str, Any]()
    record(db, "maker2", "early")

    def meanwhile() -> None:
        seen["before"] = numbered(db)
        version = data_version(db=db)
        record(db, "cement", "G1")
        seen["version"] = version != data_version(db=db)
        with pytest.raises(RowsRefused) as refused:
            record(db, "maker", "G1", tonnes="8", date="2026-02-01")
        seen["refused"] = [issue.code for issue in refused.value.issues]
        small = write_rows(large.folder / "small.csv", [FILE[1]])
        with pytest.raises(RowsRefused) as refused:
            import_file(db=db, kind="entries", path=small, now=NOW)
        seen["refused"] += [issue.code for issue in refused.value.issues]
        seen["sealed"] = seal_books(db=db, now=NOW)
        large.check()
        with db.read() as session:
            seen["lying"] = staged_from(session) - last_entry(session)

    while_it_lies_there(monkeypatch, meanwhile)
    assert take(large)["taken"] == len(FILE)
    assert seen["before"] == [("maker2", "early")]
    assert seen["version"] and seen["sealed"]["counts"]["entry"] == 2
    assert seen["refused"] == ["doc_no_in_other_import"] * 2
    assert seen["lying"] == entry_staging.ROOM
    with db.read() as session:
        query = sa.select(EntryRow.doc_no).order_by(EntryRow.id)
        order = ["early", "G1", *(row["doc_no"] for row in FILE)]
        assert session.scalars(query).all() == order
        assert staged_from(session) == LOAD_IDS
    large.check()
    record(db, "maker", "late")
    assert seal_books(db=db, now=NOW) is not None
    large.check()


def test_a_number_that_is_taken_meanwhile_begins_anew(
    large: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is held against the books again, and the rows tell what is wrong now."""

    def same() -> object:
        return record(large.db, "maker", "G7", tonnes="8", date="2026-02-07")

    while_it_lies_there(monkeypatch, same, before=True)
    assert take(large, FILE[1:])["skipped"] == 1
    while_it_lies_there(
        monkeypatch, lambda: record(large.db, "maker", "N2", tonnes="9"), before=True
    )
    new = [entry(f"N{number}", "generation", "7.000", "2026-03-01") for number in range(3)]
    assert [code for *_, code in take(large, new)] == ["doc_no_differs"]
    counted = [*new, entry("C", "stocktake", "1", "2026-03-02", reason="survey")]
    while_it_lies_there(monkeypatch, lambda: record(large.db, "maker", "C", tonnes="9"))
    assert [code for *_, code in take(large, counted[:2] + counted[3:])] == ["doc_no_differs"]
    assert nothing_lies_there(large.db)
    large.check()


@pytest.mark.parametrize("kind", ["generation", "stocktake"])
def test_an_opening_is_still_the_first_of_its_place(
    large: Books, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Something earlier is recorded meanwhile, or a count that moves nothing."""
    more = {"date": "2025-12-30", "kind": kind}
    if kind == "stocktake":
        more |= {"tonnes": "0", "reason": "survey", "facility": "maker.works"}
    works = [FILE[0] | {"facility": "maker.works"}, *FILE[1:]]
    while_it_lies_there(monkeypatch, lambda: record(large.db, "maker", "before", **more))
    assert [code for *_, code in take(large, works)] == ["opening_not_first"]
    assert nothing_lies_there(large.db)
    large.check()


def test_what_a_dead_file_left_is_swept(large: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays unseen, its numbers stay taken, and who meets them sweeps it."""

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(entry_staging, "discard", lambda db, batch_id: None)
        while_it_lies_there(patch, die)
        with pytest.raises(Died):
            take(large)
    assert not nothing_lies_there(large.db)
    assert numbered(large.db) == []
    large.check()
    small = write_rows(large.folder / "small.csv", [FILE[1]])
    assert import_file(db=large.db, kind="entries", path=small, now=NOW).report.taken == 1
    assert nothing_lies_there(large.db)
    assert take(large)["taken"] == len(FILE) - 1
    large.check()


@pytest.mark.parametrize("bytes_", [0, 2**40])
def test_nobody_waits_for_a_dry_run_or_a_wrong_file(
    large: Books, monkeypatch: pytest.MonkeyPatch, bytes_: int
) -> None:
    """In columns and row by row."""
    path = write_rows(large.folder / "dry.csv", FILE)
    wrong = write_rows(large.folder / "wrong.csv", [*FILE, FILE[1] | {"tonnes": "9"}])
    monkeypatch.setattr("wasteflow.jobs.COLUMNS_BYTES", bytes_)

    def no_lock(self: Database, *given: Any, **more: Any) -> Iterator[None]:
        raise AssertionError("somebody asked for the lock")

    monkeypatch.setattr(Database, "write", no_lock)
    done = import_file(db=large.db, kind="entries", path=path, now=NOW, dry_run=True)
    assert (done.report.taken, done.report.dry_run) == (len(FILE), True)
    with pytest.raises(RowsRefused) as refused:
        import_file(db=large.db, kind="entries", path=wrong, now=NOW)
    assert [issue.code for issue in refused.value.issues] == ["duplicate_doc_in_file"]


def test_rows_that_were_overtaken_begin_anew(large: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file taken row by row, with a batch of its own each time."""
    rounded = [*FILE[:3], FILE[3] | {"tonnes": "8.0004"}]
    path = write_rows(large.folder / "rounded.csv", rounded)
    while_it_lies_there(
        monkeypatch,
        lambda: record(large.db, "maker", "G2", tonnes="8", date="2026-02-02"),
        before=True,
    )
    report = import_file(db=large.db, kind="entries", path=path, now=NOW, round_kg=True).report
    assert (report.taken, report.skipped, report.rounded_rows) == (3, 1, 1)
    assert nothing_lies_there(large.db)
    large.check()


def nothing_lies_there(db: Database) -> bool:
    """Whether every batch is published and every entry that is stored is in the books."""
    with db.read() as session:
        left = session.scalar(sa.select(sa.func.count()).where(~BatchRow.published))
        ranges = session.scalar(sa.select(sa.func.count()).select_from(StagedRow))
        stored = session.scalar(sa.select(sa.func.max(EntryRow.id))) or 0
        return not left and not ranges and stored == last_entry(session)


COUNTED = [
    *FILE,
    entry("Y1", "to_yard", "6.000", "2026-02-05"),
    entry("Y2", "stocktake", "5.500", "2026-02-06", reason="survey", facility="maker.heap"),
    entry("Y3", "stocktake", "5.250", "2026-03-06", reason="survey", facility="maker.heap"),
    entry("S1", "stocktake", "490.000", "2026-02-05", reason="survey"),
    entry("S3", "stocktake", "470.000", "2026-03-20", reason="loss"),
    entry("M", "generation", "9.000", "2026-02-11", enterprise="maker2"),
    entry("C", "stocktake", "8.000", "2026-02-11", enterprise="maker2", reason="survey"),
    entry("D", "stocktake", "7.000", "2026-02-10", enterprise="maker2", reason="survey"),
]
MEANWHILE: dict[str, Callable[[Books], object]] = {
    "nothing": lambda books: None,
    "another": lambda books: record(books.db, "cement", "N"),
    "entry": lambda books: record(books.db, "maker", "N", date="2026-02-04"),
    "count": lambda books: record(
        books.db, "maker", "N", kind="stocktake", date="2026-03-01", reason="survey"
    ),
    "load": lambda books: books.loads(load("L", "30.000", "29.900")),
    "close": lambda books: close_month(db=books.db, enterprise="maker2", month=202602, now=NOW),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_counts_are_held_again_where_the_books_moved(
    large: Books, twin: Books, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Law: judged beforehand or, what moved them done before, one by one: the same books."""
    asked: list[str] = []
    one = entries.write_count

    def noted(session: Any, keys: Any, item: Any, *more: Any) -> Any:
        asked.append(item.entry.doc_no)
        return one(session, keys, item, *more)

    monkeypatch.setattr(entry_counts, "write_count", noted)
    before = entry("B", "generation", "3.000", "2026-01-05", enterprise="maker2")
    for ledger in (large, twin):
        taken(ledger, [before], columns=False)
    MEANWHILE[what](twin)
    while_it_lies_there(monkeypatch, lambda: MEANWHILE[what](large))
    found = take(large, COUNTED)
    monkeypatch.setattr("wasteflow.services.entry_files.LOOKED_AT_FIRST", 2**40)
    assert found == taken(twin, COUNTED, columns=False)
    assert content(large) == content(twin)
    moved = what in ("entry", "count", "load")
    assert asked == (["S1", "Y2", "S", "Y3", "S3"] if moved else [])
    large.check()


def test_a_smaller_file_of_many_counts_is_staged(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_staging, "COUNTS_FROM", 3)
    monkeypatch.setattr("wasteflow.services.entry_files.LOOKED_AT_FIRST", 3)
    staged: list[int] = []
    while_it_lies_there(monkeypatch, lambda: staged.append(1))
    for columns in (True, False):
        rows = [row | {"doc_no": row["doc_no"] + str(columns)} for row in COUNTED[1:]]
        assert taken(books, rows, columns=columns)["taken"] == len(rows)
        while_it_lies_there(monkeypatch, lambda: staged.append(1))
    assert len(staged) == 2
    books.check()
