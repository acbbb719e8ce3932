"""The permission table as a whole, its documentation, and every endpoint against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask

from tests import permission_cases as doors
from tests import web_books
from tests.permission_cases import NOBODY, STANCES, Case, bearer, cases
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.actors import FIRM_ROLES, Actor, Membership, Role, Subject
from wasteflow.core.permission_words import RIGHT_LABELS, ROLE_LABELS, STANDING_LABELS
from wasteflow.core.permissions import (
    CAREFUL,
    OPEN_READING,
    TABLE,
    Denied,
    Standing,
    Verdict,
    changes,
    judge,
    read_of,
    require,
)
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.registry import Enterprise, Park, Region, Registry
from wasteflow.web.access import books
from wasteflow.web.accounts import delegations, log, members
from wasteflow.web.pages.view import page_subject
from wasteflow.web.permits import PUBLIC, SubjectOf, endpoints, nowhere, oneself
from wasteflow_models.engine import Database

REGISTRY = Registry(
    regions={
        "530000": Region("530000", "云南省", "Yunnan"),
        "530181": Region("530181", "安宁市", "Anning", "530000"),
    },
    parks={
        "park.a": Park("park.a", "甲", "A", region="530181"),
        "park.b": Park("park.b", "乙", "B", region="530000"),
    },
    enterprises={
        "ent.p1": Enterprise("ent.p1", "甲化工", "P1", park="park.a"),
        "ent.use": Enterprise("ent.use", "丁建材", "Use", park="park.b"),
        "ent.trade": Enterprise("ent.trade", "丙贸易", "Trade", park="park.b"),
    },
)
DOCUMENT = Path(__file__).parents[1] / "docs" / "permissions.md"


# --- the table -------------------------------------------------------------------------------


def test_every_right_has_its_reading_right_and_a_label() -> None:
    assert TABLE.keys() == RIGHT_LABELS.keys()
    assert set(ROLE_LABELS) == set(Role) and set(STANDING_LABELS) == set(Standing)
    for right in TABLE:
        assert read_of(right) in TABLE and not changes(read_of(right)), right
    assert all(not changes(right) for right in OPEN_READING)


def test_who_may_use_a_right_may_read_what_it_is_about() -> None:
    """Else a right could never be used: the door would answer 404."""
    for right, grants in TABLE.items():
        read = TABLE[read_of(right)]
        anywhere = {role for role, standing in read if standing is Standing.ANYWHERE}
        for role, standing in grants:
            assert (role, standing) in read or role in anywhere, (right, role, standing)


def test_nobody_but_the_own_firm_signs_for_it() -> None:
    """Neither park nor planner nor system admin writes records or signs (4-contract 4.5)."""
    outside = {Role.PARK_MANAGER, Role.PLANNER, Role.SYSTEM_ADMIN}
    signs = {"issue", "dispatch", "receive", "decide", "confirm", "draft"}
    for right, grants in TABLE.items():
        family, _, what = right.partition(".")
        if right == "entry.write" or (family == "shipment" and what in signs):
            assert not {role for role, _ in grants} & outside, right
    assert {role for role, _ in TABLE["shipment.settle"]} == {Role.PARK_MANAGER}


def test_roles_of_a_firm_are_given_by_its_admin_and_offices_by_the_system_admin() -> None:
    assert {role for role, _ in TABLE["office.write"]} == {Role.SYSTEM_ADMIN}
    givers = {role for role, _ in TABLE["member.write"]}
    assert givers == {Role.ENTERPRISE_ADMIN, Role.SYSTEM_ADMIN}


def test_a_reader_changes_nothing() -> None:
    for right, grants in TABLE.items():
        if changes(right):
            own = {(role, where) for role, where in grants if where is not Standing.SELF}
            assert Role.READER not in {role for role, _ in own}, right


def test_verdicts_at_the_load_of_two_firms() -> None:
    """A few lines of the table written out by hand."""
    load = doors.load_subject(REGISTRY)
    said = {case.stance: case.status for case in cases("shipment.decide", load)}
    assert said[NOBODY] == 401
    assert said["operator.taker"] == said["delegate.taker"] == said["enterprise_admin.taker"] == 0
    assert said["operator.giver"] == said["gate.taker"] == said["reader.taker"] == 403
    assert said["park_manager.taker"] == said["planner.above"] == said["system_admin"] == 403
    assert said["operator.stranger"] == said["carrier.other"] == said["no_role"] == 404
    assert said["carrier.own"] == said["carrier.before"] == 403
    said = {case.stance: case.status for case in cases("shipment.read", load)}
    assert said["carrier.own"] == said["carrier.before"] == 0 and said["carrier.other"] == 404
    said = {case.stance: case.status for case in cases("shipment.hand_over", load)}
    assert said["carrier.own"] == 0 and said["carrier.before"] == 403


def test_a_delegation_of_entries_does_not_reach_loads() -> None:
    held = Membership(Role.DELEGATE, "ent.p1", frozenset({"entry"}))
    actor = Actor(1, "x", memberships=(held,))
    own, load = doors.firm_subject(REGISTRY), doors.load_subject(REGISTRY)
    assert judge(actor, "entry.write", own, "entry.read") is Verdict.ALLOWED
    assert judge(actor, "report.read", own, "report.read") is Verdict.ALLOWED
    assert judge(actor, "shipment.issue", load, "shipment.read") is Verdict.NOT_ONES_BUSINESS


@pytest.mark.parametrize(
    ("scopes", "right", "allowed"),
    [
        ({"read"}, "entry.read", True),
        ({"read"}, "entry.write", False),
        ({"write"}, "entry.write", True),
        ({"write"}, "entry.read", False),
        ({"entry.write"}, "entry.write", True),
        ({"read", "write"}, "member.write", False),
        ({"member.write"}, "member.write", True),
        (None, "member.write", True),
    ],
)
def test_scopes_of_a_token(scopes: set[str] | None, right: str, allowed: bool) -> None:
    admin = (Membership(Role.ENTERPRISE_ADMIN, "ent.p1"),)
    kept = None if scopes is None else frozenset(scopes)
    actor = Actor(1, "x", memberships=admin, token_id=7, scopes=kept)
    verdict = judge(actor, right, doors.firm_subject(REGISTRY), read_of(right))
    assert verdict is (Verdict.ALLOWED if allowed else Verdict.NOT_ONES_RIGHT)


def test_open_reading_reads_everything_and_writes_nothing() -> None:
    guest = Actor(0, "", reads_all=True)
    own = doors.firm_subject(REGISTRY)
    for right in TABLE:
        verdict = judge(guest, right, own, read_of(right))
        expected = Verdict.ALLOWED if right in OPEN_READING else Verdict.NOT_SIGNED_IN
        assert verdict is expected, right
    stranger = Actor(1, "x", memberships=(Membership(Role.OPERATOR, "ent.use"),), reads_all=True)
    with pytest.raises(Denied) as denied:
        require(stranger, "entry.write", own)
    assert denied.value.verdict is Verdict.NOT_ONES_RIGHT
    assert {right.partition(".")[0] for right in OPEN_READING} & CAREFUL == set()


# --- every endpoint × role × standing --------------------------------------------------------


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application on the small books; every stance has a user with a token."""
    folder = tmp_path_factory.mktemp("doors")
    url = sqlite_books(folder, (*web_books.REGISTRY, *web_books.LEDGER))
    made = create_app(Config(url, lang="en"))
    made.extensions["tokens"] = doors.enrol_stances(books(made).db)
    yield made
    books(made).db.dispose()


