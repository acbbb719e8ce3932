"""Restore: a backup put into an empty database, all or nothing, every byte held to its manifest."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.schemas.backup_manifest import lacking
from wasteflow.services.attachments import path_of, write_once
from wasteflow.services.backup import FORMAT, KNOWN, MANIFEST
from wasteflow.services.tracing import forget
from wasteflow_models import migrate, months_apart, staging
from wasteflow_models.base import Base
from wasteflow_models.engine import Alone, Database
from wasteflow_models.parties import settle_senders
from wasteflow_models.partitions import ensure_partitions
from wasteflow_models.raw import is_postgresql
from wasteflow_models.table_text import fill_table, settle_sequences

assert KNOWN  # the tables must be known before they are emptied
_READ: Final = 1 << 20
_DOCUMENTS: Final = "documents/"
_BROKEN: Final = (KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""What `zipfile` raises over a member that is gone or damaged."""
_OWN: Final = frozenset({"secret", "stamp"})
"""Tables a new database has rows in."""


def read_manifest(path: Path) -> dict[str, Any]:
    """What a backup says of itself; UnusableFile `backup_unreadable`."""
    try:
        with zipfile.ZipFile(path) as file:
            manifest: dict[str, Any] = json.loads(file.read(MANIFEST))
    except (OSError, ValueError, *_BROKEN) as error:
        raise UnusableFile("backup_unreadable", file=path, reason=error) from error
    if not isinstance(manifest, dict):
        raise UnusableFile("backup_unreadable", file=path, reason=MANIFEST)
    if manifest.get("format") != FORMAT:
        raise UnusableFile("backup_unreadable", file=path, reason=manifest.get("format"))
    if wrong := lacking(manifest):
        raise UnusableFile("backup_unreadable", file=path, reason=f"{MANIFEST}: {wrong}")
    return manifest


def restore_backup(
    *,
    url: str,
    path: Path,
    documents: Path,
    replace: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:
    """Put the backup `path` into the database `url`, which is made if it is not there.

    documents: the folder attachments go to; replace: what is in the database may be thrown away.
    Returns the manifest.  Every byte is held to the manifest before anything is touched.  Tables
    are made as they were at the backup, filled in one transaction that ends when the documents lie
    in their folder, then brought to the newest revision.
    Raises UnusableFile `backup_unreadable`, `backup_damaged`, `backup_newer`; WasteflowError
    `restore_not_empty`.
    """
    manifest = read_manifest(path)
    revision = manifest["revision"]
    if not migrate.known(revision):
        raise UnusableFile("backup_newer", file=path, revision=revision)
    with zipfile.ZipFile(path) as file:
        names = _proved(file, path, manifest)
    found = migrate.current(url)
    if found is None:
        migrate.upgrade(url, revision)
    elif found != revision:
        raise WasteflowError("restore_revision", found=found, wanted=revision)
    db = Database(url)
    try:
        with (
            zipfile.ZipFile(path) as file,
            db.write(Alone.EVERYBODY) as session,
            _undone_if_failed() as written,
        ):
            _make_room(session, manifest, replace)
            _fill(session, file, path, manifest, progress)
            for name in names:
                _restore_document(file, path, name, documents, written)
    finally:
        db.dispose()
        forget()
    migrate.upgrade(url)
    return manifest


def _make_room(session: Session, manifest: dict[str, Any], replace: bool) -> None:
    """Empty the tables, if they may be."""
    known = [table.name for table in reversed(Base.metadata.sorted_tables)]
    there = [name for name in known if name in manifest["tables"]]
    for name in there:
        used = session.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first()
        if used and name not in _OWN and not replace:
            raise WasteflowError("restore_not_empty", table=name)
    if not is_postgresql(session):
        session.execute(text("PRAGMA defer_foreign_keys=ON"))
    for name in there:
        session.execute(text(f'DELETE FROM "{name}"'))
    if is_postgresql(session):
        months_apart.drop_orphans(session)


def _fill(
    session: Session,
    file: zipfile.ZipFile,
    path: Path,
    manifest: dict[str, Any],
    progress: Callable[[str, int], None] | None,
) -> None:
    if is_postgresql(session):
        session.execute(text("SET LOCAL timezone = 'UTC'"))
        session.execute(text("SET LOCAL datestyle = 'ISO'"))
        ensure_partitions(session, manifest["months"])
    tables = [table for table in Base.metadata.sorted_tables if table.name in manifest["tables"]]
    for table in tables:
        told = manifest["tables"][table.name]
        columns = [(str(name), str(word)) for name, word in told["columns"]]
        fill_table(session, table.name, columns, _member(file, path, table.name, told))
        count = session.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar_one()
        if count != told["rows"]:
            raise UnusableFile("backup_damaged", file=path, part=table.name)
        if progress:
            progress(table.name, told["rows"])
    settle_sequences(session, tables, manifest["last_load_number"])
    settle_senders(session)
    staging.settle_numbers(session)


def _member(file: zipfile.ZipFile, path: Path, name: str, told: dict[str, Any]) -> Iterator[bytes]:
    """The bytes of a table; UnusableFile `backup_damaged` unless they are those of the manifest."""
    digest = sha256()
    try:
        with file.open(f"tables/{name}.txt") as member:
            while part := member.read(_READ):
                digest.update(part)
                yield part
    except _BROKEN as error:
        raise UnusableFile("backup_damaged", file=path, part=name) from error
    if digest.hexdigest() != told["sha256"]:
        raise UnusableFile("backup_damaged", file=path, part=name)


def _proved(file: zipfile.ZipFile, path: Path, manifest: dict[str, Any]) -> list[str]:
    """Names of the documents of a backup, once every byte of it is what it should be."""
    for table, told in sorted(manifest["tables"].items()):
        for _ in _member(file, path, table, told):
            pass
    names = sorted(name for name in file.namelist() if name.startswith(_DOCUMENTS))
    for name in names:
        _document(file, path, name)
    if len(names) != manifest["documents"]["files"]:
        raise UnusableFile("backup_damaged", file=path, part=_DOCUMENTS)
    return names


def _document(file: zipfile.ZipFile, path: Path, name: str) -> bytes:
    """The bytes of a document; UnusableFile `backup_damaged` unless its name is their hash."""
    try:
        content = file.read(name)
    except _BROKEN as error:
        raise UnusableFile("backup_damaged", file=path, part=name) from error
    if sha256(content).hexdigest() != name.removeprefix(_DOCUMENTS):
        raise UnusableFile("backup_damaged", file=path, part=name)
    return content


def _restore_document(
    file: zipfile.ZipFile, path: Path, name: str, folder: Path, written: list[Path]
) -> None:
    goal = path_of(folder, name.removeprefix(_DOCUMENTS))
    if not goal.is_file():
        written.append(goal)
        write_once(goal, _document(file, path, name))


@contextmanager
def _undone_if_failed() -> Iterator[list[Path]]:
    """Files that go again if the block fails.

    They stay when the commit after it fails or is not answered: then the rows may stand, and a
    document nobody names does no harm.
    """
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        for item in written:
            item.unlink(missing_ok=True)
        raise
