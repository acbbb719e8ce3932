"""Papers of a load on its page: photos of weigh tickets, documents; listed, added, looked at."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote
from uuid import UUID

from flask import Response, flash, make_response, redirect, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from wasteflow.core.errors import InvalidValue
from wasteflow.core.permissions import require
from wasteflow.schemas.field_base import clean_text
from wasteflow.services.attachments import (
    LARGEST,
    MEDIA_TYPES,
    Attachment,
    AttachmentRefused,
    NewAttachment,
    add_attachment,
    get_attachment,
    list_attachments,
    read_content,
)
from wasteflow.services.load_subjects import subject_of_load
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.papers_kept import folder
from wasteflow.web.permits import may
from wasteflow.web.texts import lang, text

ACCEPTED: Final = ",".join(MEDIA_TYPES)
PICTURES: Final = ("image/jpeg", "image/png", "image/webp")
_ROOM: Final = 65_536


def papers_of(uid: str) -> tuple[list[Attachment], bool]:
    """(papers of a load the asker may read, the newest last; whether they may add one)."""
    subject = subject_of_load(db=books().db, actor=current_actor(), uid=UUID(uid))
    items = list_attachments(db=books().db, kind="shipment", ref=uid)
    return list(items), may("attachment.write", subject)


def add(uid: UUID) -> Response:
    """Take a photo or document in; the same bytes twice are one paper."""
    actor = current_actor()
    subject = subject_of_load(db=books().db, actor=actor, uid=uid)
    require(actor, "attachment.write", subject)
    back = make_response(redirect(url_for("loads.one", uid=uid, _anchor="papers"), 303))
    request.max_content_length = LARGEST + _ROOM
    try:
        file = request.files.get("file")
        remark = clean_text(request.form.get("remark", ""))[:500]
    except RequestEntityTooLarge:
        flash(_too_large().text(lang()), "wrong")
        return back
    except InvalidValue as error:
        flash(error.text(lang()), "wrong")
        return back
    if file is None or not file.filename:
        flash(text("papers.none_chosen"), "warn")
        return back
    keep(uid, file, remark)
    return back


def keep(uid: UUID, file: FileStorage, remark: str) -> None:
    """Keep a photo or document with a load and say so; a refusal is told and nothing is kept.

    Raises Denied.
    """
    actor = current_actor()
    require(actor, "attachment.write", subject_of_load(db=books().db, actor=actor, uid=uid))
    assert actor is not None  # require() has refused it
    try:
        document = NewAttachment(
            kind="shipment",
            ref=str(uid),
            content=file.stream.read(),
            media_type=file.mimetype,
            filename=file.filename or "",
            remark=remark,
            organisation=min(actor.organisations() - {""}, default=""),
        )
        item, new = add_attachment(
            db=books().db, folder=folder(), document=document, actor=actor, now=now()
        )
    except (AttachmentRefused, InvalidValue) as error:
        flash(error.text(lang()), "wrong")
    else:
        flash(text("papers.added" if new else "papers.there", name=item.filename), "done")


def _too_large() -> AttachmentRefused:
    return AttachmentRefused("attachment_too_large", limit=LARGEST // 2**20)


def content(uid: UUID, paper: UUID) -> Response:
    """The bytes: a picture is shown, everything else is a download; neither runs anything."""
    subject = subject_of_load(db=books().db, actor=current_actor(), uid=uid)
    require(current_actor(), "attachment.read", subject)
    item = get_attachment(db=books().db, uid=str(paper))
    if (item.kind, item.ref) != ("shipment", str(uid)):
        raise NotFound
    found = read_content(folder=folder(), attachment=item)
    picture = item.media_type in PICTURES
    response = Response(found, mimetype=item.media_type if picture else "application/octet-stream")
    way, name = "inline" if picture else "attachment", quote(item.filename)
    response.headers["Content-Disposition"] = f"{way}; filename=\"paper\"; filename*=UTF-8''{name}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
