"""Lists of loads, their files and slips, papers of a load, and what a guest reads of them."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import update

from tests import web_books
from tests.load_pages import clerk
from tests.test_load_pages import People, app, at
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import AccountConfig
from wasteflow.web.access import books
from wasteflow.worker import Worker
from wasteflow_models.jobs import JobRow

__all__ = ["app", "at"]


def test_the_list_filters_pages_and_exports(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("dispatch", remark="=cmd")
    number = re.search(r"<h1>(W\d+)</h1>", sender.look(load))
    assert number
    assert number[1] in sender.see("/loads?state=in_transit&party=丁建材&material=phosphogypsum")
    assert "没有符合条件的运单" in sender.see("/loads?state=lost")
    assert "不是期间" in sender.see("/loads?period=2026-13", 422)
    text = sender.client.get("/loads?format=csv&state=in_transit").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    mine = next(row for row in rows if row["单号"] == number[1])
    assert mine["发货量(吨)"] == "31.480" and not mine["备注"].startswith("=")


def test_the_list_is_sorted_by_its_headings_and_keeps_the_filter(at: People) -> None:
    sender = at("operator.p1")
    for tonnes in ("31.480", "12.000", "25.000"):
        sender.load("dispatch", dispatched_t=tonnes)
    html = sender.look("/loads?state=in_transit&sort=-tonnes")
    heads = re.findall(r'aria-sort="(\w+)"><a href="([^"]*)"', html)
    assert [word for word, _ in heads] == ["none"] * 4 + ["descending"]
    assert all("state=in_transit" in href for _, href in heads)
    assert heads[-1][1].endswith("sort=tonnes") and "sort=-date" in heads[3][1]
    assert re.search(r'<option value="-tonnes" selected>', html)  # the filter keeps the sort
    for sort, reverse in (("tonnes", False), ("-tonnes", True)):
        text = sender.client.get(f"/loads?format=csv&state=in_transit&sort={sort}").text
        rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
        sent = [float(row["发货量(吨)"]) for row in rows]
        assert len(set(sent)) >= 3 and sent == sorted(sent, reverse=reverse)


def test_long_lists_come_as_files_at_once_or_later(
    at: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = at("operator.p1")
    sender.load("dispatch")
    for page, name in (("/loads", "own_loads"), ("/entries", "own_entries")):
        for ending in ("xlsx", "csv"):
            assert f"format={ending}" in sender.look(page)
        file = sender.client.get(f"{page}?format=xlsx")
        book = openpyxl.load_workbook(io.BytesIO(file.data))
        rows = list(book.worksheets[0].iter_rows(values_only=True))
        assert rows[0][0] == "单号" and len(rows) > 2 and rows[-1][0] == "合计"
        assert file.headers["Content-Disposition"].endswith(f'"wasteflow-{name}.xlsx"')
        coded = sender.client.get(f"{page}?format=csv&encoding=gb18030").data.decode("gb18030")
        assert len(list(csv.reader(io.StringIO(coded)))) == len(rows) - 1
    monkeypatch.setattr("wasteflow.web.list_files.AT_ONCE", 0)
    answer = sender.client.get("/loads?format=csv&state=in_transit&material=phosphogypsum")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/exports?material=phosphogypsum",  # what the list was narrowed to
    )
    with sender.client.application.app_context():
        db = books().db
    job = Worker(db, lambda: datetime.now(UTC), kinds=("export",)).once()
    assert job is not None and (job.state, job.subject) == ("done", "own_loads"), job
    assert job.result["rows"] >= 1
    page = sender.see("/exports")
    file = sender.client.get(f"/exports/{job.uid}/file")
    assert "在途" not in page and file.status_code == 200
    assert len(file.data.decode("utf-8-sig").splitlines()) == job.result["rows"] + 1
    form = {"kind": "own_loads", "format": "csv"}
    for word in ({"scope": "park:a/\nb"}, {"encoding": "rot13"}, {"crs": "Mars"}):
        sender.send("/exports", "/exports", form | word, 422)
    lost = json.dumps({**job.options, "reach": "planner\nenterprise_admin ent.p1"})
    with db.write() as session:  # what rested on a membership is not given without it
        session.execute(update(JobRow).where(JobRow.uid == job.uid).values(options=lost))
    assert sender.client.get(f"/exports/{job.uid}/file").status_code in (403, 404)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_reads_in_both_languages(app: Flask, lang: str) -> None:
    sender, receiver, park = (clerk(app, who) for who in ("operator.p1", "operator.use", "park.b"))
    load = sender.load("dispatch")
    receiver.move(load, "decide", received_t="26", refused_t="2", reason="x")
    pages = ["/inbox", "/loads", load, f"{load}/print", "/entries", "/months"]
    for who, more in ((sender, [f"{load}/revise", "/loads/new"]), (receiver, []), (park, [])):
        for page in [*pages, *more]:
            html = who.look(f"{page}?lang={lang}")
            assert f'<html lang="{"en" if lang == "en" else "zh-CN"}"' in html
            assert not re.search(r"<[^>]+\s(on\w+|style)=", html), page
    assert ("State" if lang == "en" else "状态") in sender.see(f"/loads?lang={lang}")


def test_the_slip_names_parties_goods_and_weights(at: People) -> None:
    sender = at("operator.p1")
    load = sender.load("issue")
    text = sender.see(f"{load}/print")
    for part in ("甲化工", "丁建材", "磷石膏", "31.48", "云A·12345", "司机签字"):
        assert part in text


def test_where_everybody_reads_a_guest_sees_the_list_and_can_do_nothing(app: Flask) -> None:
    clerk(app, "operator.p1").load("dispatch")
    url = books(app).config.database_url
    open_app = create_app(Config(url, accounts=AccountConfig(open_reading=True)))
    page = open_app.test_client().get("/loads").get_data(as_text=True)
    assert "甲化工" in page and re.search(r'href="/loads/[0-9a-f-]{36}', page)
    assert open_app.test_client().get("/loads/new").status_code in (302, 401, 403)
    books(open_app).db.dispose()


def test_a_photo_of_the_ticket_is_added_shown_and_kept_from_others(
    at: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WASTEFLOW_INSTANCE", str(tmp_path))
    sender, taker = at("operator.p1"), at("operator.use")
    load = sender.load("dispatch")
    photo = b"\xff\xd8\xff" + b"jpeg" * 40
    for name, kind, bytes_, said in (
        ("磅单 1.jpg", "image/jpeg", photo, "已添加"),
        ("磅单 1.jpg", "image/jpeg", photo, "已经在了"),
        ("run.jpg", "image/jpeg", b"<script>", "run"),
    ):
        form = {"file": (io.BytesIO(bytes_), name, kind), "remark": web_books.HOSTILE}
        taker.send(load, f"{load}/papers", form)
        page = taker.look(load)
        assert (said in page) is (name != "run.jpg"), name
    assert page.count("磅单 1.jpg") == 1 and "run.jpg" not in page and "<script>alert" not in page
    address = re.search(rf'href="({load}/papers/[0-9a-f-]+)"', page)
    assert address
    shown = sender.client.get(address[1])
    assert shown.data == photo and shown.mimetype == "image/jpeg"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert at("nobody").client.get(address[1]).status_code == 404
    other = sender.load("dispatch")
    assert sender.client.get(f"{other}/papers/{address[1].rpartition('/')[2]}").status_code == 404
