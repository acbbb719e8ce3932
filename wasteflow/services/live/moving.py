"""A load in a transaction of its own, open for one move: how nearly every service of loads begins.

What the move is stands with its service; what a load is, with `held`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.lifecycle import Move
from wasteflow.services.live.held import Held, hold
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database


@contextmanager
def moving(
    db: Database,
    actor: Actor | None,
    uid: UUID,
    move: Move,
    expected_version: int | None,
    asked_month: int = 0,
) -> Iterator[tuple[Held, Actor]]:
    """The load of a public id, locked, and who moves it: may he, in its state, on the version seen.

    asked_month: the month (yyyymm) in which it asks to be booked, 0 = wherever it belongs.
    Raises Denied, StaleVersion, IllegalMove; what is raised inside rolls everything back.
    """
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.asked = asked_month
        held.rule(actor, move, expected_version)
        assert actor is not None  # the rule has refused nobody
        yield held, actor
