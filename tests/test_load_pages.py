"""The pages of loads as HTML: who sees what, what a form does, what goes wrong and is shown."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from tests.load_pages import BOOKS, NEW, Clerk, clerk, staffed, words
from tests.store.databases import new_database
from wasteflow.services.checking import check_books
from wasteflow.web.access import books
from wasteflow.web.pages import loads_many
from wasteflow.worker import Worker

People = Callable[[str], Clerk]


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over small books that all tests of pages alone share."""
    with staffed(sqlite_books(tmp_path_factory.mktemp("loads"), BOOKS)) as made:
        yield made


@pytest.fixture(scope="module")
def at(app: Flask) -> People:
    """``at(login)``: somebody of the cast at a browser."""
    return cache(lambda login: clerk(app, login))


@pytest.fixture
def own_app(
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    filled: Callable[..., str],
) -> Iterator[Flask]:
    """The application over books of one test, on both databases."""
    template = filled(database_kind, BOOKS)
    with new_database(request, database_kind, tmp_path, template) as url, staffed(url) as made:
        yield made


# --- the common way ----------------------------------------------------------------------------


def test_a_load_goes_from_the_short_form_to_accepted_with_one_tap(own_app: Flask) -> None:
    sender, receiver = clerk(own_app, "operator.p1"), clerk(own_app, "operator.use")
    load = sender.load("dispatch", ticket_no="F-1")
    text = sender.see(load)
    assert "已开单并发运" in text and "31.48 吨" in text and "快运物流" in text
    assert "全部接收" not in text, "the consignor accepts nothing"
    inbox = receiver.see("/inbox")
    assert "待验收 2" in inbox and "全部接收 31.48 吨" in inbox
    receiver.again(f"{load}/decide", {"received_t": "31.480", "back": "inbox"})
    assert "已验收" in receiver.see("/inbox")
    text = receiver.see(load)
    assert "已接收" in text and "双方确认" in text and "Operator.Use · 丁建材" in text
    assert check_books(db=books(own_app).db).ok


def test_ticked_loads_are_accepted_together_and_each_stands_alone(own_app: Flask) -> None:
    sender, receiver = clerk(own_app, "operator.p1"), clerk(own_app, "operator.use")
    loads = [sender.load("dispatch") for _ in range(3)]
    page = receiver.look("/inbox")
    boxes = re.findall(r'name="id" value="([^"]+)"', page)
    assert len(boxes) == 4
    mine = [box for box in boxes if any(box.split()[0] in load for load in loads)]
    stale = mine[0].split()[0] + " 99"
    receiver.again("/inbox/accept", {"id": [stale, *mine[1:]]})
    text = receiver.see("/inbox")
    assert "已验收 2 单" in text and "第 99 版" in text
    assert "待验收 2" in text


