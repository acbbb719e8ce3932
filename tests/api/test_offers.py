"""Offers over HTTP: every person before every door, names kept, followed to the first load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.api.conftest import Api
from tests.api.loads import moved, on_the_road
from tests.api.people import PEOPLE
from wasteflow.core.permissions import TABLE, Verdict, judge
from wasteflow.core.reach import subject_of_firms
from wasteflow.services import offers
from wasteflow.services.acting import actor_of_login
from wasteflow.services.housekeeping import Housekeeping
from wasteflow.services.offer_books import READ, WRITE
from wasteflow.services.offers import follow_offers
from wasteflow.services.reports import overview
from wasteflow.web.access import books
from wasteflow.web.pages.picking import code_of
from wasteflow_models.offers import OfferRow

PG = "phosphogypsum"


def body(kind: str, giver: str = "", taker: str = "", **more: str) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    ends = {"first": today.isoformat(), "last": (today + timedelta(days=60)).isoformat()}
    named = {name: code for name, code in (("from", giver), ("to", taker)) if code}
    return {"kind": kind, "material": PG, "tonnes": "500.000", **ends, **named, **more}


def made(api: Api, who: str, *args: str, **more: str) -> dict[str, Any]:
    response = api.post(who, "/offers", body(*args, **more))
    assert response.status_code == 201, response.get_json()
    found: dict[str, Any] = response.get_json()
    return found


def move(api: Api, who: str, offer: dict[str, Any], name: str, **sent: str) -> Any:
    tag = f'"{offer["version"]}"'
    return api.post(who, f"/offers/{offer['id']}/{name}", sent, If_Match=tag)


def test_who_may_make_what(api: Api) -> None:
    registry = overview(db=api.db).registry
    wanted = {
        "offer": (body("offer", "ent.p1"), "offer.write", ("ent.p1",)),
        "ask": (body("ask", "", "ent.use"), "offer.write", ("ent.use",)),
        "proposal": (body("proposal", "ent.p1", "ent.use"), "offer.propose", ("ent.p1", "ent.use")),
    }
    for kind, (sent, right, firms) in wanted.items():
        for who in ("", *PEOPLE):
            status = api.post(who, "/offers", sent).status_code
            if not who:
                assert status == 401
                continue
            actor = actor_of_login(db=api.db, login=who, now=datetime.now(UTC))
            verdicts = {
                judge(actor, right, subject_of_firms(registry, firm), READ) for firm in firms
            }
            if Verdict.ALLOWED in verdicts:
                assert status == 201, (kind, who)
            else:
                assert status == (403 if Verdict.NOT_ONES_RIGHT in verdicts else 404), (kind, who)
    assert TABLE[WRITE] and TABLE["offer.propose"]


def test_an_open_offer_is_seen_without_its_name_by_who_could_use_it(api: Api) -> None:
    facility = {
        "code": "f.use", "enterprise": "ent.use", "kind": "use", "name": "Kiln",
        "material": [PG], "route": ["pg_use"], "capacity_t_per_year": "1000", "status": "operating",
    }  # fmt: skip
    added = api.post("admin", "/facilities", facility)
    assert added.status_code == 201, added.get_json()["errors"]
    offer = made(api, "op-p1", "offer", "ent.p1", place="Anning", quality="20 % moisture")
    path = f"/offers/{offer['id']}"
    seen = api.get("op-use", path).get_json()
    assert (seen["from"], seen["named"], seen["by"], seen["events"]) == ("", False, "", [])
    assert seen["moves"] == ["respond"] and seen["quality"] == "20 % moisture"
    assert "ent.p1" not in api.get("op-use", path).get_data(as_text=True)
    assert api.get("gate-use", path).get_json()["moves"] == [], "a gate reads only"
    assert move(api, "gate-use", seen, "respond").status_code == 403
    for stranger in ("op-p2", "op-trade", "nobody", "carrier"):
        assert api.get(stranger, path).status_code == 404, stranger
        assert move(api, stranger, seen, "respond").status_code == 404
        assert offer["id"] not in api.get(stranger, "/offers").get_data(as_text=True)
    assert api.get("manager-a", path).get_json()["from"] == "ent.p1"
    answered = move(api, "op-use", seen, "respond").get_json()
    assert (answered["from"], answered["to"]) == ("ent.p1", "ent.use")
    assert answered["asked"] == ["ent.p1"]
    assert move(api, "op-use", seen, "note", note="x").status_code == 412, "an old version"
    assert move(api, "reader-p1", answered, "accept").status_code == 403
    assert move(api, "manager-a", answered, "accept").status_code == 409, "not for another"
    reminded = api.get("op-p1", "/reminders").get_json()["items"]
    assert [(r["kind"], r["ref"]) for r in reminded if r["kind"] == "offer"] == [
        ("offer", offer["id"])
    ]
    talks = move(api, "op-p1", answered, "accept").get_json()
    assert talks["state"] == "talks"
    assert api.post("op-p1", f"{path}/note", {"note": "x"}).status_code == 428


def test_a_proposed_link_is_followed_to_its_first_load(api_anywhere: Api) -> None:
    api = api_anywhere
    offer = made(api, "planner", "proposal", "ent.p1", "ent.use")
    assert offer["state"] == "proposed" and offer["asked"] == ["ent.p1", "ent.use"]
    half = move(api, "op-use", offer, "accept").get_json()
    talks = move(api, "head-p1", half, "accept").get_json()
    assert talks["state"] == "talks"
    path = f"/offers/{offer['id']}"
    assert api.get("planner", path).get_json()["state"] == "talks", "earlier loads do not count"
    load = on_the_road(api)
    assert api.get("planner", path).get_json()["state"] == "talks", "on the road is not accepted"
    moved(api, "op-use", load, "decide", {"received_t": "30"})
    found = api.get("planner", path).get_json()
    assert found["state"] == "realised"
    assert [event["move"] for event in found["events"]] == [
        "create", "accept", "accept", "realise",
    ]  # fmt: skip
    assert found["events"][-1]["by"] == ""


def test_a_day_past_lapses_it_and_bad_ones_are_told(api: Api) -> None:
    offer = made(api, "op-p1", "offer", "ent.p1")
    later = datetime.now(UTC) + timedelta(days=90)
    assert follow_offers(db=api.db, now=later) == 1 and follow_offers(db=api.db, now=later) == 0
    assert api.get("op-p1", f"/offers/{offer['id']}").get_json()["state"] == "lapsed"
    for sent, status, code in (
        (body("offer", "ent.p1") | {"tonnes": "0"}, 422, "offer_mass"),
        (body("offer", "ent.p1") | {"last": "2020-01-01"}, 422, "offer_days"),
        (body("offer", "ent.p1") | {"material": "petroleum_coke"}, 422, "offer_product"),
        (body("offer", "ent.p1", "ent.use"), 422, "offer_firms"),
    ):
        answer = api.post("op-p1", "/offers", sent)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_whoever_may_not_make_one_learns_nothing_of_firms(api: Api) -> None:
    """A firm that does not exist is refused like one of others; who may propose is told."""
    for kind, ends in (("offer", ("ent.none", "")), ("proposal", ("ent.none", "ent.use"))):
        there = body(kind, *ends) | {"from": "ent.p2"}
        answers = [api.post("op-p1", "/offers", sent) for sent in (body(kind, *ends), there)]
        assert len({(one.status_code, one.get_json()["code"]) for one in answers}) == 1, kind
    answer = api.post("manager-a", "/offers", body("proposal", "ent.p1", "ent.none"))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_code")
    answer = api.post("op-p1", "/offers", body("offer"))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "offer_firms")
    offer = made(api, "op-p1", "offer", "ent.p1")
    answer = move(api, "op-p1", offer, "note", note="  ")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "offer_note_missing")


def test_what_others_offer_hides_none_of_ones_own(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is cut after it was judged what one may see."""
    monkeypatch.setattr(offers, "MOST_LISTED", 2)
    own = made(api, "op-p2", "offer", "ent.p2")
    for _ in range(3):
        made(api, "op-p1", "offer", "ent.p1")
    listed = api.get("op-p2", "/offers").get_json()["items"]
    assert [row["id"] for row in listed] == [own["id"]]
    assert len(api.get("op-p1", "/offers").get_json()["items"]) == 2


