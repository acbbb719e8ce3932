"""Backup: one state of the whole database and its documents in one file, while serving.

The file is a ZIP of every table as text (`table_text`), the documents by their SHA-256, and a
manifest.  It is the same for every database, so it also moves books from SQLite to PostgreSQL.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wasteflow.core.errors import UnusableFile
from wasteflow.services.attachments import path_of
from wasteflow.services.seals import latest_root
from wasteflow.services.whole_files import whole_file
from wasteflow_models import (
    accounts,
    apart,
    api,
    closes,
    findings,
    jobs,
    ledger,
    live,
    offers,
    outlines,
    registry,
    scenarios,
    seals,
    signing_due,
    statements,
)
from wasteflow_models.api import AttachmentRow
from wasteflow_models.base import Base
from wasteflow_models.engine import Database
from wasteflow_models.load_ids import STEP
from wasteflow_models.table_text import table_lines, type_of

FORMAT: Final = "wasteflow.backup.1"
MANIFEST: Final = "manifest.json"
KNOWN: Final = (
    accounts,
    api,
    apart,
    closes,
    findings,
    jobs,
    ledger,
    live,
    offers,
    outlines,
    registry,
    scenarios,
    seals,
    signing_due,
    statements,
)
"""Modules of tables; importing them fills `Base.metadata`."""
_ZIPPED: Final = 1
"""Level of deflate: tables of the ledger shrink to a sixth, at the speed of the disk."""


def write_backup(
    *,
    db: Database,
    out: Path,
    documents: Path,
    now: datetime,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:
    """Write a backup to `out`; returns its manifest.

    documents: the folder of attachments; progress(table, rows).  Every write that was acknowledged
    before the call is in it.  The file appears whole or not at all.
    Raises UnusableFile `backup_exists`.
    """
    if out.exists():
        raise UnusableFile("backup_exists", file=out)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Its owner's alone: it holds secrets of the site.
    with (
        whole_file(out, mode=0o600) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        file.compresslevel = _ZIPPED
        with db.read() as session:
            manifest = _manifest(session, db, now)
            for table in Base.metadata.sorted_tables:
                described = _write_table(file, session, table)
                manifest["tables"][table.name] = described
                if progress:
                    progress(table.name, described["rows"])
            digests = _documents(session)
            manifest |= _numbers(session)
        manifest["documents"] = _write_documents(file, documents, digests)
        file.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True))
    return manifest


def _numbers(session: Session) -> dict[str, Any]:
    """Of every load that was written out: asked after it, since loads of an import on its way come
    in sight by whole months, whatever this transaction has seen before.
    """
    months = session.execute(
        text(f"SELECT DISTINCT id / {STEP} FROM shipment ORDER BY 1")
    ).scalars()
    last = session.execute(text(f"SELECT coalesce(max(id % {STEP}), 0) FROM shipment")).scalar_one()
    return {"months": [int(month) for month in months], "last_load_number": int(last)}


def _manifest(session: Session, db: Database, now: datetime) -> dict[str, Any]:
    revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "database": "sqlite" if db.is_sqlite else "postgresql",
        "revision": revision,
        "seal": latest_root(session),
        "tables": {},
    }


def _write_table(file: zipfile.ZipFile, session: Session, table: Any) -> dict[str, Any]:
    digest, rows = sha256(), 0
    with file.open(f"tables/{table.name}.txt", "w", force_zip64=True) as member:
        for part in table_lines(session, table):
            digest.update(part)
            rows += part.count(b"\n")
            member.write(part)
    columns = [[column.name, type_of(column)] for column in table.columns]
    return {"rows": rows, "sha256": digest.hexdigest(), "columns": columns}


def _documents(session: Session) -> list[str]:
    query = select(AttachmentRow.sha256).distinct().order_by(AttachmentRow.sha256)
    return list(session.scalars(query))


def _write_documents(file: zipfile.ZipFile, folder: Path, digests: list[str]) -> dict[str, Any]:
    """Documents are written once and never change, so they may be read after the tables."""
    missing = []
    for digest in digests:
        path = path_of(folder, digest)
        if path.is_file():
            file.write(path, f"documents/{digest}", zipfile.ZIP_STORED)
        else:
            missing.append(digest)
    return {"files": len(digests) - len(missing), "missing": missing}
