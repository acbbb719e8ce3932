"""Whose uploads somebody sees and sends; shared by API and pages."""

from __future__ import annotations

from typing import Final

from flask import Flask, request

from wasteflow.core.actors import Actor, Role, Subject
from wasteflow.core.reach import subject_of_scope
from wasteflow.core.reading import readable_firms
from wasteflow.services.uploads import Owner
from wasteflow.web.access import books, books_seen

_SENDERS = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE, Role.PARK_MANAGER)


_ENDPOINTS: Final = frozenset({"uploads.save", "api_imports.add"})
_CORRECTIONS: Final = frozenset({"loads.check_corrections", "loads.send_corrections"})
_FORM_BYTES: Final = 1024 * 1024
CORRECTION_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a file of corrections at most, and of what its page carries of it."""


def install(app: Flask) -> None:
    """Bodies that carry an uploaded file may be as large as such a file; others may not."""

    def allow() -> None:
        if request.endpoint in _ENDPOINTS:
            request.max_content_length = upload_bytes() + _FORM_BYTES
        elif request.endpoint in _CORRECTIONS:
            request.max_content_length = CORRECTION_BYTES + _FORM_BYTES
            request.max_form_memory_size = CORRECTION_BYTES

    app.before_request(allow)


def upload_bytes() -> int:
    """Bytes of an uploaded file at most, by the setting."""
    return books().config.files.upload_mb * 1024 * 1024


def senders_of(actor: Actor) -> list[str]:
    """Organisations somebody may send files for; "" is the whole system."""
    if any(item.role is Role.SYSTEM_ADMIN for item in actor.memberships):
        return [""]
    return sorted(actor.organisations(*_SENDERS) - {""})


def owner_of(actor: Actor, organisation: str) -> Owner:
    """The owner of what the actor sends: the organisation named, else the first of its own."""
    chosen = organisation or next(iter(senders_of(actor)), "")
    return Owner(chosen, actor.user_id, actor.login)


def subject_of_upload(organisation: str) -> Subject:
    """The subject of what was sent for a firm or a park; one that is gone lies nowhere."""
    registry = books_seen().registry
    if organisation in registry.enterprises:
        return subject_of_scope(registry, f"enterprise:{organisation}")
    if organisation in registry.parks:
        return subject_of_scope(registry, f"park:{organisation}")
    return Subject()


def readable_uploads(actor: Actor) -> frozenset[str] | None:
    """Organisations whose uploads somebody may read; None: all."""
    if any(item.role is Role.SYSTEM_ADMIN for item in actor.memberships):
        return None
    registry = books_seen().registry
    firms = readable_firms(actor, "import.read", registry)
    if firms is None:
        return None
    return firms | (actor.organisations(Role.PARK_MANAGER, Role.PLANNER) & set(registry.parks))
