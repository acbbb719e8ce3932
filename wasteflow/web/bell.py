"""How many loads wait for who is signed in: the number beside the bell, at most 15 seconds old."""

from __future__ import annotations

from time import monotonic
from typing import Final

from flask import Flask, Response, current_app, g, request

from wasteflow.core.actors import Actor, Role
from wasteflow.services.live.inbox import inbox
from wasteflow.web.access import READY, books
from wasteflow.web.identity import signed_in
from wasteflow_models.kept import Kept

_ANSWERING: Final = frozenset({Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE, Role.GATE})
_FRESH_S: Final = 15.0
_USERS: Final = 2_000
_EXTENSION: Final = "wasteflow_bell"


def install(app: Flask) -> None:
    """Remember counts for the users of this process."""
    app.extensions[_EXTENSION] = Kept[object, tuple[float, int]](_USERS)
    app.after_request(_forget)


def waiting() -> int | None:
    """How many loads wait for a word of theirs; None for who has none to give."""
    if "bell" not in g:
        g.bell = _counted()
    found: int | None = g.bell
    return found


def _counted() -> int | None:
    found = signed_in() if books().usable() == READY else None
    if found is None or found.must_change:
        return None
    actor: Actor = found.actor
    if not {item.role for item in actor.memberships} & _ANSWERING:
        return None
    remembered: Kept[object, tuple[float, int]] = current_app.extensions[_EXTENSION]
    key = (actor.login, actor.memberships)
    known = remembered.get(key)
    if known is None or monotonic() - known[0] > _FRESH_S:
        known = remembered.put(key, (monotonic(), len(inbox(db=books().db, actor=actor))))
    return known[1]


def _forget(response: Response) -> Response:
    """Count anew after whatever this process wrote."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        current_app.extensions[_EXTENSION].clear()
    return response
