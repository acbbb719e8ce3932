"""Who asks, and whether the permission table lets them: the only door of the API to the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import g, request

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.permissions import TABLE, Denied, Verdict, require
from wasteflow.core.reach import Reach, reach_of, subject_of_firms, subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.services.acting import actor_of_token
from wasteflow.services.reports import overview
from wasteflow.web.access import books

View = TypeVar("View", bound=Callable[..., Any])


def actor() -> Actor | None:
    """Who asks; None without a valid bearer token or sign-in."""
    if "api_actor" not in g:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        g.api_actor = None
        if kind.lower() == "bearer" and token.strip():
            now = datetime.now(UTC)
            g.api_actor = actor_of_token(db=books().db, token=token.strip(), now=now)
    found: Actor | None = g.api_actor
    return found


def who() -> Actor:
    """Who asks; Denied (401) if nobody."""
    found = actor()
    if found is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "")
    return found


def signed_in() -> None:
    """Nothing of the API is read or checked for nobody: Denied (401)."""
    who()


def need(right: str, subject: Subject | None = None, read: str = "") -> Actor:
    """The actor, if the table allows `right` on `subject`; raises Denied (401, 404, 403)."""
    found = actor()
    require(found, right, subject or Subject(), read)
    assert found is not None
    return found


def registry() -> Registry:
    """The registry snapshot of this request."""
    if "api_registry" not in g:
        g.api_registry = overview(db=books().db).registry
    held: Registry = g.api_registry
    return held


def reach() -> Reach:
    """What the actor may read in reports."""
    return reach_of(who(), registry())


def need_scope(right: str, scope: str) -> Actor:
    """The actor, if `right` holds over every record of a report's scope."""
    who()  # before the registry says what is registered
    return need(right, subject_of_scope(registry(), scope), read=right)


def firm_subject(*firms: str, carrier: str = "") -> Subject:
    """The subject of records of one firm, or between two."""
    return subject_of_firms(registry(), *firms, carrier=carrier)


def subject_of(
    *,
    enterprise: str | None = None,
    parks: Iterable[str | None] = (),
    regions: Iterable[str | None] = (),
) -> Subject:
    """A subject that lies in some parks and regions and everything above them."""
    held = registry()
    firm = held.enterprises.get(enterprise or "")
    named_parks = [*parks, firm.park if firm else None]
    named_regions = [*regions, held.region_of(firm.code) if firm else None]
    found_parks = {up for park in named_parks if park for up in held.parks_up(park)}
    named_regions += [held.parks[park].region for park in found_parks]
    found_regions = {up for region in named_regions if region for up in held.regions_up(region)}
    return Subject(
        enterprise=enterprise or "",
        parks=frozenset(found_parks),
        regions=frozenset(found_regions),
    )


def asks_for(right: str) -> Callable[[View], View]:
    """Mark a view with the right it asks for; the service it calls judges what it loaded."""
    assert right in TABLE, right

    def mark(view: View) -> View:
        view.wasteflow_right = right  # type: ignore[attr-defined]
        return view

    return mark
