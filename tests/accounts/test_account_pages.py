"""Sign-in, account pages and who may open which page, through the test client."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from tests import people, web_books
from tests.accounts.conftest import Make
from tests.people import PASSWORD, Visitor, sign_in
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books
from wasteflow.web.answers import once


def html(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address)
    text = response.get_data(as_text=True)
    assert response.status_code == status, text[-600:]
    return text


def test_nobody_reads_a_page_without_signing_in(app: Flask) -> None:
    client = app.test_client()
    response = client.get("/rates?period=2026")
    assert response.status_code == 302
    assert response.headers["Location"] == "/sign-in?next=/rates?period%3D2026"
    with client.get("/static/wasteflow.css") as sheet:
        assert sheet.status_code == 200
    assert client.get("/healthz").status_code == 200
    api = client.get("/api/v1/nothing")
    assert api.status_code == 404


def test_signing_in_leads_back_and_out_again(app: Flask) -> None:
    client = app.test_client()
    token = Visitor(client).form_token("/sign-in?next=/rates")
    form = {"csrf_token": token, "login": "Root", "password": PASSWORD, "next": "/rates?by=park"}
    response = client.post("/sign-in", data=form)
    assert (response.status_code, response.headers["Location"]) == (303, "/rates?by=park")
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if "wasteflow_session" in c)
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    assert "Root" in html(client, "/")
    assert Visitor(client).send("/sign-out", {}).status_code == 303
    assert client.get("/").status_code == 302


def test_the_cookie_is_secure_over_https_and_next_stays_here(app: Flask) -> None:
    client = app.test_client()
    base = "https://localhost"
    page = client.get("/sign-in", base_url=base).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    form = {
        "login": "root",
        "password": PASSWORD,
        "next": "//evil.example/",
        "csrf_token": found[1],
    }
    response = client.post("/sign-in", data=form, base_url=base, headers={"Referer": f"{base}/"})
    assert response.headers["Location"] == "/"
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if "wasteflow_session" in c)
    assert "Secure" in cookie


def test_the_api_tells_a_browser_that_its_form_token_is_missing_or_wrong(app: Flask) -> None:
    client = sign_in(app, "root")
    address = "/api/v1/tokens?lang="
    for headers, code, words in (
        ({}, "form_token_missing", ("cookie", "Bearer", "X-CSRFToken", "/account")),
        ({"X-CSRFToken": "x"}, "form_token_wrong", ("Referer", "Bearer", "csrf_token")),
    ):
        for lang in ("zh", "en"):
            answer = client.post(f"{address}{lang}", json={"name": "t"}, headers=headers)
            told = answer.get_json()
            assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
            assert told["code"] == code and all(word in told["detail"] for word in words)
    mark = {"X-CSRFToken": Visitor(client).form_token("/account")}
    assert client.post(f"{address}zh", json={"name": "t"}, headers=mark).status_code == 201


def test_a_form_without_its_token_changes_nothing(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/sign-in", data={"login": "root", "password": PASSWORD}).status_code == 400
    client = sign_in(app, "root")
    answer = client.post("/account/language", data={"language": "zh"})
    assert answer.status_code == 400 and "form ran out" in answer.get_data(as_text=True)


def test_a_password_change_ends_every_sign_in_at_once(app: Flask) -> None:
    here, there = sign_in(app, "operator.p1"), sign_in(app, "operator.p1")
    new = "nine quiet green lamps"
    form = {"current": PASSWORD, "password": new, "again": new}
    assert Visitor(here).send("/account/password", form).status_code == 303
    assert there.get("/account").status_code == 302 and here.get("/account").status_code == 302
    assert "Operator.P1" in html(sign_in(app, "operator.p1", new), "/account")


def test_signing_out_everywhere_ends_the_browsers_of_that_user_alone(app: Flask) -> None:
    here, lost, other = (sign_in(app, login) for login in ("root", "root", "planner"))
    html(lost, "/account")
    assert Visitor(here).send("/sign-out", {"everywhere": "1"}).status_code == 303
    assert here.get("/account").status_code == lost.get("/account").status_code == 302
    assert html(other, "/account")
    assert 'name="everywhere"' in html(sign_in(app, "root"), "/account")


def test_a_deactivated_user_is_out_at_the_next_request(app: Flask) -> None:
    client, root = sign_in(app, "reader.p1"), sign_in(app, "root")
    token = people.token(books(app).db, "reader.p1")
    form = {"login": "reader.p1", "active": "0"}
    assert Visitor(root).send("/users/active", form).status_code == 303
    assert client.get("/account").status_code == 302
    bearer = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/", headers=bearer).status_code == 302


def test_a_bearer_token_reads_pages_and_needs_no_form_token(app: Flask) -> None:
    db = books(app).db
    headers = {"Authorization": f"Bearer {people.token(db, 'park.a', 'read')}"}
    client = app.test_client()
    assert client.get("/?scope=park:park.a", headers=headers).status_code == 200
    assert client.get("/?scope=park:park.b", headers=headers).status_code == 404
    posted = client.post("/account/language", data={"language": "zh"}, headers=headers)
    assert posted.status_code == 403
    wrong = {"Authorization": "Bearer wf_wrong"}
    assert sign_in(app, "root").get("/account", headers=wrong).status_code == 302


SCOPES = {
    "root": "all",
    "planner": "region:530000",
    "park.a": "park:park.a",
    "admin.p1": "enterprise:ent.p1",
    "delegate": "enterprise:ent.p1",
}


@pytest.mark.parametrize("login", SCOPES)
def test_everybody_starts_at_the_widest_own_scope_and_sees_no_other(app: Flask, login: str) -> None:
    client = sign_in(app, login)
    own = html(client, f"/rates?scope={SCOPES[login]}&format=csv")
    assert html(client, "/rates?format=csv") == own
    page = html(client, "/rates")
    offered = set(re.findall(r'<option value="((?:region|park|enterprise):[^"]+)"', page))
    foreign = {"enterprise:ent.use", "park:park.b"} - offered
    if login in ("root", "planner"):
        assert not foreign and {"park:park.a", "region:530181"} <= offered
    else:
        assert len(foreign) == 2 and '<option value="">Everything' not in page
    for scope in foreign:
        assert client.get(f"/rates?scope={scope}").status_code == 404
    assert client.get("/?scope=all").status_code == (200 if login == "root" else 404)


READ = ("/", "/map/frame", "/map/data", "/map/file", "/sankey", "/targets", "/rates", "/gap",
        "/postings", "/provenance", "/quota", "/crosscheck", "/flows", "/balances")  # fmt: skip
FOREIGN = ("Trader", "ent.trade", "Producer Two", "ent.p2")


@pytest.mark.parametrize("more", ["", "&level=park&between=1&links=5000", "&direction=upstream"])
def test_no_page_shows_a_firm_what_others_do_among_themselves(app: Flask, more: str) -> None:
    """ent.p1 gives to ent.use only; what ent.p2 and the trader do is none of its business."""
    client, root = sign_in(app, "admin.p1"), sign_in(app, "root")
    seen = ""
    for path in READ:
        text = html(client, f"{path}?period=2026{more}")
        assert [word for word in FOREIGN if word in text] == [], path
        seen += html(root, f"{path}?period=2026{more}")
    assert "Trader" in seen and "Producer Two" in seen
    foreign = (
        "/postings?source=transit:ent.p2:ent.trade&target=site:ent.trade",
        "/postings?source=generation",
        "/postings?target=site:ent.use&source=site:ent.trade",
        "/postings?scope=enterprise:ent.p2",
        "/records?month=2026-02&source=transit:ent.p2:ent.trade&target=site:ent.trade"
        "&stuff=phosphogypsum&route=pg_trade&evidence=imported",
        "/provenance?scope=enterprise:ent.use",
        "/map/data?scope=all",
    )
    for address in foreign:
        assert client.get(address).status_code == 404, address
        assert root.get(address).status_code == 200, address
    own = "/postings?source=transit:ent.p1:ent.use&target=site:ent.use"
    assert client.get(own).status_code == 200


QUIET = (
    "code,name_zh,name_en,park\nent.q1,戊,Q One,park.a\nent.q2,己,Q Two,park.a\n"
    "ent.q3,庚,Q Three,park.a\n"
)
QUIET_ENTRIES = "doc_no,enterprise,kind,material,date,tonnes\n" + "".join(
    f"q{n},ent.q{n},generation,phosphogypsum,2026-02-1{n},{n}00.000\n" for n in (1, 2, 3)
)


def test_a_firm_reads_the_sums_of_its_park_where_enough_firms_stand_behind(
    app: Flask, url: str, tmp_path: Path
) -> None:
    """park.a: p1 alone, then four firms; the region holds one more, which its sum would tell."""
    client = sign_in(app, "admin.p1")
    page = html(client, "/summary?area=park:park.a&period=2026")
    assert page.count("hidden (fewer") == 2 and "1,500" not in page
    web_books.load(url, tmp_path, [("enterprises", QUIET), ("entries", QUIET_ENTRIES)])
    page = html(client, "/summary?area=park:park.a&period=2026")
    assert "hidden (fewer" not in page and page.count(">2,100.0<") == 2
    for area in ("region:530000", "all"):
        wider = html(client, f"/summary?area={area}&period=2026")
        assert "2,500" not in wider and "hidden (fewer" in wider, area
    assert client.get("/summary?area=park:park.b").status_code == 404
    assert client.get("/rates?scope=park:park.a").status_code == 404
    manager = sign_in(app, "park.a").get("/summary?area=park:park.a")
    assert manager.status_code == 302 and "/rates" in manager.headers["Location"]
    assert sign_in(app, "driver").get("/summary").status_code == 403


def test_who_has_no_reports_is_told_so(app: Flask) -> None:
    for login in ("nobody", "driver"):
        client = sign_in(app, login)
        assert "role" in html(client, "/", 403)
        assert html(client, "/account")
        assert "nav.overview" not in html(client, "/account")


def test_the_same_page_is_kept_for_those_who_may_read_the_same(app: Flask) -> None:
    first, second = sign_in(app, "operator.p1"), sign_in(app, "reader.p1")
    one, two = first.get("/"), second.get("/")
    assert "Operator.P1" in one.get_data(as_text=True)
    assert "Reader.P1" in two.get_data(as_text=True)
    assert "Operator.P1" not in two.get_data(as_text=True)
    assert one.headers["ETag"] != two.headers["ETag"]
    again = first.get("/", headers={"If-None-Match": one.headers["ETag"]})
    assert again.status_code == 304
    assert second.get("/", headers={"If-None-Match": one.headers["ETag"]}).status_code == 200
    token = re.search(r'name="csrf_token" value="([^"]+)"', two.get_data(as_text=True))
    assert token and second.post("/sign-out", data={"csrf_token": token[1]}).status_code == 303


def test_open_reading_shows_everything_without_an_account(make: Make) -> None:
    app = make(open_reading=True)
    client = app.test_client()
    assert client.get("/?scope=park:park.b").status_code == 200
    assert client.get("/account").status_code == 302
    assert client.get("/members").status_code == 302
    signed = sign_in(app, "admin.p1")
    assert signed.get("/?scope=all").status_code == 200
    assert signed.get("/members?organisation=ent.use").status_code == 404


def test_without_any_user_the_page_names_the_command(database_url: str) -> None:
    app = create_app(Config(database_url, lang="en"))
    client = app.test_client()
    assert client.get("/").status_code == 302
    assert "wasteflow user create LOGIN --role system_admin" in html(client, "/sign-in")
    books(app).db.dispose()


def test_an_enterprise_admin_manages_the_own_members_only(app: Flask) -> None:
    client = sign_in(app, "admin.p1")
    page = html(client, "/members")
    assert "operator.p1" in page and "operator.use" not in page
    visitor = Visitor(client)
    new = {"new": "1", "login": "fresh", "name": "Fresh", "role": "gate", "password": PASSWORD}
    assert visitor.send("/members?organisation=ent.p1", new).status_code == 303
    assert "fresh" in html(client, "/members")
    fresh = app.test_client()
    data = {"csrf_token": Visitor(fresh).form_token("/sign-in"), "login": "fresh"}
    answer = fresh.post("/sign-in", data={**data, "password": PASSWORD})
    assert answer.headers["Location"] == "/account"
    gone = {"login": "fresh", "role": "gate"}
    assert visitor.send("/members/revoke?organisation=ent.p1", gone).status_code == 303
    assert "fresh" not in html(client, "/members")
    for role in ("park_manager", "system_admin", "delegate", "nonsense"):
        sent = visitor.send("/members?organisation=ent.p1", {"login": "nobody", "role": role})
        assert sent.status_code in (403, 404, 422), role
    other = visitor.send("/members?organisation=ent.use", {"login": "nobody", "role": "gate"})
    assert other.status_code == 404
    assert client.get("/users").status_code in (403, 404)


def test_a_token_is_shown_once_and_revoked(app: Flask) -> None:
    client = sign_in(app, "operator.p1")
    visitor = Visitor(client)
    made = visitor.send("/account/tokens", {"name": "scale", "days": "30", "scope": "read"})
    shown = re.search(r"wf_[\w-]{43}", made.get_data(as_text=True))
    assert shown and shown[0] not in html(client, "/account")
    headers = {"Authorization": f"Bearer {shown[0]}"}
    assert app.test_client().get("/", headers=headers).status_code == 200
    number = re.search(r'name="token" value="(\d+)"', html(client, "/account"))
    assert number
    other = Visitor(sign_in(app, "operator.use")).send(
        "/account/tokens/revoke", {"token": number[1]}
    )
    assert other.status_code == 404
    assert visitor.send("/account/tokens/revoke", {"token": number[1]}).status_code == 303
    assert app.test_client().get("/", headers=headers).status_code == 302


def test_delegations_are_granted_and_revoked_on_their_page(app: Flask) -> None:
    admin = sign_in(app, "admin.use")
    holder = sign_in(app, "nobody")
    assert holder.get("/").status_code == 403
    visitor = Visitor(admin)
    today = (people.now() + timedelta(hours=8)).date()
    form = {"login": "nobody", "family": "entry", "first": today, "last": today, "reason": "audit"}
    answer = visitor.send("/delegations?organisation=ent.use", form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert holder.get("/?scope=enterprise:ent.use").status_code == 200
    assert "User" in html(holder, "/delegations")
    number = re.search(r'name="delegation" value="(\d+)"', html(admin, "/delegations"))
    assert number
    gone = {"delegation": number[1], "reason": "done"}
    assert visitor.send("/delegations/revoke?organisation=ent.use", gone).status_code == 303
    assert holder.get("/").status_code == 403


def test_the_log_shows_each_admin_the_own_acts(app: Flask) -> None:
    client = sign_in(app, "admin.p1")
    text = html(client, "/audit-log")
    assert "granted role" in text and "operator.p1" in text and "operator.use" not in text
    root = html(sign_in(app, "root"), "/audit-log")
    assert "operator.use" in root and "signed in" in root
    assert sign_in(app, "operator.p1").get("/audit-log").status_code == 403


def test_parts_of_pages_are_shared_by_those_who_read_the_same_alone(make: Make) -> None:
    app = make()
    db = books(app).db
    given: dict[str, str] = {}
    for login in ("planner", "operator.p1", "reader.p1"):
        with app.test_request_context("/"):
            g.actor, g.data_version = people.actor(db, login), "one"
            given[login] = once("figures", partial(str, login))
    assert given == {"planner": "planner", "operator.p1": "operator.p1", "reader.p1": "operator.p1"}


def test_short_lists_come_as_files_to_those_who_see_them(app: Flask) -> None:
    for login, pages in (
        ("root", ("/users", "/audit-log", "/seals", "/findings", "/uploads")),
        ("admin.p1", ("/members", "/audit-log", "/findings")),
    ):
        client = sign_in(app, login)
        for page in pages:
            for ending in ("xlsx", "csv"):
                answer = client.get(f"{page}?format={ending}")
                assert answer.status_code == 200, (login, page)
                assert ending in answer.headers["Content-Disposition"], (login, page)
    whole = sign_in(app, "root").get("/users?format=csv").get_data(as_text=True)
    assert "system_admin" in whole and PASSWORD not in whole and "argon2" not in whole
    own = sign_in(app, "admin.p1").get("/members?format=csv").get_data(as_text=True)
    assert "operator.p1" in own and "operator.use" not in own
    assert sign_in(app, "admin.p1").get("/users?format=csv").status_code in (403, 404)