def test_every_endpoint_names_its_right(app: Flask) -> None:
    unmarked = [where for where, need in endpoints(app).items() if need is None]
    assert unmarked == [], "mark the view with @needs(…) or @public (wasteflow.web.permits)"


def test_what_is_public(app: Flask) -> None:
    found = {name for (name, _), need in endpoints(app).items() if need and need.right == PUBLIC}
    assert found >= {"static", "vendor", "themed", "health.healthz", "accounts.sign_in"}
    of_books = {name for name in found if name.startswith("pages.")}
    assert of_books == {"pages.help", "pages.help_one"}, "help holds nothing of the books"


def _own(stance: str) -> Subject:
    return Subject(user="" if stance == NOBODY else doors.login_of(stance))


def _logged(stance: str) -> Subject:
    held = STANCES.get(stance)
    return Subject() if held and held.role is Role.SYSTEM_ADMIN else _firm(stance)


def _firm(stance: str) -> Subject:
    return subject_of_firms(REGISTRY, doors.GIVER)


SUBJECTS: Mapping[SubjectOf, Callable[[str], Subject]] = {
    page_subject: _firm,
    members.subject: _firm,
    delegations.subject: _firm,
    log.subject: _logged,
    oneself: _own,
    nowhere: lambda stance: Subject(),
}
"""How an endpoint finds its subject → that subject for the scope and organisation of ent.p1."""
NAMES_SOMEBODY = ("office.write", "token.revoke", "delegation.write", "user.write", "member.write")
"""An empty form names no user, token or delegation: 404 behind the door."""
CHANGED = ("/account/password", "/users/active", "/users/password", "/sign-out")


def knocks(app: Flask) -> Iterator[tuple[str, str, str, Callable[[str], Subject]]]:
    """(path, method, right, subject by stance) of every endpoint that asks for one."""
    seen = endpoints(app)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            need = seen[rule.endpoint, method]
            if need is None or need.subject is None or rule.arguments:
                continue
            assert need.subject in SUBJECTS, f"{rule.endpoint}: add its subject to SUBJECTS"
            yield rule.rule, method, need.right, SUBJECTS[need.subject]


def test_every_endpoint_answers_every_role_and_standing_as_the_table_says(app: Flask) -> None:
    """Denied requests answer 401 (pages: to the sign-in page), 403 or 404; no request of an empty
    form is let in by a wrong door.
    """
    tokens, knocked = app.extensions["tokens"], 0
    where = {"scope": "enterprise:ent.p1", "organisation": "ent.p1", "part": "books"}
    parts = {"/targets/part": {"part": "board"}}
    for path, method, right, subject in knocks(app):
        for case in cases(right, subject):
            if not case.status and path in CHANGED:
                continue
            client = app.test_client()
            headers = bearer(tokens, case.stance)
            asked = where | parts.get(path, {})
            response = client.open(path, method=method, query_string=asked, headers=headers)
            _agrees(case, path, response.status_code, response.headers.get("Location", ""))
            knocked += 1
    assert knocked > 25 * len(STANCES)


