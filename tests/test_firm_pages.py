"""The firm's day, the gate and the quick log as HTML: by role, empty and full, right and wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache, partial
from html import unescape

import pytest
from flask import Flask

from tests import people
from tests.load_pages import BOOKS, CAST, Clerk, clerk, staffed
from wasteflow.core.registry import Enterprise, Facility, Filing, Region, Registry, Route
from wasteflow.services.checking import check_books
from wasteflow.services.live.partners import first_end
from wasteflow.web.access import books

At = Callable[[str], Clerk]
day = partial(date, 2027, 1)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over small books that all tests of this module share."""
    url = sqlite_books(tmp_path_factory.mktemp("firm"), BOOKS)
    with staffed(url, (*CAST, "reader.p1")) as made:
        yield made


@pytest.fixture(scope="module")
def at(app: Flask) -> At:
    """``at(login)``: somebody of the cast at a browser."""
    return cache(lambda login: clerk(app, login))


def doors(html: str) -> list[str]:
    return re.findall(r'class="door[^"]*" href="([^"]+)"', html)


@pytest.mark.parametrize(
    ("login", "first", "shown"),
    [
        ("operator.p1", "/inbox", ["/gate", "/log", "/loads/new", "/uploads"]),
        ("gate.p1", "/inbox", ["/gate"]),
        ("reader.p1", "/inbox", []),
        ("driver", "/inbox", []),
        ("park.b", "/month", []),
        ("nobody", "/", []),
    ],
)
def test_who_signs_in_comes_to_the_page_of_the_day(
    app: Flask, at: At, login: str, first: str, shown: list[str]
) -> None:
    client = app.test_client()
    token = people.Visitor(client).form_token("/sign-in")
    form = {"csrf_token": token, "login": login, "password": people.PASSWORD}
    assert client.post("/sign-in", data=form).headers["Location"] == first
    on_the_way = app.test_client()
    form["csrf_token"] = people.Visitor(on_the_way).form_token("/sign-in")
    answer = on_the_way.post("/sign-in", data={**form, "next": "/loads?state=received"})
    assert answer.headers["Location"] == "/loads?state=received"
    assert doors(at(login).look("/inbox")) == shown


def test_the_day_tells_what_waits_and_how_the_firm_stands(at: At) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    text = sender.see("/inbox")
    assert "发出后对方未答复 1" in text and "s3" in text, "30 t of May that nobody has decided"
    assert "对方未答复" in text and "甲化工：" in text and "2026年1月 待结账" in text
    assert "由企业管理员或园区结账" in text
    assert "去结账" in at("admin.use").see("/inbox")
    own = receiver.look("/inbox")
    assert 'href="#h-decide"' in own and "/balances?scope=enterprise:ent.use" in own
    assert "本单位人员" not in own and "本单位人员" in at("admin.use").look("/inbox")
    english = at("reader.p1").see("/inbox?lang=en")
    assert "Nothing waits for you" in english and "Stock and balance" in english
    at("reader.p1").look("/inbox?lang=zh")


def test_a_gatekeeper_weighs_and_is_told_of_nothing_else(app: Flask, at: At) -> None:
    at("operator.p1").load("draft")
    at("operator.p1").load("issue", vehicle="云A·77")
    text = at("gate.p1").see("/inbox")
    assert "已开单待发运" in text and "草稿" not in text
    for page in ("/log", "/loads/new"):
        at("gate.p1").look(page, 403)
    for login in ("reader.p1", "park.b", "driver", "nobody"):
        at(login).look("/gate", 403)
    assert app.test_client().get("/gate").status_code == 302


def test_a_load_is_found_however_its_plate_is_written(at: At) -> None:
    sender, gate = at("operator.p1"), at("operator.use")
    uid = sender.load("dispatch", vehicle="云A·9K123", ticket_no="F-77 1").rpartition("/")[2]
    sender.load("dispatch", vehicle="云A·9K124")
    for find in ("云a9k-123", "F771", "9k 123"):
        found = gate.client.get("/gate", query_string={"q": find})
        assert found.status_code == 302 and f"/gate/{uid}" in found.headers["Location"], find
    both = gate.look("/gate?q=9K12")
    assert both.count('class="gate-card"') == 2
    for nothing in ("%25", "_", "zzz"):
        assert "没有找到" in gate.see(f"/gate?q={nothing}"), nothing
    assert "没有运往本单位的在途运单" in sender.see("/gate")


def test_a_wrong_weight_keeps_what_was_typed_and_a_photo_never_costs_a_weight(at: At) -> None:
    load = at("operator.p1").load("dispatch", vehicle="云A·55")
    gate, uid = at("operator.use"), load.rpartition("/")[2]
    typed = {"received_t": "many", "ticket_no": "T-9", "remark": "雨"}
    gate.send(f"/gate/{uid}", f"/gate/{uid}", typed, 422)
    assert 'value="many"' in gate.html and 'value="T-9"' in gate.html and "雨" in gate.html
    assert 'aria-invalid="true"' in gate.html
    bad = {"received_t": "31.4", "file": (io.BytesIO(b"no picture"), "t.png", "image/png")}
    gate.again(f"/gate/{uid}", bad)
    text = gate.see(f"/gate?done={uid}")
    assert "已接收" in text and f'data-sent="gate:operator.use:{uid}"' in gate.html
    assert "31.40 吨" in gate.see(load)
    assert "不能在门岗办理" in gate.see(f"/gate/{uid}")
    gate.client.post(f"/gate/{uid}", data={"csrf_token": "x"})
    again = {"csrf_token": people.Visitor(gate.client).form_token("/account"), "version": "1"}
    assert gate.client.post(f"/gate/{uid}", data=again).status_code == 409, "sent twice: once"


