"""Files of background work, in the database in pieces: any worker and every backup reaches them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from wasteflow.core.errors import NotFound
from wasteflow.services.work import hold
from wasteflow_models.engine import Alone, Database
from wasteflow_models.jobs import JobChunkRow, JobFileRow, JobRow

PIECE: Final = 1024 * 1024
"""Bytes written in one transaction: how long others wait."""
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class JobFile(Struct, frozen=True):
    """A file of a job, without its bytes; `role` is input, errors, result …"""

    id: int
    role: str
    filename: str
    media_type: str
    sha256: str
    size: int


def csv_type(encoding: str) -> str:
    """The media type of a CSV in this encoding; "" without one.

    >>> csv_type("utf-8-sig"), csv_type("gb18030")
    ('text/csv; charset=utf-8', 'text/csv; charset=gb18030')
    """
    return f"text/csv; charset={encoding.removesuffix('-sig')}" if encoding else ""


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, piece by piece."""
    while piece := file.read(PIECE):
        yield piece


def keep_file(
    *,
    db: Database,
    job_id: int,
    role: str,
    filename: str,
    media_type: str,
    pieces: Iterable[bytes],
    lease: str | None = None,
) -> JobFile:
    """Keep a file of a job, in place of the one of that role; readable once it is whole.

    lease: of the worker that writes it; LeaseLost when another has the job by then.
    """
    digest, size = hashlib.sha256(), 0
    with db.write(Alone.NOBODY) as session:
        hold(session, job_id, lease)
        session.execute(
            delete(JobFileRow).where(JobFileRow.job_id == job_id, JobFileRow.role == role)
        )
        row = JobFileRow(
            job_id=job_id, role=role, filename=filename[:500], media_type=media_type, size=-1
        )
        session.add(row)
        session.flush()
        file_id = row.id
    for seq, piece in enumerate(pieces):
        digest.update(piece)
        size += len(piece)
        with db.write(Alone.NOBODY) as session:
            hold(session, job_id, lease)
            session.execute(insert(JobChunkRow).values(file_id=file_id, seq=seq, data=piece))
    with db.write(Alone.NOBODY) as session:
        hold(session, job_id, lease)
        whole = {"size": size, "sha256": digest.hexdigest()}
        session.execute(update(JobFileRow).where(JobFileRow.id == file_id).values(whole))
    return JobFile(file_id, role, filename[:500], media_type, digest.hexdigest(), size)


def find_file(*, db: Database, uid: str, role: str) -> JobFile:
    """A whole file of the job `uid`; NotFound `job_file_gone`."""
    query = (
        select(JobFileRow)
        .join(JobRow, JobRow.id == JobFileRow.job_id)
        .where(JobRow.uid == uid, JobFileRow.role == role, JobFileRow.size >= 0)
    )
    with db.read() as session:
        row = session.scalars(query).one_or_none()
        if row is None:
            raise NotFound("job_file_gone", value=uid)
        return JobFile(row.id, row.role, row.filename, row.media_type, row.sha256, row.size)


def read_pieces(*, db: Database, file: JobFile) -> Iterator[bytes]:
    """The bytes of a file, piece by piece, each in a transaction of its own."""
    seq = 0
    while True:
        query = select(JobChunkRow.data).where(
            JobChunkRow.file_id == file.id, JobChunkRow.seq == seq
        )
        with db.read() as session:
            data = session.scalars(query).one_or_none()
        if data is None:
            return
        yield data
        seq += 1


def copy_to(*, db: Database, file: JobFile, path: Path) -> Path:
    """Write the bytes of a file to `path`; NotFound `job_file_gone` if they are not whole."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for piece in read_pieces(db=db, file=file):
            digest.update(piece)
            out.write(piece)
    if digest.hexdigest() != file.sha256:
        raise NotFound("job_file_gone", value=file.filename)
    return path
