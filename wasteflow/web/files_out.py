"""Files of jobs and workbooks to fill in, as downloads: pages and the API give the same."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound
from wasteflow.services.template_choices import template_choices
from wasteflow.services.uploads import UPLOAD_RIGHTS
from wasteflow.services.work_files import JobFile, read_pieces
from wasteflow.web.access import books, books_seen
from wasteflow.web.uploading import senders_of

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(file: JobFile) -> Response:
    """A file of a job as a download."""
    response = Response(read_pieces(db=books().db, file=file), content_type=file.media_type)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"errors\"; filename*=UTF-8''{quote(file.filename)}"
    )
    response.headers["Content-Length"] = str(file.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def template_response(kind: str, actor: Actor) -> Response:
    """The workbook as a download; NotFound for a kind that cannot be sent."""
    from wasteflow.exporting.template_book import template_book

    if kind not in UPLOAD_RIGHTS:
        raise NotFound("record_unknown", value=kind)
    firms = [code for code in senders_of(actor) if code in books_seen().registry.enterprises]
    choices = template_choices(db=books().db, kind=kind, firms=firms or None)
    response = Response(template_book(kind, choices), mimetype=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="wasteflow-{kind}.xlsx"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
