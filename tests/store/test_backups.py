"""Backups under write load, restored on the same and on the other database, and damaged ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import URL, select

from benchmarks.postgres_server import create_database, drop_database
from tests.store.books import NOW, Books, child, entry, load
from tests.store.databases import row_counts
from tests.store.live import MAKER, Gate
from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.backup import write_backup
from wasteflow.services.checking import check_books
from wasteflow.services.restore import restore_backup
from wasteflow.services.seals import seal_books
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.table_text import _lines, _row

Target = Callable[[str], str]


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """Makes an empty place to restore to, of a kind of database."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{(tmp_path / 'restored.sqlite3').as_posix()}"
        server: URL = request.getfixturevalue("postgresql_server")
        name = f"wasteflow_restored_{tmp_path.name[-12:]}"
        request.addfinalizer(lambda: drop_database(server, name))
        return create_database(server, name)

    return make


def filled(books: Books) -> Gate:
    """Books with loads, drafts, a document, awkward texts and a seal."""
    gate = Gate(books)
    books.entries(
        entry("O", "opening", "50.000", remark='行一\\N "x"'),
        entry("G", "generation", "90.000", moisture_pct="20"),
    )
    books.loads(load("P", "30.000", "20.000", refused_t="10.000"), child("R", "P", "6.000"))
    document = NewAttachment("shipment", str(gate.decided()), b"%PDF-1", "application/pdf", "a.pdf")
    add_attachment(
        db=books.db, folder=books.folder / "docs", document=document, actor=MAKER, now=NOW
    )
    gate.draft()
    seal_books(db=books.db, now=NOW)
    return gate


def test_a_backup_under_load_restores_what_was_acknowledged(
    books: Books, database_kind: str, target: Target, tmp_path: Path
) -> None:
    """Also onto the other database, where new loads find their numbers."""
    gate = filled(books)
    done: list[str] = []
    stop = Event()

    def write() -> None:
        while not stop.is_set():
            done.append(str(gate.on_road()))

    writer = Thread(target=write)
    writer.start()
    try:
        while len(done) < 3:
            assert writer.is_alive()
        before = len(done)
        file = tmp_path / "backup.zip"
        manifest = write_backup(db=books.db, out=file, documents=tmp_path / "docs", now=NOW)
    finally:
        stop.set()
        writer.join()
    assert manifest["documents"] == {"files": 1, "missing": []}
    other = "postgresql" if database_kind == "sqlite" else "sqlite"
    url = target(other)
    restore_backup(url=url, path=file, documents=tmp_path / "there")
    assert [path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file()] == [
        b"%PDF-1"
    ]
    db = Database(url)
    try:
        report = check_books(db=db, full=True, witnesses=[manifest["seal"]["head"]])
        assert report.faults == []
        counts = row_counts(db)
        told = {name: item["rows"] for name, item in manifest["tables"].items()}
        # Only SQLite keeps who sent to whom: it is made from the loads, or let go.
        assert (told["sender"] > 0, counts["sender"] > 0) == (other != "sqlite", other == "sqlite")
        told["sender"] = counts["sender"]
        assert counts == told and counts["event"] >= 4 + 2 * before
        restored = Books(db, tmp_path)
        with db.read() as session:
            numbers = set(session.scalars(select(ShipmentRow.doc_no)))
        with books.db.read() as session:
            first = select(ShipmentRow.doc_no).order_by(ShipmentRow.id).limit(4 + before)
            assert set(session.scalars(first)) <= numbers
        restored.loads(load("NEW", "30.000", "30.000"))
        restored.entries(entry("NEW", "generation", "1.000"))
        Gate(restored).decided()
        assert check_books(db=db, full=True).faults == []
    finally:
        db.dispose()
    with pytest.raises(WasteflowError, match="not empty"):
        restore_backup(url=url, path=file, documents=tmp_path / "there")
    restore_backup(url=url, path=file, documents=tmp_path / "there", replace=True)
    db = Database(url)
    assert row_counts(db) == told
    db.dispose()


