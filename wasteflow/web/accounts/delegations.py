"""`/delegations`: who may keep an enterprise's records for it, and for whom I may."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Response, request, url_for

from wasteflow.core.actors import Subject
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import SHANGHAI
from wasteflow.core.reach import subject_of_firms
from wasteflow.services.delegations import (
    FAMILIES,
    NewDelegation,
    delegations_report,
    grant_delegation,
    revoke_delegation,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.accounts.common import acted, actor, firm_choices, organisation, page
from wasteflow.web.identity import address, current_actor, now
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.permits import may
from wasteflow.web.report_files import rows_file

READ = "delegation.read"
USUAL_DAYS = 365


def subject(**_: object) -> Subject:
    """The enterprise of the request; without one, oneself: what was granted to me."""
    firm = organisation(READ)
    found = current_actor()
    if not firm:
        return Subject(user=found.login if found else "")
    return subject_of_firms(books_seen().registry, firm)


def show(problem: str = "", status: int = 200) -> Response:
    """The page."""
    firm, db, moment = organisation(READ), books().db, now()
    today = moment.astimezone(SHANGHAI).date()
    granted = delegations_report(db=db, actor=actor(), now=moment, enterprise=firm) if firm else []
    held = delegations_report(db=db, actor=actor(), now=moment)
    if wants_file():
        mine = request.args.get("part") == "held" or not firm
        return rows_file(held if mine else granted, "delegations")
    return page(
        "delegations.html",
        status,
        problem=problem,
        firm=firm,
        firms=firm_choices(READ),
        granted=granted,
        held=held,
        families=FAMILIES,
        writes=bool(firm) and may("delegation.write", subject()),
        today=today,
        usual=today + timedelta(days=USUAL_DAYS - 1),
        given=request.form if status != 200 else {},
    )


def grant() -> Response:
    """Grant a delegation."""
    form, firm = request.form, organisation(READ)

    def run() -> None:
        grant_delegation(
            db=books().db,
            delegation=NewDelegation(
                enterprise=firm,
                login=form.get("login", "").strip(),
                organisation=form.get("to_organisation", "").strip(),
                families=form.getlist("family"),
                first=_day(form.get("first", "")),
                last=_day(form.get("last", "")),
                reason=form.get("reason", ""),
            ),
            actor=actor(),
            now=now(),
            address=address(),
        )

    return acted(run, "accounts.saved", _back(firm), show)


def revoke() -> Response:
    """End a delegation."""
    form, firm = request.form, organisation(READ)
    number = form.get("delegation", "")
    return acted(
        lambda: revoke_delegation(
            db=books().db,
            delegation_id=int(number) if number.isascii() and number.isdigit() else 0,
            reason=form.get("reason", ""),
            actor=actor(),
            now=now(),
            address=address(),
        ),
        "accounts.saved",
        _back(firm),
        show,
    )


def _back(firm: str) -> str:
    return url_for("accounts.delegations", organisation=firm)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("bad_date", value=text) from error
