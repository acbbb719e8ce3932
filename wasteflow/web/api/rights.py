"""Who asks, and whether the permission table lets them: the only door of the API to the table."""

from __future__ import annotations

from collections.abc import Iterable

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.core.reach import subject_of_firms, subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.web.access import books_seen
from wasteflow.web.identity import current_actor


def actor() -> Actor | None:
    """Who asks; None without a valid token or sign-in."""
    return current_actor()


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
    return books_seen().registry


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
