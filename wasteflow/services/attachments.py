"""Weigh tickets and documents of records: checked, kept once by their SHA-256, listed, read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct
from sqlalchemy import select

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.services.identity import new_uids
from wasteflow.services.whole_files import whole_file
from wasteflow_models.api import AttachmentRow
from wasteflow_models.engine import Alone, Database

LARGEST: Final = 10 * 2**20
"""Bytes of a document at most."""
_ZIP: Final = b"PK\x03\x04"
MEDIA_TYPES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (_ZIP,),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (_ZIP,),
    "application/ofd": (_ZIP,),
    "text/csv": (),
    "text/plain": (),
}
"""Media type → how such a file begins (none: text)."""


class AttachmentRefused(WasteflowError):
    """The document cannot be taken: too large, of another type, or empty."""


class Attachment(Struct, frozen=True):
    """A document of a record, without its bytes."""

    uid: str
    kind: str
    ref: str
    sha256: str
    size: int
    media_type: str
    filename: str
    remark: str
    organisation: str
    at: datetime


class NewAttachment(Struct, frozen=True):
    """A document handed in for the record `kind` (shipment, entry) of public id `ref`."""

    kind: str
    ref: str
    content: bytes
    media_type: str
    filename: str
    remark: str = ""
    organisation: str = ""


def check_document(content: bytes, media_type: str) -> None:
    """Raise AttachmentRefused unless the bytes are a document of their type.

    Codes `attachment_empty`, `attachment_too_large`, `attachment_type`, `attachment_not_its_type`.
    """
    if not content:
        raise AttachmentRefused("attachment_empty")
    if len(content) > LARGEST:
        raise AttachmentRefused("attachment_too_large", limit=LARGEST // 2**20)
    if media_type not in MEDIA_TYPES:
        raise AttachmentRefused("attachment_type", value=media_type, known=", ".join(MEDIA_TYPES))
    starts = MEDIA_TYPES[media_type]
    if starts and not content.startswith(starts):
        raise AttachmentRefused("attachment_not_its_type", value=media_type)
    if not starts and not _is_text(content):
        raise AttachmentRefused("attachment_not_its_type", value=media_type)


def _is_text(content: bytes) -> bool:
    """Whether bytes are text in a usual encoding of tables."""
    if b"\x00" in content:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def clean_filename(name: str) -> str:
    """The last part of a file name without what no file name should have.

    >>> clean_filename("C:\\\\scans\\\\..\\\\票 1.pdf"), clean_filename("../")
    ('票 1.pdf', 'document')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(char for char in last if char.isprintable() and char not in '<>:"/|?*')
    return kept.strip(". ")[-200:] or "document"


def add_attachment(
    *, db: Database, folder: Path, document: NewAttachment, actor: Actor, now: datetime
) -> tuple[Attachment, bool]:
    """Keep a document of a record; (it, True), or (the one that is there already, False).

    The file is written before the row, so that no row is without its file.
    Raises AttachmentRefused.
    """
    check_document(document.content, document.media_type)
    digest = sha256(document.content).hexdigest()
    write_once(path_of(folder, digest), document.content)
    with db.write(Alone.NOBODY) as session:
        same = (
            select(AttachmentRow)
            .where(
                AttachmentRow.kind == document.kind,
                AttachmentRow.ref == document.ref,
                AttachmentRow.sha256 == digest,
            )
            .with_for_update()
        )
        found = session.scalars(same).one_or_none()
        if found is not None:
            return _told(found), False
        row = AttachmentRow(
            uid=str(new_uids(1, now)[0]),
            kind=document.kind,
            ref=document.ref,
            sha256=digest,
            size=len(document.content),
            media_type=document.media_type,
            filename=clean_filename(document.filename),
            remark=document.remark,
            account_id=actor.user_id,
            organisation=document.organisation,
            at=now,
        )
        session.add(row)
        session.flush()
        return _told(row), True


def path_of(folder: Path, digest: str) -> Path:
    """Where the bytes of a digest lie below the folder of attachments."""
    return folder / digest[:2] / digest


def write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that is there has the same bytes."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_bytes(content)


def get_attachment(*, db: Database, uid: str) -> Attachment:
    """A document by its public id; NotFound `record_unknown`."""
    with db.read() as session:
        row = session.scalars(select(AttachmentRow).where(AttachmentRow.uid == uid)).one_or_none()
        if row is None:
            raise NotFound("record_unknown", value=uid)
        return _told(row)


def read_content(*, folder: Path, attachment: Attachment) -> bytes:
    """The bytes of a document; NotFound `attachment_gone` if the file is not there or damaged."""
    path = path_of(folder, attachment.sha256)
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != attachment.sha256:
        raise NotFound("attachment_gone", value=attachment.uid)
    return content


def list_attachments(*, db: Database, kind: str, ref: str) -> list[Attachment]:
    """Documents of a record, oldest first."""
    with db.read() as session:
        query = select(AttachmentRow).where(AttachmentRow.kind == kind, AttachmentRow.ref == ref)
        return [_told(row) for row in session.scalars(query.order_by(AttachmentRow.id))]


def _told(row: AttachmentRow) -> Attachment:
    return Attachment(
        row.uid,
        row.kind,
        row.ref,
        row.sha256,
        row.size,
        row.media_type,
        row.filename,
        row.remark,
        row.organisation,
        row.at,
    )