def test_a_day_is_logged_with_what_stood_last_and_undone(app: Flask, at: At) -> None:
    user = at("operator.use")
    form = user.look("/log")
    assert re.search(r'value="use" checked', form), "a firm that only uses"
    assert re.search(r'<option value="pg_use"[^>]* selected', form), "the route of its last use"
    sent = {"kind": "use", "enterprise": "ent.use", "date": "2026-06-30", "tonnes": "abc",
            "material": "phosphogypsum", "route": "pg_use", "step": "save"}  # fmt: skip
    user.again("/log", sent, 422)
    assert 'value="abc"' in user.html and 'aria-invalid="true"' in user.html
    done = user.again("/log", {**sent, "tonnes": "1.25", "entry_doc_no": "M-1"})
    text = user.see(done.headers["Location"])
    assert "已记账：自行利用 1.25 吨 磷石膏" in text and "M-1" in text and "撤销这一笔" in text
    undo = re.search(r'action="(/entries/[0-9a-f-]+/reverse)"', user.html)
    assert undo is not None
    back = user.again(undo[1], {})
    text = user.see(back.headers["Location"])
    assert "已撤销" in text and "撤销这一笔" not in text
    twice = user.send("/log", "/log", {**sent, "tonnes": "2", "entry_doc_no": "M-1"}, 422)
    assert "M-1" in twice.get_data(as_text=True), "a number that is taken is told"
    assert "产生" in at("operator.p1").see("/log")
    at("operator.p1").look("/log?enterprise=ent.use")
    assert 'value="ent.use"' not in at("operator.p1").html
    assert check_books(db=books(app).db).ok


# --- partners ------------------------------------------------------------------------------------


def rows_of(response_text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response_text.lstrip("\ufeff"))))


def test_partners_tell_whom_a_firm_ships_to_and_start_the_next_load(app: Flask, at: At) -> None:
    sender = at("operator.p1")
    sender.load("dispatch", vehicle="云A·往来")
    html = sender.look("/partners?months=0")
    text = sender.see("/partners?months=0")
    assert "往来单位 甲化工" in text and "丁建材" in text and "发往" in text and "来自" not in text
    again = re.findall(r'href="(/loads/new\?like=[0-9a-f-]{36}[^"]*)"', html)
    assert again, "a way to the next load with them"
    form = sender.look(unescape(again[0]))
    assert 'value="丁建材"' in form and 'value="31.48' not in form, "all but the weight"
    lines = rows_of(sender.client.get("/partners?months=0&format=csv").text)
    mine = rows_of(sender.client.get("/loads?format=csv").text)
    taken = sum(Decimal(row["接收量(吨)"] or 0) for row in mine if row["发货单位"] == "ent.p1")
    assert lines and {row["方向"] for row in lines} == {"发往"}
    assert sum(Decimal(row["接收量 (t)"]) for row in lines) == taken > 0
    sent = [row for row in mine if row["发货时间"] and row["状态"] != "cancelled"]
    assert sum(int(row["车次"]) for row in lines) == len(sent)


def test_partners_are_told_to_those_who_may_read_the_loads(app: Flask, at: At) -> None:
    receiver = at("operator.use")
    assert "来自" in receiver.see("/partners?months=0")
    receiver.look("/partners?of=ent.p1", 404)  # of a firm that is not one's own
    assert "照此开单" not in at("reader.p1").see("/partners?months=0")
    assert "丁建材" in at("park.b").see("/partners?months=0&of=ent.use")
    english = receiver.see("/partners?months=0&lang=en")
    assert "get from" in english and "Another like it" in english
    receiver.look("/partners?lang=zh")
    assert app.test_client().get("/partners").status_code == 302
    assert "没有交付运单" in at("nobody").see("/partners")
    at("nobody").look("/partners?of=ent.p1", 404)


def test_the_log_of_accounts_tells_roles_in_words(at: At) -> None:
    found = at("admin.use").look("/audit-log")
    cells = re.findall(r'<td data-label="说明">([^<]*)</td>', found)
    assert "经办人" in cells and "operator" not in cells


def test_the_permit_or_filing_that_ends_first_is_told() -> None:
    """The receiver's permit for the route; the sender's filing only across provinces."""
    held = Registry(
        regions={code: Region(code, code, code) for code in ("530100", "500000")},
        enterprises={
            code: Enterprise(code, code, code, region=region)
            for code, region in (("a", "530100"), ("b", "530100"), ("c", "500000"))
        },
        facilities={
            "f.b": Facility("f.b", "use", "线", "b", routes=frozenset({"r"}), valid_to=day(30)),
            "f.c": Facility("f.c", "use", "线", "c", valid_to=day(28)),
            "f.old": Facility(
                "f.old", "use", "旧线", "b", routes=frozenset({"r"}), valid_to=day(1)
            ),
            "f.made": Facility("f.made", "generation", "炉", "b"),
        },
        routes={code: Route(code, code, code, "use") for code in ("r", "other")},
        filings={"p": Filing("p", enterprise="a", valid_to=day(20), document="备案一号")},
    )

    def end(way: str, partner: str, route: str = "r") -> tuple[str, date] | None:
        line = {"way": way, "partner": partner, "material": "m", "route": route}
        found = first_end(held, "a", line)
        return (found["title"], found["on"]) if found else None

    assert end("to", "b") == ("线", day(30)) and end("to", "b", "other") is None
    assert end("to", "c") == ("备案一号", day(20)) and end("from", "b") is None
