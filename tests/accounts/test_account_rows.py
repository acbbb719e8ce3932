"""Accounts in the database: users, roles, delegations, tokens, sign-ins, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import people
from tests.accounts.conftest import ADMIN, ROOT, code
from tests.people import CHEAP, PASSWORD, actor, enrol
from wasteflow.core.actors import Membership, Role
from wasteflow.core.errors import InvalidValue, NotFound, RuleBroken, WasteflowError
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.acting import actor_of_login, actor_of_session, actor_of_token
from wasteflow.services.delegations import (
    NewDelegation,
    delegations_report,
    grant_delegation,
    revoke_delegation,
)
from wasteflow.services.memberships import grant_membership, revoke_membership
from wasteflow.services.sign_in import SignInRefused, sign_in, sign_out
from wasteflow.services.users import NewUser, create_user, set_active, set_password
from wasteflow_models.accounts import AccountRow, SignInGuardRow, SignInRow, TokenRow
from wasteflow_models.engine import Database

# --- users -----------------------------------------------------------------------------------


def test_what_is_stored_is_no_secret(db: Database) -> None:
    enrol(db, ["root"])
    opened = sign_in(db=db, login="ROOT ", password=PASSWORD, now=people.now(), hours=1)
    token = people.token(db, "root")
    with db.read() as session:
        account = session.scalars(select(AccountRow)).one()
        assert account.password_hash.startswith("$argon2id$") and account.login == "root"
        stored = session.scalars(select(SignInRow.digest)).one()
        assert opened.secret not in stored and len(stored) == 64
        row = session.scalars(select(TokenRow)).one()
        assert token.startswith(row.prefix) and token not in (row.digest, row.prefix)


def test_logins_are_unique_whatever_their_case(db: Database) -> None:
    enrol(db, ["root"])
    with pytest.raises(InvalidValue) as error:
        create_user(db=db, user=NewUser("Root"), actor=ROOT, now=people.now())
    assert code(error) == "login_taken"
    for login in ("", "a", "has space", "@command", "名字"):
        with pytest.raises(InvalidValue) as error:
            create_user(db=db, user=NewUser(login), actor=ROOT, now=people.now())
        assert code(error) == "login_bad"


EASY = {
    "short": "password_short",
    "x" * 201: "password_long",
    "password2026": "password_common",
    "1234567890": "password_common",
    "my operator.p1 pass": "password_login",
}


def test_passwords_that_are_guessed_first_are_refused(db: Database) -> None:
    enrol(db, ["operator.p1"])
    for password, why in EASY.items():
        with pytest.raises(InvalidValue) as error:
            set_password(
                db=db, login="operator.p1", password=password, actor=ROOT, now=people.now()
            )
        assert code(error) == why


def test_nobody_sets_anothers_password_and_oneself_needs_the_old_one(db: Database) -> None:
    enrol(db, ["admin.p1", "operator.p1"])
    new = "nine quiet green lamps"
    with pytest.raises(Denied):
        set_password(
            db=db, login="operator.p1", password=new, actor=actor(db, "admin.p1"), now=people.now()
        )
    own = actor(db, "operator.p1")
    with pytest.raises(InvalidValue) as error:
        set_password(
            db=db, login="operator.p1", password=new, current="wrong", actor=own, now=people.now()
        )
    assert code(error) == "password_wrong"


# --- signing in ------------------------------------------------------------------------------


def test_a_sign_in_ends_by_time_sign_out_password_and_deactivation(db: Database) -> None:
    enrol(db, ["root", "operator.p1"])
    now = people.now()

    def opened() -> str:
        return sign_in(db=db, login="operator.p1", password=PASSWORD, now=now, hours=2).secret

    def holds(secret: str, moment: datetime = now) -> bool:
        return actor_of_session(db=db, secret=secret, now=moment) is not None

    first, second = opened(), opened()
    assert holds(first) and not holds(first, now + timedelta(hours=2)) and not holds("nonsense")
    sign_out(db=db, secret=first, actor=actor(db, "operator.p1"), now=now)
    assert not holds(first) and holds(second)
    set_password(db=db, login="operator.p1", password=PASSWORD, actor=ROOT, now=now, hasher=CHEAP)
    assert not holds(second)
    third, token = opened(), people.token(db, "operator.p1")
    set_active(db=db, login="operator.p1", active=False, actor=ROOT, now=now)
    assert not holds(third) and actor_of_token(db=db, token=token, now=people.now()) is None
    set_active(db=db, login="operator.p1", active=True, actor=ROOT, now=now)
    assert not holds(third)


def refused(db: Database, login: str, moment: datetime, address: str = "") -> str:
    with pytest.raises(SignInRefused) as error:
        sign_in(db=db, login=login, password="wrong", now=moment, hours=1, address=address)
    return error.value.code


def test_failures_of_a_login_wait_longer_each_time_known_or_not(db: Database) -> None:
    enrol(db, ["operator.p1"])
    now = people.now()
    for login in ("operator.p1", "no-such-user"):
        codes = [refused(db, login, now) for _ in range(6)]
        assert codes == ["sign_in_failed"] * 5 + ["sign_in_locked"]
        assert refused(db, login, now + timedelta(seconds=31)) == "sign_in_failed"
        assert refused(db, login, now + timedelta(seconds=62)) == "sign_in_locked"
        assert refused(db, login, now + timedelta(seconds=95)) == "sign_in_failed"
    with pytest.raises(SignInRefused):
        sign_in(db=db, login="operator.p1", password=PASSWORD, now=now, hours=1)
    later = now + timedelta(hours=1)
    assert sign_in(db=db, login="operator.p1", password=PASSWORD, now=later, hours=1).secret
    with db.read() as session:
        assert session.get(SignInGuardRow, "user:operator.p1") is None


def test_failures_of_an_address_count_over_logins(db: Database) -> None:
    now = people.now()
    with db.write() as session:
        session.add(SignInGuardRow(key="address:203.0.113.9", failures=19, last_at=now))
    assert refused(db, "first", now, "203.0.113.9") == "sign_in_failed"
    assert refused(db, "second", now, "203.0.113.9") == "sign_in_locked"
    assert refused(db, "second", now, "203.0.113.10") == "sign_in_failed"


def test_parallel_guesses_gain_nothing(db: Database) -> None:
    """Ten at once: five are looked at, the others must wait."""
    now = people.now()
    with ThreadPoolExecutor(10) as pool:
        codes = list(pool.map(lambda _: refused(db, "target", now), range(10)))
    assert codes.count("sign_in_failed") == 5


# --- roles -----------------------------------------------------------------------------------


def test_a_role_holds_until_it_is_revoked(db: Database) -> None:
    enrol(db, ["admin.p1", "nobody"])
    boss, role = actor(db, "admin.p1"), Membership(Role.GATE, "ent.p1")
    grant_membership(db=db, login="nobody", membership=role, actor=boss, now=people.now())
    assert role in actor(db, "nobody").memberships
    with pytest.raises(InvalidValue) as error:
        grant_membership(db=db, login="nobody", membership=role, actor=boss, now=people.now())
    assert code(error) == "membership_there"
    revoke_membership(db=db, login="nobody", membership=role, actor=boss, now=people.now())
    assert actor(db, "nobody").memberships == ()
    with pytest.raises(NotFound):
        revoke_membership(db=db, login="nobody", membership=role, actor=boss, now=people.now())


MISPLACED = [
    (Role.OPERATOR, "ent.none", "unknown_code"),
    (Role.OPERATOR, "", "role_needs_organisation"),
    (Role.PARK_MANAGER, "ent.p1", "unknown_code"),
    (Role.PLANNER, "park.a", "unknown_code"),
    (Role.SYSTEM_ADMIN, "ent.p1", "role_without_organisation"),
    (Role.DELEGATE, "ent.p1", "role_by_delegation"),
]


def test_roles_need_their_kind_of_organisation(db: Database) -> None:
    enrol(db, ["nobody"])
    for role, organisation, why in MISPLACED:
        with pytest.raises(WasteflowError) as error:
            grant_membership(
                db=db,
                login="nobody",
                membership=Membership(role, organisation),
                actor=ROOT,
                now=people.now(),
            )
        assert code(error) == why


NOT_THEIRS = [
    ("admin.p1", Membership(Role.GATE, "ent.use"), Verdict.NOT_ONES_BUSINESS),
    ("admin.p1", Membership(Role.PARK_MANAGER, "park.a"), Verdict.NOT_ONES_BUSINESS),
    ("admin.p1", ADMIN, Verdict.NOT_ONES_BUSINESS),
    ("park.a", Membership(Role.ENTERPRISE_ADMIN, "ent.p1"), Verdict.NOT_ONES_RIGHT),
    ("operator.p1", Membership(Role.GATE, "ent.p1"), Verdict.NOT_ONES_BUSINESS),
]


def test_nobody_gives_a_role_that_is_not_theirs_to_give(db: Database) -> None:
    enrol(db, ["admin.p1", "park.a", "operator.p1", "nobody"])
    for login, membership, verdict in NOT_THEIRS:
        asker = actor(db, login)
        with pytest.raises(Denied) as denied:
            grant_membership(
                db=db, login="nobody", membership=membership, actor=asker, now=people.now()
            )
        assert denied.value.verdict is verdict
    assert actor(db, "nobody").memberships == ()


def test_the_last_system_admin_stays_also_when_two_are_removed_at_once(db: Database) -> None:
    enrol(db, ["root", "nobody"])
    now = people.now()
    with pytest.raises(RuleBroken) as error:
        set_active(db=db, login="root", active=False, actor=ROOT, now=now)
    assert code(error) == "last_system_admin"
    with pytest.raises(RuleBroken):
        revoke_membership(db=db, login="root", membership=ADMIN, actor=ROOT, now=now)
    grant_membership(db=db, login="nobody", membership=ADMIN, actor=ROOT, now=now)
    later = now + timedelta(seconds=1)

    def remove(login: str) -> str:
        try:
            if login == "root":
                revoke_membership(db=db, login=login, membership=ADMIN, actor=ROOT, now=later)
            else:
                set_active(db=db, login=login, active=False, actor=ROOT, now=later)
        except RuleBroken as broken:
            return broken.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ["root", "nobody"])) == ["done", "last_system_admin"]


# --- delegations -----------------------------------------------------------------------------


def test_a_delegation_holds_on_its_days_and_until_it_is_revoked(db: Database) -> None:
    enrol(db, ["admin.p1", "nobody"])
    boss = actor(db, "admin.p1")
    now = datetime.fromisoformat("2026-03-10T09:00:00+08:00")
    number = grant_delegation(
        db=db,
        delegation=NewDelegation(
            "ent.p1",
            login="nobody",
            families=["entry"],
            first=date(2026, 3, 11),
            last=date(2026, 3, 12),
        ),
        actor=boss,
        now=now,
    )

    def held(moment: str) -> tuple[Membership, ...]:
        found = actor_of_login(db=db, login="nobody", now=datetime.fromisoformat(moment))
        assert found is not None
        return found.memberships

    narrowed = (Membership(Role.DELEGATE, "ent.p1", frozenset({"entry"})),)
    assert held("2026-03-10T23:59:59+08:00") == ()
    assert held("2026-03-11T00:00:00+08:00") == held("2026-03-12T23:59:59+08:00") == narrowed
    assert held("2026-03-13T00:00:00+08:00") == ()
    later = datetime.fromisoformat("2026-03-11T10:00:00+08:00")
    with pytest.raises(InvalidValue):
        revoke_delegation(db=db, delegation_id=number, reason=" ", actor=boss, now=later)
    with pytest.raises(Denied):
        revoke_delegation(
            db=db, delegation_id=number, reason="x", actor=actor(db, "nobody"), now=later
        )
    revoke_delegation(db=db, delegation_id=number, reason="left", actor=boss, now=later)
    assert held("2026-03-11T12:00:00+08:00") == ()
    row = delegations_report(db=db, actor=boss, now=later, enterprise="ent.p1")[0]
    assert (row["holder"], row["revoked_by"], row["revoke_reason"]) == (
        "nobody",
        "admin.p1",
        "left",
    )
    assert (row["first"], row["last"]) == (date(2026, 3, 11), date(2026, 3, 12))


def test_a_delegation_to_a_firm_reaches_its_admins_and_operators(db: Database) -> None:
    enrol(db, ["admin.p1", "operator.use"])
    grant_delegation(
        db=db,
        delegation=NewDelegation("ent.p1", organisation="ent.use"),
        actor=actor(db, "admin.p1"),
        now=people.now() - timedelta(seconds=5),
    )
    both = frozenset({"entry", "shipment"})
    assert Membership(Role.DELEGATE, "ent.p1", both) in actor(db, "operator.use").memberships
    assert delegations_report(db=db, actor=actor(db, "operator.use"), now=people.now())


NO_DELEGATION: list[tuple[dict[str, Any], str]] = [
    ({"login": "nobody", "organisation": "ent.use"}, "delegation_holder"),
    ({}, "delegation_holder"),
    ({"organisation": "ent.p1"}, "delegation_holder"),
    ({"login": "nobody", "families": ["member"]}, "delegation_families"),
    ({"login": "nobody", "families": []}, "delegation_families"),
    ({"login": "nobody", "last": date(2020, 1, 1)}, "delegation_dates"),
    ({"login": "nobody", "last": date(2200, 1, 1)}, "delegation_dates"),
    ({"login": "who"}, "user_unknown"),
    ({"organisation": "ent.none"}, "unknown_code"),
]


def test_what_no_delegation_can_be(db: Database) -> None:
    enrol(db, ["admin.p1", "nobody"])
    boss = actor(db, "admin.p1")
    for wrong, why in NO_DELEGATION:
        with pytest.raises(WasteflowError) as error:
            asked = NewDelegation("ent.p1", **wrong)
            grant_delegation(db=db, delegation=asked, actor=boss, now=people.now())
        assert code(error) == why