def test_the_last_load_of_a_link_is_repeated_by_one_click(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch")
    page = sender.look("/loads/new")
    again = re.search(r'href="(/loads/new\?like=[^"]+)"', page)
    assert again and again[1].endswith(load.rsplit("/", 1)[1])
    page = sender.look(again[1])
    assert 'value="丁建材"' in page and 'value="云A·12345"' in page
    assert 'name="dispatched_t"' in page and 'value="31.480"' not in page


# --- what goes wrong ---------------------------------------------------------------------------


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(at: People) -> None:
    sender = at("operator.p1")
    for name, wrong in (("dispatched_t", "31,48x"), ("partner", "没有这家")):
        sender.load("issue", 422, **{"remark": "急", name: wrong})
        field = re.search(rf'<input[^>]*id="n-{name}"[^>]*>', sender.html)
        assert field and 'aria-invalid="true"' in field[0] and f'value="{wrong}"' in field[0]
        assert f'id="n-{name}-error"' in sender.html
        assert "急" in sender.html and 'value="pg_use" selected' in sender.html


def test_a_draft_that_cannot_be_issued_is_kept_and_says_so(at: People) -> None:
    sender = at("operator.p1")
    sender.load("dispatch", 422, dispatched_t="")
    assert "已存为草稿，尚未开单" in sender.html and 'id="n-dispatched_t-error"' in sender.html
    draft = re.search(r'href="(/loads/[0-9a-f-]{36})"', sender.look("/loads?state=draft"))
    assert draft and "未编号草稿" in sender.html
    sender.send(f"{draft[1]}/edit", f"{draft[1]}/edit", {**NEW, "step": "dispatch"})
    assert "在途" in sender.see(draft[1])


def test_a_warning_is_shown_and_does_not_block(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch", dispatched_t="45")
    text = sender.see(load)
    assert "在途" in text and "35" in text, "45 t is above the payload cap of 35 t"


def test_an_old_form_shows_what_the_other_side_did_and_keeps_what_was_typed(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    receiver.look(load)
    sender.move(load, "hand_over", carrier="慢运物流")
    receiver.again(
        f"{load}/decide", {"received_t": "31.4", "refused_t": "2", "reason": "结块"}, 409
    )
    page, text = receiver.html, receiver.see
    assert "这张运单有了变化" in page and "交接" in page
    assert 'value="31.4"' in page and "结块" in page
    receiver.again(f"{load}/decide", {"received_t": "31.4", "refused_t": "2", "reason": "结块"})
    assert "部分接收" in text(load)


def test_what_is_no_longer_open_shows_what_was_typed(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    sender.look(load)
    receiver.move(load, "decide", received_t="31.48")
    sender.again(f"{load}/cancel", {"reason": "司机退单", "carrier_statement": "老王"}, 409)
    assert "现在不能再办这件事了" in sender.html and "司机退单" in sender.html


# --- refusals, disputes, one side ---------------------------------------------------------------


def test_a_refused_part_is_sent_back_as_a_child(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    receiver.move(load, "decide", 422, received_t="31.480", refused_t="5.2")
    assert 'id="m-decide-reason-error"' in receiver.html
    receiver.again(f"{load}/decide", {"received_t": "31.480", "refused_t": "5.2", "reason": "湿"})
    text = receiver.see(load)
    assert "还有 5.20 吨拒收货物没有去向" in text and "退回发货单位" in text
    assert "退回发货单位" not in sender.see(load), "who refused it moves it"
    page = f"{load.replace('/loads/', '/loads/new?parent=')}&kind=return"
    answer = receiver.send(page, "/loads/new", {**_form(receiver, page), "step": "dispatch"})
    child = answer.headers["Location"]
    text = sender.see(child)
    assert "退回单" in text and "5.20 吨" in text
    sender.move(child, "decide", received_t="5.200")
    assert "没有去向" not in receiver.see(load)


def _form(who: Clerk, page: str) -> dict[str, str]:
    """What stands in the fields of the form of a new load."""
    html = who.look(page)
    found = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', html))
    for name, body in re.findall(r'<select[^>]*name="(\w+)"(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    return {name: value for name, value in found.items() if value} | {"vehicle": "云A·1"}


def test_a_dispute_says_from_when_the_park_may_settle(at: People) -> None:
    sender, receiver, park = at("operator.p1"), at("operator.use"), at("park.b")
    load = sender.load("dispatch")
    receiver.move(load, "decide", received_t="26.1", reason="磅差")
    text = park.see(load)
    assert "园区最早可在" in text and "裁定争议" not in text, "the parties have their days first"
    assert "本园区的争议" in park.see("/inbox")
    sender.move(load, "contest", reason="我方磅单为准")
    assert "发货单位不认可收货重量" in receiver.see(load)
    sender.move(load, "acknowledge")
    assert "有争议" not in sender.see(load)


def test_reminding_comes_before_closing_alone(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch")
    assert "单方办结" not in sender.see(load).replace("可凭单据单方办结", "")
    sender.move(load, "remind")
    assert "起仍无答复，可凭单据单方办结" in sender.see(load)


def test_the_owing_side_is_offered_no_reminder_of_itself(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    assert f'action="{load}/remind"' in sender.look(load)
    assert f'action="{load}/remind"' not in receiver.look(load)


# --- corrections --------------------------------------------------------------------------------


def test_a_correction_is_previewed_proposed_and_approved(own_app: Flask) -> None:
    sender, receiver = clerk(own_app, "operator.p1"), clerk(own_app, "operator.use")
    load = sender.load("dispatch")
    receiver.move(load, "decide", received_t="31.46")
    page = f"{load}/revise"
    told = {"dispatched_t": "31.840", "why": "看错一位"}
    sender.send(page, page, {**told, "step": "check"}, 200)
    assert "更正前" in sender.html and "须经同意" in sender.html and "31.48 吨" in sender.html
    sender.again(page, {**told, "step": "send"})
    text = receiver.see(load)
    assert "有一项更正等待答复" in text and "31.84 吨" in text and "看错一位" in text
    assert "待答复的更正" in receiver.see("/inbox")
    receiver.move(load, "approve")
    text = sender.see(load)
    assert "第 1 次更正：已同意" in text and "31.84 吨" in text


def test_a_wrong_weight_is_corrected_beside_it_and_agreed_from_the_inbox(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    receiver.move(load, "decide", received_t="31.46")
    assert 'id="fix"' not in at("gate.p1").look(load), "who may not revise gets no form"
    told = {"received_t": "31.64", "refused_t": "0.000", "why": "录入错误", "step": "send"}
    receiver.send(load, f"{load}/revise", told)
    assert "31.46 吨 → 31.64 吨" in sender.see("/inbox")
    sender.again(f"{load}/approve", {})
    assert "已同意，更正生效" in sender.see("/inbox")
    text = sender.see(load)
    assert "更正前 31.46" in text and "更正后的数已在以下各处" in text
    places = re.findall(r'href="([^"]+)"', sender.html.partition('class="places"')[2])[:4]
    for place in places:
        sender.look(unescape(place))
    assert "到货量 31.46 → 31.64 吨" in sender.see(f"{load}/print")
    receiver.send(load, f"{load}/revise", {**told, "why": ""}, 422)
    assert 'id="v-why-error"' in receiver.html, "the whole form says what is wrong"


def test_a_file_of_corrections_is_shown_first_and_each_load_stands_alone(
    at: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    loads = [sender.load("dispatch") for _ in range(3)]
    for load in loads[:2]:
        receiver.move(load, "decide", received_t="31.46")
    numbers = [re.findall(r"W\d{14}", sender.look(load))[0] for load in loads]
    rows = "单号,更正字段,更正为,更正原因\n"
    rows += f"{numbers[0]},发货量,31.840,<b>抄错</b>\n{numbers[0]},车牌号,云A·9,抄错\n"
    rows += f"{numbers[1]},dispatched_t,九十,错\n{numbers[1]},物料,月尘,错\n"
    rows += f"{numbers[2]},备注,急,补记\n"
    rows += f"没有,remark,x,y\n{numbers[2]},consignee,x,y\n"
    page, sent = "/loads/corrections", "/loads/corrections/send"
    assert f'href="{page}"' in sender.look("/loads")

    def check(text: str, status: int = 200) -> str:
        file = io.BytesIO(text.encode("gb18030")), "更正.csv"
        sender.send(page, page, {"file": file}, status)
        return words(sender.html)

    text = check(rows)
    assert "提出 1 张运单的更正" in text and "须经 丁建材 同意" in text and "<b>抄错</b>" in text
    assert "31.48" in text and "31.84" in text and "没有单号为“没有”的运单" in text
    assert "九十" in text and "月尘" in text, "as it was written"
    assert "1 行不能用" in text and "可更正" in text, "its load is left out"
    assert "不能更正" in text and "有一项更正等待答复" not in sender.see(loads[0])
    text = check(rows.rpartition(f"{numbers[2]},consignee")[0])
    assert "提出 2 张运单的更正" in text and "提出即生效" in text
    held = sender.hidden(sent)
    sender.again(sent, {}, 200)
    text = words(sender.html)
    assert "已提出 2 张运单的更正" in text and "等待答复" in text and "已生效" in text
    assert "31.84 吨" in receiver.see(loads[0]) and "急" in sender.see(loads[2])
    receiver.move(loads[0], "approve")
    for rows_back, status, said in ((held["rows"], 200, "2 张没有提出"), ("[1]", 422, "重新上传")):
        sender.look(page)
        token = {"csrf_token": sender.hidden(page)["csrf_token"], "rows": rows_back}
        answer = sender.client.post(sent, data=token)
        assert answer.status_code == status and said in words(answer.get_data(as_text=True))
    assert "缺少必需的列" in check("a,b\n1,2\n", 422)
    sender.send(page, page, {"file": (io.BytesIO(b""), "")}, 422)
    assert "没有数据" in check("单号,更正字段,更正为,更正原因\n,,,\n", 422)
    monkeypatch.setattr(loads_many, "CORRECTION_BYTES", 2)
    assert "请分成几个文件" in check("a,b\n1,2\n", 413)
    body = sender.client.get(f"{page}?format=csv").get_data().decode("utf-8-sig")
    assert body.splitlines()[0].startswith("doc_no,consignor,field,value,why")
    at("park.b").look(page, 403)


def test_many_corrections_are_proposed_in_the_background(
    own_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads_many, "MANY", 1)
    sender, receiver = clerk(own_app, "operator.p1"), clerk(own_app, "operator.use")
    loads = [sender.load("dispatch") for _ in range(2)]
    for load in loads:
        receiver.move(load, "decide", received_t="31.46")
    numbers = [re.findall(r"W\d{14}", sender.look(load))[0] for load in loads]
    rows = "单号,更正字段,更正为,更正原因\n"
    rows += f"{numbers[0]},发货量,31.840,抄错\n{numbers[1]},备注,急,补记\n"
    page = "/loads/corrections"
    sender.send(page, page, {"file": (io.BytesIO(rows.encode()), "a.csv")}, 200)
    where = sender.again(f"{page}/send", {}).headers["Location"]
    text = sender.see(where)
    assert "正在提出更正" in text and "已处理 0 / 2 张运单" in text and "data-live" in sender.html
    assert where in sender.look(page), "it is found again"
    receiver.look(where, 404)
    Worker(books(own_app).db, lambda: datetime.now(UTC)).once()
    text = sender.see(where)
    assert "已提出 2 张运单的更正" in text and "等待答复" in text and "已生效" in text
    assert "31.48" in text and "31.84" in text and "data-live" not in sender.html
    text = sender.see(page)
    assert "已完成" in text and "已发布" not in text, "nothing was published"
    assert "31.84 吨" in receiver.see(loads[0]) and "急" in sender.see(loads[1])
    assert check_books(db=books(own_app).db).ok


def test_a_correction_needs_its_reason_and_a_change(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch")
    page = f"{load}/revise"
    sender.send(page, page, {"dispatched_t": "31", "why": "", "step": "check"}, 422)
    assert 'id="v-why-error"' in sender.html and 'value="31"' in sender.html
    sender.send(page, page, {"why": "无", "step": "check"}, 422)
    assert "与现有记录相同" in sender.html


def test_a_refused_correction_needs_a_reason_and_leaves_the_load(at: People) -> None:
    sender, receiver = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    receiver.move(load, "decide", received_t="31.46")
    page = f"{load}/revise"
    sender.send(page, page, {"dispatched_t": "31.9", "why": "错", "step": "send"})
    receiver.move(load, "refuse", 422, reason="")
    receiver.again(f"{load}/refuse", {"reason": "磅单是对的"})
    assert "未同意" in sender.see(load) and "磅单是对的" in sender.see(load)
    sender.send(page, page, {"dispatched_t": "31.9", "why": "错", "step": "send"})
    sender.move(load, "withdraw")
    assert "已撤回" in sender.see(load)


# --- who may what -------------------------------------------------------------------------------


def test_pages_are_closed_to_those_without_business_or_right(app: Flask, at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch")
    nobody, gate = at("nobody"), at("gate.p1")
    for page in (load, f"{load}/print", f"{load}/revise"):
        nobody.look(page, 404)
    nobody.look("/loads/new", 403)
    sender.look("/loads/new?side=consignee")
    assert "没有等您办理的事" in nobody.see("/inbox")
    assert f'action="{load}/hand_over"' in gate.look(load)
    assert f'action="{load}/cancel"' not in gate.html and "更正" not in gate.html.split("<main")[1]
    stranger = app.test_client()
    for page in ("/inbox", "/loads", "/loads/new", load, "/entries", "/months"):
        answer = stranger.get(page)
        assert answer.status_code == 302 and "/sign-in" in answer.headers["Location"], page


def test_the_menu_follows_the_rights(at: People) -> None:
    menus = {
        login: set(re.findall(r'href="(/\w+(?:/new)?)"', _menu(at(login).look("/inbox"))))
        for login in ("operator.p1", "driver", "park.b", "admin.use")
    }
    kept = {"/inbox", "/loads", "/exports"}
    assert menus["driver"] == kept
    kept |= {"/entries", "/products", "/uploads"}
    assert menus["operator.p1"] == kept | {"/loads/new", "/gate", "/log", "/partners"}
    assert menus["park.b"] == kept | {"/months", "/boundaries"}
    work = {"/loads/new", "/gate", "/log", "/partners", "/months"}
    assert menus["admin.use"] == kept | work


def _menu(html: str) -> str:
    return html.partition('class="work-nav"')[2].partition("</nav>")[0]
