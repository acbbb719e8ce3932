"""API tokens and the log of accounts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import people
from tests.accounts.conftest import code
from tests.people import PASSWORD, actor, enrol
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.permissions import Denied
from wasteflow.services.account_log import log_report
from wasteflow.services.acting import actor_of_session, actor_of_token
from wasteflow.services.memberships import revoke_membership
from wasteflow.services.sign_in import sign_in
from wasteflow.services.tokens import SCOPES, create_token, revoke_token, tokens_report
from wasteflow.services.users import set_active
from wasteflow_models.engine import Database


def test_a_token_is_its_user_narrowed_and_ends(db: Database) -> None:
    enrol(db, ["operator.p1", "root"])
    now = people.now()
    own = actor(db, "operator.p1")
    made = create_token(db=db, actor=own, name="scale", scopes=["entry.write"], days=2, now=now)
    found = actor_of_token(db=db, token=made.secret, now=now)
    assert found is not None and found.memberships == own.memberships
    assert found.scopes == frozenset({"entry.write"}) and found.token_id == made.id
    assert actor_of_token(db=db, token=made.secret, now=now + timedelta(days=2)) is None
    row = tokens_report(db=db, login="operator.p1", actor=own)[0]
    assert row["used_at"] == now and made.secret not in str(row)
    with pytest.raises(Denied):
        revoke_token(db=db, token_id=made.id, actor=found, now=now)
    revoke_token(db=db, token_id=made.id, actor=actor(db, "root"), now=now)
    assert actor_of_token(db=db, token=made.secret, now=now) is None
    with pytest.raises(NotFound):
        revoke_token(db=db, token_id=made.id, actor=own, now=now)


def test_what_another_process_took_away_is_gone_with_the_next_request(db: Database) -> None:
    """Token, role and account, seen by a worker that has just let the token in."""
    enrol(db, ["operator.p1", "root"])
    now, boss = people.now(), actor(db, "root")
    own = actor(db, "operator.p1")
    first, second = (create_token(db=db, actor=own, name=name, now=now) for name in ("a", "b"))
    other = Database(db.url)
    try:
        for made in (first, second):
            assert actor_of_token(db=other, token=made.secret, now=now) == own_by(own, made.id)
        revoke_token(db=db, token_id=first.id, actor=boss, now=now)
        assert actor_of_token(db=other, token=first.secret, now=now) is None
        role = Membership(Role.OPERATOR, "ent.p1")
        revoke_membership(db=db, login="operator.p1", membership=role, actor=boss, now=now)
        later = now + timedelta(seconds=1)
        left = actor_of_token(db=other, token=second.secret, now=later)
        assert left is not None and not left.memberships
        set_active(db=db, login="operator.p1", active=False, actor=boss, now=later)
        assert actor_of_token(db=other, token=second.secret, now=later) is None
    finally:
        other.dispose()


def own_by(own: Actor, token_id: int) -> Actor:
    """The actor as he comes in with a token made with the usual scopes."""
    return replace(own, token_id=token_id, scopes=frozenset(SCOPES))


def test_a_token_makes_no_wider_one(db: Database) -> None:
    enrol(db, ["operator.p1"])
    now, scopes = people.now(), ["read", "token.write"]
    made = create_token(db=db, actor=actor(db, "operator.p1"), name="", scopes=scopes, now=now)
    narrow = actor_of_token(db=db, token=made.secret, now=now)
    assert narrow is not None
    for wanted in (["write"], []):
        with pytest.raises(InvalidValue) as error:
            create_token(db=db, actor=narrow, name="", scopes=wanted, now=now)
        assert code(error) == "token_scope"
    assert create_token(db=db, actor=narrow, name="", scopes=["read"], now=now).secret


def test_the_log_says_who_did_what_by_which_door(db: Database) -> None:
    enrol(db, ["root", "admin.p1", "operator.p1"])
    now = people.now()
    opened = sign_in(db=db, login="root", password=PASSWORD, now=now, hours=1, address="192.0.2.1")
    found = actor_of_session(db=db, secret=opened.secret, now=now)
    assert found is not None
    set_active(
        db=db, login="operator.p1", active=False, actor=found.actor, now=now, address="192.0.2.1"
    )
    line = log_report(db=db, actor=actor(db, "root"))["rows"][0]
    told = line["actor"], line["action"], line["about"]
    assert told == ("root", "user.deactivate", "operator.p1")
    assert (line["address"], line["sign_in_id"]) == ("192.0.2.1", found.actor.session_id)
    own = log_report(db=db, actor=actor(db, "admin.p1"))["rows"]
    assert {row["organisation"] for row in own} == {"ent.p1"}
    with pytest.raises(Denied):
        log_report(db=db, actor=Actor(9, "x"))
    pages = log_report(db=db, actor=actor(db, "root"), limit=2)
    older = log_report(db=db, actor=actor(db, "root"), limit=2, before=pages["next"])
    assert pages["rows"][-1]["id"] > older["rows"][0]["id"] and pages["total"] > 4
