"""`/audit-log`: who did what to whose account, when and from where."""

from __future__ import annotations

from flask import Response, request

from wasteflow.core.actors import Role, Subject
from wasteflow.services.account_log import log_report
from wasteflow.services.delegations import FAMILIES
from wasteflow.web.access import books
from wasteflow.web.accounts.common import actor, organisation_subject, page, role_label
from wasteflow.web.identity import current_actor
from wasteflow.web.list_files import list_response
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.texts import has_text, text


def subject(**_: object) -> Subject:
    """The whole system for its admin, else an enterprise of one's own."""
    found = current_actor()
    if found is not None and found.organisations(Role.SYSTEM_ADMIN):
        return Subject()
    return organisation_subject("audit.read")


def show() -> Response:
    """The page, newest first; `q` searches, `before` pages."""
    before = request.args.get("before", "")
    search = request.args.get("q", "").strip()
    if wants_file():
        return list_response(actor(), "account_log", {"q": search})
    found = log_report(
        db=books().db,
        actor=actor(),
        search=search,
        before=int(before) if before.isascii() and before.isdigit() else 0,
    )
    return page(
        "audit_log.html", **found, search=search, act_words=act_words, detail_words=detail_words
    )


def act_words(action: str) -> str:
    """An act in words; one that has none yet stays as it is written, and the page stands."""
    key = f"accounts.act.{action}"
    return text(key) if has_text(key) else action


def detail_words(action: str, detail: str) -> str:
    """What is told beside an act in words: a role, or what a delegation takes in and its days."""
    if action.startswith("member."):
        return role_label(detail) if detail in set(Role) else detail
    if action != "delegation.grant":
        return detail
    families, _, days = detail.partition(" ")
    words = [text(f"accounts.family.{word}") for word in families.split(";") if word in FAMILIES]
    return f"{text('list.comma').join(words)} {days.replace('..', ' – ')}".strip()
