"""The roll-up in columns: bulk adding is adding rows, versions are exact, memory is bounded."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from tests.store.books import NOW, Books, entry, flow_rows, load
from tests.store.databases import settle
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings_bulk import BulkRollup
from wasteflow.core.registry import Park
from wasteflow.services.corrections import reverse
from wasteflow.services.outlines import NewOutline, Origin, outline_versions, set_outlines
from wasteflow_models import flow_columns
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.flow_columns import ColumnStore, MonthColumns
from wasteflow_models.ledger import PlaceRow
from wasteflow_models.rollup import FEW, add_rollup_columns, place_ids, touch_registry

Key = tuple[int, ...]
MONTHS = (202511, 202512, 202601)


def bulk(rows: dict[Key, tuple[int, int]], dice: random.Random) -> BulkRollup:
    """Rows as columns, in any order."""
    listed = list(rows.items())
    dice.shuffle(listed)
    keys = np.array([key for key, _ in listed], np.int64).reshape(-1, 10)
    amounts = np.array([amount for _, amount in listed], np.int64).reshape(-1, 2)
    return BulkRollup(keys, amounts[:, 0], amounts[:, 1])


def random_rows(dice: random.Random, size: int) -> dict[Key, tuple[int, int]]:
    """Keys between random places of the registry of `books`, with masses and counts."""
    ends = [(PlaceKind.SITE, firm, 0) for firm in range(1, 7)]
    ends += [(PlaceKind.TRANSIT, dice.randint(1, 6), dice.randint(1, 6)) for _ in range(4)]
    ends += [(PlaceKind.GENERATION, 0, 0), (PlaceKind.OPENING, 1, 2020), (PlaceKind.USE, 2, 0)]
    found: dict[Key, tuple[int, int]] = {}
    for _ in range(size):
        pair = dice.choice(ends), dice.choice(ends)
        rest = dice.randint(1, 2), dice.choice([0, 1, 2]), dice.randint(0, 4)
        key = tuple(map(int, (dice.choice(MONTHS), *pair[0], *pair[1], *rest)))
        found[key] = dice.randint(1, 10**9), dice.randint(1, 9)
    return found


def stored(db: Database) -> dict[Key, tuple[int, int]]:
    """The roll-up row by row, as the database holds it."""
    with db.read() as session:
        return {tuple(row[:10]): (row.kg, row.n) for row in flow_rows(session)}


def in_columns(db: Database) -> dict[Key, tuple[int, int]]:
    """The same through the columns that reports read."""
    found: dict[Key, tuple[int, int]] = {}
    with db.read() as session:
        places = flow_columns.place_columns(session)
        for material in flow_columns.versions(session):
            for month, part in flow_columns.months(session, material).items():
                ends = [places.positions(ids) for ids in (part.source, part.target)]
                for number in range(len(part.kg)):
                    pair = [
                        int(column[end[number]])
                        for end in ends
                        for column in (places.kind, places.a, places.b)
                    ]
                    rest = material, int(part.route[number]), int(part.evidence[number])
                    found[month, *pair, *rest] = int(part.kg[number]), int(part.n[number])
    return found


def summed(parts: Sequence[dict[Key, tuple[int, int]]]) -> dict[Key, tuple[int, int]]:
    """Rows added up, those that come to nothing left out."""
    total: dict[Key, tuple[int, int]] = {}
    for part in parts:
        for key, (kg, n) in part.items():
            old = total.get(key, (0, 0))
            total[key] = old[0] + kg, old[1] + n
    return {key: amount for key, amount in total.items() if amount != (0, 0)}


@pytest.mark.parametrize("size", [5, 4 * FEW])
def test_adding_columns_is_adding_rows(books: Books, size: int) -> None:
    """Rows added, more added to them, some taken out again: what is left is their sum."""
    dice = random.Random(size)
    first, second = random_rows(dice, size), random_rows(dice, size)
    second |= {key: (7, 1) for key in list(first)[: size // 2]}
    third = {key: (-kg, -n) for key, (kg, n) in list(first.items())[size // 2 :]}
    steps: list[dict[Key, tuple[int, int]]] = []
    for part in (first, second, third):
        with books.db.write() as session:
            add_rollup_columns(session, bulk(part, dice))
        steps.append(part)
        assert stored(books.db) == in_columns(books.db) == summed(steps)
    with books.db.read() as session:
        rows = session.execute(sa.select(PlaceRow.kind, PlaceRow.a, PlaceRow.b)).all()
    assert len(rows) == len(set(rows))


def test_only_what_was_written_gets_a_new_version(books: Books) -> None:
    dice = random.Random(1)
    with books.db.write() as session:
        add_rollup_columns(session, bulk(random_rows(dice, 300), dice))
    with books.db.read() as session:
        before, places = flow_columns.versions(session), flow_columns.place_columns(session)
        assert set(before) == {1, 2} and list(before[1]) == list(MONTHS)
        kept = flow_columns.months(session, 1)
    site = PlaceKind.SITE, 1, 0
    row = {tuple(map(int, (202512, *site, *site, 1, 0, 0))): (5, 1)}
    with books.db.write() as session:
        add_rollup_columns(session, bulk(row, dice))
    with books.db.read() as session:
        after = flow_columns.versions(session)
        assert flow_columns.place_columns(session) is places
        again = flow_columns.months(session, 1)
    changed = {
        (m, month) for m in after for month in after[m] if after[m][month] != before[m][month]
    }
    assert changed == {(1, 202512)}
    assert all((again[month] is kept[month]) == (month != 202512) for month in MONTHS)
    assert again[202512].kg.sum() == kept[202512].kg.sum() + 5


def test_a_rolled_back_write_leaves_no_trace_in_memory(books: Books) -> None:
    dice = random.Random(2)
    rows = random_rows(dice, 200)
    with books.db.write() as session:
        add_rollup_columns(session, bulk(rows, dice))
    with pytest.raises(ZeroDivisionError), books.db.write() as session:
        add_rollup_columns(session, bulk(random_rows(dice, 200), dice))
        for material in (1, 2):
            inside = flow_columns.months(session, material)
            assert sum(int(part.kg.sum()) for part in inside.values())
        raise ZeroDivisionError
    assert in_columns(books.db) == stored(books.db) == rows


def test_readers_beside_writers_see_whole_transactions(books: Books) -> None:
    """Every write adds 1 kg to two months: a reader never sees one of them alone."""
    dice = random.Random(3)
    site, away = (PlaceKind.SITE, 1, 0), (PlaceKind.SITE, 2, 0)
    pair = {tuple(map(int, (month, *site, *away, 1, 0, 0))): (1, 1) for month in (202512, 202601)}
    with books.db.write() as session:
        add_rollup_columns(session, bulk(pair, dice))
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with books.db.read() as session:
                found = flow_columns.months(session, 1)
                kg = [int(part.kg.sum()) for part in found.values()]
                assert len(kg) == 2 and kg[0] == kg[1]
                seen.append(kg[0])

    def write() -> None:
        for _ in range(15):
            with books.db.write() as session:
                add_rollup_columns(session, bulk(pair, random.Random(0)))

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write) for _ in range(2)]
        for future in writers:
            future.result()
        done.set()
        for future in readers:
            future.result()
    assert seen and sum(kg for kg, _ in stored(books.db).values()) == 62


def test_ids_of_places_stay_and_missing_ones_are_made_once(books: Books) -> None:
    ends = [Place.parse("site:maker"), Place.parse("yard:maker"), Place.parse("opening:maker:2020")]
    with books.db.write() as session:
        keys = load_keys(session)
        first = place_ids(session, ends[:2], keys)
        state = flow_columns.stamp(session, "place")
        again = place_ids(session, [*reversed(ends), *ends], keys)
        assert flow_columns.stamp(session, "place") != state
        assert {place: again[place] for place in first} == first
        assert len(set(again.values())) == 3
        many = [Place(PlaceKind.OPENING, "maker", str(year)) for year in range(1950, 1960 + FEW)]
        assert len(set(place_ids(session, many, keys).values())) == len(many)


def test_the_stamp_of_the_registry_changes_when_told(books: Books) -> None:
    with books.db.read() as session:
        before = flow_columns.stamp(session, "registry")
    with books.db.write() as session:
        touch_registry(session)
    with books.db.read() as session:
        assert flow_columns.stamp(session, "registry") != before


def test_what_is_kept_of_the_registry_follows_its_files_and_outlines(books: Books) -> None:
    def park() -> Park:
        with books.db.read() as session:
            keys = load_keys(session)
            assert load_keys(session) is keys
            return keys.registry.parks["park.a"]

    assert park().name_zh == "甲园区" and not park().boundary
    books.take("parks", {"code": "park.a", "name_zh": "新园区"}, dry_run=True)
    assert park().name_zh == "甲园区"
    books.take("parks", {"code": "park.a", "name_zh": "新园区"})
    assert park().name_zh == "新园区"
    outline = {"type": "Point", "coordinates": [102.0, 25.0]}
    new, origin = [NewOutline("park.a", outline, 0.0, "WGS84")], Origin("test")
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert set_outlines(db=books.db, outlines=new, origin=origin, now=at, dry_run=True)
    assert not park().boundary and not outline_versions(db=books.db)
    assert set_outlines(db=books.db, outlines=new, origin=origin, now=at) == ["park.a"]
    assert set_outlines(db=books.db, outlines=new, origin=origin, now=at) == []
    (version,) = outline_versions(db=books.db, park="park.a")
    assert (version.number, version.source) == (1, "test")
    assert json.loads(park().boundary) == outline


def test_another_database_under_the_same_address_shows_its_own_figures(
    books: Books, tmp_path: Path
) -> None:
    """A file that was replaced, by other books or by an older copy that went on differently."""
    if not books.db.is_sqlite:  # a server's database is not a file: here only that it is read anew
        books.entries(entry("G", "generation", "90.000"))
        assert books.closing() == {"site:maker": "90.000"}
        return
    path = Path(str(make_url(books.db.url).database))
    books.entries(entry("G", "generation", "90.000"))
    settle(books.db)
    older = shutil.copyfile(path, tmp_path / "older.sqlite3")
    books.entries(entry("H", "generation", "1.000"))
    assert books.flows() == {("generation", "site:maker", "pg/"): 91_000}
    assert books.closing() == {"site:maker": "91.000"}
    settle(books.db)
    shutil.copyfile(older, path)
    assert books.closing() == {"site:maker": "90.000"}
    books.entries(entry("H", "generation", "2.000", enterprise="maker2"))
    assert books.closing() == {"site:maker": "90.000", "site:maker2": "2.000"}


def test_the_span_of_months_ignores_months_that_came_to_nothing(books: Books) -> None:
    assert flow_span(books.db) is None
    books.entries(
        entry("G", "generation", "90.000"), entry("H", "generation", "1.000", "2026-05-01")
    )
    assert flow_span(books.db) == (202603, 202605)
    reverse(db=books.db, doc_no="H", reason="twice", now=NOW)
    assert flow_span(books.db) == (202603, 202603)


def flow_span(db: Database) -> tuple[int, int] | None:
    """First and last month with rows."""
    with db.read() as session:
        return flow_columns.month_span(session)


def test_what_is_kept_is_bounded(books: Books) -> None:
    def month(size: int) -> MonthColumns:
        ids, small = np.zeros(size, np.int32), np.zeros(size, np.int8)
        return MonthColumns(
            ids, ids, ids, small, np.zeros(size, np.int64), np.zeros(size, np.int64)
        )

    size = month(10).nbytes
    store = ColumnStore(3 * size)
    for number in range(5):
        store.put((1, number, 7, 0), month(10))
        assert store.get((1, 0, 7, 0)) is not None
        assert store.bytes <= 3 * size
    assert [store.get((1, number, 7, 0)) is not None for number in range(5)] == [
        True, False, False, True, True,
    ]  # fmt: skip
    store.put((1, 9, 7, 0), month(100))
    assert store.bytes == 0
    books.loads(load("A", "30.000", "30.000"))
    assert in_columns(books.db) == stored(books.db)
