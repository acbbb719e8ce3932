"""Pages as reported at a close, on both databases: selector, banner, figures then and today."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests import web_books
from wasteflow.services.closing import close_month
from wasteflow.services.corrections import reverse
from wasteflow.web.access import books

JUDGED = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.p1,enterprise:ent.p1,phosphogypsum,official,>=,0.25,fraction,2026,binding,县方案\n"
)

Client = Callable[..., FlaskClient]


@pytest.fixture
def client(client_of: Client) -> FlaskClient:
    """Park A closed its months to March; then its January load s1 was reversed."""
    made = client_of((*web_books.REGISTRY, ("targets", JUDGED), *web_books.TRADED))
    db = books(made.application).db
    close_month(db=db, park="park.a", month=202603, now=web_books.NOW)
    reverse(db=db, doc_no="s1", reason="never left", now=web_books.NOW)
    return made


def words(client: FlaskClient, path: str) -> str:
    """Text of a page that must open, without tags."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_rates_as_reported_stand_beside_todays(client: FlaskClient) -> None:
    told = words(client, "/rates?scope=enterprise:ent.p1&as_of=2026-03&lang=zh")
    assert "按2026年3月结账时上报的账" in told
    assert "2026年第1季度" in told  # the period is cut at the close
    assert "综合利用率 21.7 % → 今天 1.7 % −20.0 个百分点" in told
    assert "利用量 325.0 吨 → 今天 25 吨 −300.0 吨" in told
    assert "产生量 与今天相同" in told
    today = words(client, "/rates?scope=enterprise:ent.p1&period=2026Q1&lang=zh")
    assert "结账时上报" not in today and "1.7 %" in today


def test_balances_and_targets_as_reported(client: FlaskClient) -> None:
    told = words(client, "/balances?as_of=2026-03&lang=en")
    assert "As reported at the close of Mar 2026" in told
    assert "Balance lines 3 of 7 changed" in told
    assert "Not closed for that month, so still open to change: Producer Two, Trader, User" in told
    assert "1,500 330.0 1,170" in told  # the works of ent.p1, s1 gone from it
    board = words(client, "/targets?as_of=2026-03&lang=en")
    assert "Year to date 2 of 5 changed Status 1 of 5 changed" in board
    assert "Declared (Q1 2026) 21.7 %" in board


def test_nothing_booked_later_says_so(client: FlaskClient) -> None:
    told = words(client, "/rates?scope=enterprise:ent.p2&as_of=2026-03&lang=en")
    assert "Nothing booked since changes these figures" in told
    assert "Producer Two" in told.partition("Not closed for that month")[2]


def test_the_selector_stands_on_pages_that_can_show_it(client: FlaskClient) -> None:
    for path in ("/rates", "/balances", "/targets"):
        text = client.get(f"{path}?lang=en&as_of=2026-02").text
        months = re.search(r'name="as_of".*?</select>', text, re.S)
        assert months is not None, path
        assert re.findall(r'value="([\d-]*)"', months[0]) == ["", "2026-03", "2026-02", "2026-01"]
        assert 'value="2026-02" selected' in months[0]
        assert "as_of=2026-02" in text.replace(months[0], "")  # links keep it
    for path in ("/", "/flows", "/quota"):
        assert 'id="f-as-of"' not in client.get(f"{path}?as_of=2026-02").text


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/rates?as_of=soon&lang=zh", "soon"),
        ("/balances?period=2026-05&as_of=2026-03&lang=zh", "晚于 2026-03"),
    ],
)
def test_a_month_that_cannot_be_shown_is_told(client: FlaskClient, path: str, says: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, says in answer.text) == (422, True)