def test_a_damaged_backup_restores_nothing(books: Books, tmp_path: Path) -> None:
    if not books.db.is_sqlite:
        return
    filled(books)
    file = tmp_path / "backup.zip"
    write_backup(db=books.db, out=file, documents=tmp_path / "docs", now=NOW)
    with pytest.raises(UnusableFile, match="already"):
        write_backup(db=books.db, out=file, documents=tmp_path / "docs", now=NOW)
    bent = tmp_path / "bent.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(bent, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"90000", b"90001") if "entry" in name else data)
    url = f"sqlite:///{(tmp_path / 'r.sqlite3').as_posix()}"
    with pytest.raises(UnusableFile, match=r"entry of the backup .* damaged"):
        restore_backup(url=url, path=bent, documents=tmp_path / "there")
    assert not (tmp_path / "r.sqlite3").exists()
    _broken_anywhere(file, tmp_path)
    _documents_or_nothing(file, tmp_path)
    _shapeless_manifests(file, tmp_path)
    shutil.copyfile(books.folder / "entries-1.csv", tmp_path / "no.zip")
    with pytest.raises(UnusableFile, match="no backup"):
        restore_backup(url=url, path=tmp_path / "no.zip", documents=tmp_path / "there")


def _broken_anywhere(file: Path, tmp_path: Path) -> None:
    """Bytes changed inside what is packed, of tables and of a document: named, nothing made."""
    with zipfile.ZipFile(file) as whole:
        places = {
            name: whole.getinfo(name).header_offset + 30 + len(name) + 20
            for name in whole.namelist()
            if name in ("tables/entry.txt", "tables/shipment.txt")
        }
        document = next(name for name in whole.namelist() if name.startswith("documents/"))
        places[document] = whole.getinfo(document).header_offset + 30 + len(document) + 1
    data = file.read_bytes()
    for number, at in enumerate(places.values()):
        for width in (1, 12):
            broken = tmp_path / f"broken-{number}-{width}.zip"
            broken.write_bytes(data[:at] + b"\xff" * width + data[at + width :])
            goal = tmp_path / f"b-{number}-{width}.sqlite3"
            with pytest.raises(UnusableFile, match=r"damaged|no backup") as told:
                restore_backup(
                    url=f"sqlite:///{goal.as_posix()}", path=broken, documents=tmp_path / "none"
                )
            assert told.value.code in ("backup_damaged", "backup_unreadable")
            assert not goal.exists() and not (tmp_path / "none").exists()


def _shapeless_manifests(file: Path, tmp_path: Path) -> None:
    """A manifest that lacks a part, or holds another kind of thing there, is told in words."""
    with zipfile.ZipFile(file) as whole:
        manifest = json.loads(whole.read("manifest.json"))
    for part, instead in (
        ("revision", None),
        ("months", "202401"),
        ("tables", {"entry": {"rows": "many"}}),
        ("documents", []),
    ):
        told = {**manifest, part: instead}
        if instead is None:
            del told[part]
        path = tmp_path / "shapeless.zip"
        with zipfile.ZipFile(path, "w") as new:
            new.writestr("manifest.json", json.dumps(told))
        with pytest.raises(UnusableFile, match=f"manifest.json: {part}"):
            restore_backup(url="sqlite:///nowhere", path=path, documents=tmp_path / "none")


def _documents_or_nothing(file: Path, tmp_path: Path) -> None:
    """Documents that cannot be written leave the tables empty."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    url = f"sqlite:///{(tmp_path / 'blocked.sqlite3').as_posix()}"
    with pytest.raises(OSError, match="blocked"):
        restore_backup(url=url, path=file, documents=blocked)
    db = Database(url)
    assert not row_counts(db)["shipment"] and not row_counts(db)["entry"]
    db.dispose()
    restore_backup(url=url, path=file, documents=tmp_path / "unblocked")


def test_lines_of_a_table_come_back() -> None:
    words = ["int", "text", "text", "bytes", "float", "bool"]
    row = (7, None, "a\tb\nc\rd\\N\\", b"\x00\xff", 0.1, 1)
    line = _lines(words, [row]).decode()
    assert line.count("\n") == 1
    assert tuple(_row(words, line.rstrip("\n"))) == row


def test_a_backup_knows_every_table() -> None:
    """By itself, in a process that has loaded nothing else."""
    program = (
        "import importlib, pkgutil, wasteflow.services.backup, wasteflow_models as ours;"
        "from wasteflow_models.base import Base;"
        "known = set(Base.metadata.tables);"
        "[importlib.import_module(f'wasteflow_models.{m.name}')"
        " for m in pkgutil.iter_modules(ours.__path__) if m.name != 'migrations'];"
        "print(*sorted(set(Base.metadata.tables) - known))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