SEES_ALL = ("planner.above", "planner.country", "system_admin")
"""Stances that read the firm in question from above it."""


def _agrees(case: Case, path: str, status: int, location: str) -> None:
    if case.status == 401:
        assert status == 302 and location.startswith("/sign-in"), (path, case)
    elif path == "/summary" and not case.status:
        # Let in by the table; who lies in no park or region has no sums to read.
        assert status in (200, 302, 403), (path, case, status)
    elif path == "/bulletin" and not case.status:
        # Let in by the table; the page judges whose firm the scope is (test_web_bulletin).
        whole = "giver" in case.stance or case.stance in SEES_ALL
        assert status in ((200, 302) if whole else (200, 302, 403, 404)), (path, case, status)
    elif path == "/audit" and not case.status:
        assert status in (200, 422), (path, case, status)
    elif not case.status:
        assert status in (200, 303, 404, 422), (path, case, status)
        assert status != 404 or case.right in NAMES_SOMEBODY, (path, case)
    else:
        assert status == case.status, (path, case, status)


def test_a_denied_request_changes_nothing(app: Flask) -> None:
    db: Database = books(app).db
    from tests.store.databases import row_counts

    before = row_counts(db)
    tokens = app.extensions["tokens"]
    form = {"login": doors.login_of("no_role"), "role": "gate", "new": "0"}
    for stance in ("operator.giver", "enterprise_admin.taker", "park_manager.giver", NOBODY):
        for path in ("/members", "/members/revoke", "/users", "/users/grant", "/delegations"):
            address = f"{path}?organisation=ent.p1"
            headers = bearer(tokens, stance)
            assert app.test_client().post(address, data=form, headers=headers).status_code >= 302
    assert row_counts(db) == before


# --- its documentation -----------------------------------------------------------------------

HEAD = """# 权限表 · Permission table

由 `wasteflow/core/permissions.py` 的 `TABLE` 生成，测试保证两者一致。Made from `TABLE` in
`wasteflow/core/permissions.py`; a test holds both equal.

每个操作先看是不是本单位的事（不是：404），再看角色有没有这项权限（没有：403）；未登录是 401。
A request is 401 without a sign-in, 404 for what is not one's business, 403 for what is but is not
one's right.

## 角色 · Roles

| 角色 role | 中文 | English |
| --- | --- | --- |
"""
STANDINGS = """
## 站位 · Standing

| 站位 standing | 中文 | English |
| --- | --- | --- |
"""
RIGHTS = """
## 权限 · Rights

`●` 无须账户即可查看（仅当 `WASTEFLOW_OPEN_READING=1`）；`▲` 令牌须点名这项权限。
`●` readable without an account where `WASTEFLOW_OPEN_READING=1`; `▲` a token must name the right.

| 权限 right | 中文 | English | 谁（站位） who (standing) |
| --- | --- | --- | --- |
"""


def document() -> str:
    """docs/permissions.md as the table has it."""
    text = HEAD + "".join(f"| `{r.value}` | {zh} | {en} |\n" for r, (zh, en) in ROLE_LABELS.items())
    text += STANDINGS
    text += "".join(f"| `{s.value}` | {zh} | {en} |\n" for s, (zh, en) in STANDING_LABELS.items())
    text += RIGHTS
    for right, grants in TABLE.items():
        zh, en = RIGHT_LABELS[right]
        careful = changes(right) and right.partition(".")[0] in CAREFUL
        marks = (" ●" if right in OPEN_READING else "") + (" ▲" if careful else "")
        text += f"| `{right}`{marks} | {zh} | {en} | {_who(grants)} |\n"
    return text


def _who(grants: frozenset[tuple[Role, Standing]]) -> str:
    by_place: dict[tuple[Standing, ...], list[Role]] = {}
    for role in Role:
        places = tuple(place for place in Standing if (role, place) in grants)
        if places:
            by_place.setdefault(places, []).append(role)
    parts = []
    for places, roles in by_place.items():
        names = "所有角色 every role" if len(roles) == len(Role) else " ".join(
            f"`{role.value}`" for role in roles
        )  # fmt: skip
        parts.append(f"{names} ({', '.join(place.value for place in places)})")
    return "; ".join(parts)


def test_the_document_equals_the_table() -> None:
    if os.environ.get("WASTEFLOW_WRITE_DOCS") == "1":
        DOCUMENT.write_text(document(), encoding="utf-8", newline="\n")
    advice = "write it again: WASTEFLOW_WRITE_DOCS=1 ./run test tests/test_permissions.py -n 0"
    assert DOCUMENT.read_text(encoding="utf-8") == document(), advice
    assert {role.value for role in FIRM_ROLES} < {role.value for role in Role}
