"""Where weigh tickets and documents lie, and what the record of one is about: pages and the API."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from wasteflow.config import instance_folder
from wasteflow.core.actors import Subject
from wasteflow.services.entry_objects import get_entry
from wasteflow.services.load_subjects import subject_of_load
from wasteflow.web.access import books
from wasteflow.web.api.rights import firm_subject, who


def folder() -> Path:
    """Where the bytes lie."""
    return instance_folder() / "attachments"


def subject_of_record(kind: str, ref: str) -> Subject:
    """What a record is about; Denied or NotFound for one that is not there."""
    if kind == "shipment":
        return subject_of_load(db=books().db, actor=who(), uid=UUID(ref))
    return firm_subject(get_entry(db=books().db, uid=UUID(ref)).enterprise)