def test_housekeeping_lapses_what_nobody_looks_at(api: Api) -> None:
    made(api, "op-p1", "offer", "ent.p1")
    later = datetime.now(UTC) + timedelta(days=90)
    Housekeeping(api.db, lambda: later, seal_hours=0).round()
    with api.db.read() as session:
        states = set(session.scalars(select(OfferRow.state)))
    assert states == {"lapsed"}


def test_a_partner_is_picked_from_a_list_by_code_or_name(api: Api) -> None:
    offer = made(api, "op-p1", "offer", "ent.p1")
    headers = api.people["manager-a"].headers
    client = api.app.test_client()
    page = client.get(f"/offers/{offer['id']}?lang=en", headers=headers).get_data(as_text=True)
    assert 'list="o-picks"' in page and '<option value="ent.use">' in page
    page = client.get("/offers/new?kind=proposal&lang=en", headers=headers).get_data(as_text=True)
    assert 'list="o-firms"' in page and '<option value="ent.p1">' in page
    firms = overview(db=api.db).registry.enterprises
    assert code_of(firms, firms["ent.use"].name_zh) == "ent.use"
    assert (code_of(firms, "nobody"), code_of(firms, "ent.p1")) == ("nobody", "ent.p1")


@pytest.mark.parametrize("word", ["<script>alert(1)</script>"])
def test_pages_show_text_as_text(api: Api, word: str) -> None:
    offer = made(api, "op-p1", "offer", "ent.p1", place=word, quality=word)
    client = api.app.test_client()
    headers = api.people["op-p1"].headers
    for path in ("/offers", f"/offers/{offer['id']}", "/offers/new"):
        page = client.get(path, headers=headers)
        assert page.status_code == 200, page.get_data(as_text=True)[-400:]
        assert word not in page.get_data(as_text=True)
    assert client.get("/offers").status_code == 302, "nobody is sent to sign in"
    denied = client.get("/offers/new", headers=api.people["reader-p1"].headers)
    assert denied.status_code == 403
    assert books(api.app).db is api.db
