"""People and moves of the live tests: who acts, and each service by one short call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.store.books import NOW, Books
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.services.live import (
    decisions,
    dispatching,
    disputes,
    drafts,
    moves,
    one_sided,
    reading,
    revisions,
)
from wasteflow.services.live.views import Outcome, View


def person(user_id: int, role: Role, organisation: str) -> Actor:
    """Somebody with one role."""
    return Actor(user_id, f"user{user_id}", memberships=(Membership(role, organisation),))


MAKER = person(1, Role.OPERATOR, "maker")
CEMENT = person(2, Role.OPERATOR, "cement")
BOARD = person(3, Role.OPERATOR, "board")
PARK = person(4, Role.PARK_MANAGER, "park.a")
HAULIER = person(5, Role.CARRIER, "快运")
NEXT_HAULIER = person(6, Role.CARRIER, "慢运")
MAKER_GATE = person(7, Role.GATE, "maker")
CEMENT_GATE = person(8, Role.GATE, "cement")
READER = person(9, Role.READER, "maker")
TRADER = person(10, Role.ENTERPRISE_ADMIN, "trader")
PLANNER = person(11, Role.PLANNER, "530000")
DELEGATE = Actor(
    12,
    "user12",
    memberships=(
        Membership(Role.OPERATOR, "trader"),
        Membership(Role.DELEGATE, "maker"),
    ),
)

CONTENT = {
    "consignor": "maker",
    "consignee": "cement",
    "material": "pg",
    "route": "retarder",
    "mode": "road",
    "vehicle": "云A·12345",
    "carrier": "快运",
    "dispatched_t": "30.000",
}
"""Maker → cement, 30 t of pg by road."""


@dataclass(slots=True)
class Gate:
    """The live services on the books of a test, at a moment that tests move on."""

    books: Books
    now: datetime = NOW
    ids: dict[str, UUID] = field(default_factory=dict)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def draft(self, actor: Actor = MAKER, **more: Any) -> UUID:
        """A new draft of `CONTENT` with other fields."""
        content = {name: told for name, told in (CONTENT | more).items() if told}
        made = drafts.create_draft(db=self.books.db, actor=actor, content=content, now=self.now)
        return UUID(made.load["id"])

    def act(
        self, move: str, actor: Actor | None, uid: UUID, version: int | None = None, **told: Any
    ) -> Outcome:
        """One move by its name with the fields it needs."""
        common: dict[str, Any] = {
            "db": self.books.db,
            "actor": actor,
            "uid": uid,
            "expected_version": version,
            "now": self.now,
        }
        if move == "issue":
            return moves.issue(**common)
        if move in ("acknowledge", "contest"):
            return disputes.answer_dispute(**common, answer=move, content=told)
        if move == "edit":
            return drafts.edit_draft(**common, content=told)
        services: dict[str, Any] = {
            "dispatch": dispatching.dispatch,
            "hand_over": moves.hand_over,
            "receive": moves.receive,
            "decide": decisions.decide,
            "cancel": moves.cancel,
            "lost": moves.lose,
            "settle": disputes.settle,
            "remind": one_sided.remind,
            "close_one_sided": one_sided.close_one_sided,
            "confirm": one_sided.confirm,
        }
        done: Outcome = services[move](**common, content=told)
        return done

    def delete(self, actor: Actor, uid: UUID, version: int | None = None) -> None:
        """Throw a draft away."""
        drafts.delete_draft(
            db=self.books.db, actor=actor, uid=uid, expected_version=version, now=self.now
        )

    def revise(
        self,
        actor: Actor,
        uid: UUID,
        version: int | None = None,
        *,
        annul: bool = False,
        **told: Any,
    ) -> View:
        """Propose a revision; returns it."""
        _, revision = revisions.propose_revision(
            db=self.books.db,
            actor=actor,
            uid=uid,
            content=told,
            reason="磅单看错",
            expected_version=version,
            now=self.now,
            annul=annul,
        )
        return revision

    def answer(self, what: str, actor: Actor, revision: View) -> View:
        """Approve, refuse or withdraw a revision."""
        common: dict[str, Any] = {
            "db": self.books.db,
            "actor": actor,
            "uid": UUID(revision["id"]),
            "expected_version": None,
            "now": self.now,
        }
        if what == "approve":
            return revisions.approve_revision(**common)[1]
        if what == "refuse":
            return revisions.refuse_revision(**common, reason="以磅单为准")[1]
        return revisions.withdraw_revision(**common)[1]

    def see(self, uid: UUID, actor: Actor | None = MAKER) -> View:
        """The load as an actor sees it."""
        return reading.get_load(db=self.books.db, actor=actor, uid=uid)

    def events(self, uid: UUID) -> list[str]:
        """Kinds of the events of a load in order."""
        found = reading.get_events(db=self.books.db, actor=MAKER, uid=uid)
        return [row["event"] for row in found]

    # --- loads in a state ----------------------------------------------------------------

    def issued(self, **more: Any) -> UUID:
        """A load that maker issued."""
        uid = self.draft(**more)
        self.act("issue", MAKER, uid)
        return uid

    def on_road(self, **more: Any) -> UUID:
        """A load on the road."""
        uid = self.issued(**more)
        self.act("dispatch", MAKER, uid)
        return uid

    def decided(self, received: str = "30.000", refused: str = "0.000", **more: Any) -> UUID:
        """A load that cement decided."""
        uid = self.on_road(**more)
        self.act("decide", CEMENT, uid, received_t=received, refused_t=refused, reason="结块")
        return uid
