"""The pages of uploads as HTML: send, say, see, publish, cancel; in both languages; for whom."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import openpyxl
import pytest
from flask import Flask

from tests.load_pages import BOOKS, Clerk, clerk, staffed, words
from tests.permission_cases import bearer, cases, enrol_stances, firm_subject
from wasteflow.web.access import books
from wasteflow.worker import Worker
from wasteflow_models.convert import load_keys

HEADER = ["序号", "小票", "发货方", "客户", "品名", "用途", "日期", "净重(kg)"]


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over small books that all tests of this module share."""
    url = sqlite_books(tmp_path_factory.mktemp("uploads"), BOOKS)
    with staffed(url) as made:
        yield made


def sheet(number: str, to: str = "丁建材") -> bytes:
    """A sheet with a title, one row of 31.48 t in kilograms and a totals row."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(["七月外运"])
    page.append(HEADER)
    page.append([1, number, "甲磷业", to, "phosphogypsum", "pg_use", datetime(2026, 7, 2), 31480])
    page.append(["合计", *[""] * 6, 31480])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sent(app: Flask, who: Clerk, content: bytes, name: str = "七月.xlsx") -> str:
    """The address of an upload after its worker looked at it."""
    values = {"kind": "shipments", "file": (io.BytesIO(content), name)}
    address = who.send("/uploads/new", "/uploads/new", values).headers["Location"]
    assert "刷新" in who.see(address) and 'http-equiv="refresh"' in who.html
    worked(app)
    return address


def worked(app: Flask) -> None:
    assert Worker(books(app).db, lambda: datetime.now(UTC)).once() is not None


def firm_name(app: Flask, code: str) -> str:
    with books(app).db.read() as session:
        return load_keys(session).registry.enterprises[code].name_zh


def test_a_clerk_sends_says_sees_and_publishes(app: Flask) -> None:
    own, other = firm_name(app, "ent.p1"), firm_name(app, "ent.use")
    who = clerk(app, "operator.p1")
    assert "还没有上传过文件" in who.see("/uploads")
    content = sheet("S1", other)
    book = openpyxl.load_workbook(io.BytesIO(content))
    book.worksheets[0]["C3"] = own
    out = io.BytesIO()
    book.save(out)
    address = sent(app, who, out.getvalue())
    page = who.see(address)
    assert "请指定各列的含义" in page and "小票" in page
    fields = {
        name: value
        for name, value in re.findall(
            r'<select id="[^"]*" name="(column-\d+)">.*?<option value="(\w*)" selected>',
            who.html,
            flags=re.DOTALL,
        )
    }
    fields["column-1"] = "doc_no"
    who.send(address, f"{address}/check", {**fields, "header_row": "2", "sheet": "Sheet"})
    worked(app)
    page = who.see(address)
    assert "发布 1 行" in page and "31.48" in page and "合计行" in page
    english = who.see(f"{address}?lang=en")
    assert "Publish 1 rows" in english and "Total" in english
    who.see("/uploads?lang=zh")
    who.send(f"{address}?lang=zh", f"{address}/publish", {})
    worked(app)
    page = who.see(f"{address}?lang=zh")
    assert "新增 1" in page and "再上传一个文件" in page
    listed = who.see("/uploads?lang=zh")
    assert "七月.xlsx" in listed and "已发布" in listed and "31.48" in listed


def test_wrong_rows_are_listed_and_given_back(app: Flask) -> None:
    who = clerk(app, "operator.p1")
    text = "单号,发货单位,收货单位,物料,去向,发货时间,发货量(吨)\n"
    text += "X0,ent.p1,ent.use,phosphogypsum,pg_use,2026-07-01,1\n"
    text += "X1,ent.p1,ent.use,phosphogypsum,pg_use,昨天,1\n"
    text += "X2,ent.p1,ent.nix,phosphogypsum,pg_use,2026/7/41,-5\n"
    address = sent(app, who, text.encode("gb18030"), "错.csv")
    page = who.see(f"{address}?lang=zh")
    assert "2 行有错误" in page and "昨天" in page and "发货时间" in page
    table = who.html.partition('<table class="data upload-wrong">')[2].partition("</table>")[0]
    heads = re.findall(r'<th scope="col">([^<]*)</th>', table)
    assert heads[:4] == ["行", "收货单位", "发货时间", "发货量(吨)"], (
        "columns with a wrong cell stand first"
    )
    assert re.findall(r'<th scope="row" data-label="行">(\d+)</th>', table) == ["3", "4"]
    wrong = re.findall(r'<td class="cell-wrong" data-label="([^"]*)">(.*?)</td>', table)
    titles = ["发货时间", "收货单位", "发货时间", "发货量(吨)"]
    assert [title for title, _ in wrong] == titles, "every wrong cell of a row, not its first alone"
    for (_, cell), value in zip(wrong, ("昨天", "ent.nix", "2026/7/41", "-5"), strict=True):
        assert value in cell and "有误" in cell and 'class="cell-why"' in cell
    assert "X1" in table and "X0" not in table and "2 个错误行中的前 2 行" in page
    assert who.html.count(f"{address}/errors") == 2
    back = who.client.get(f"{address}/errors")
    assert back.status_code == 200
    told = back.get_data().decode("gb18030").splitlines()
    assert told[0].endswith("错误原因")
    assert all(title in told[3] for title in ("收货单位：", "发货时间：", "发货量(吨)："))


def test_an_unusable_file_and_none_at_all(app: Flask) -> None:
    who = clerk(app, "operator.p1")
    address = sent(app, who, b"PK\x03\x04", "坏.xlsx")
    assert "已损坏" in who.see(f"{address}?lang=zh")
    who.look("/uploads/new")
    empty = {"kind": "shipments", "file": (io.BytesIO(b""), "")}
    assert "没有选择文件" in words(who.again("/uploads/new", empty, 422).get_data(as_text=True))
    pdf = {"kind": "shipments", "file": (io.BytesIO(b"%PDF-"), "a.pdf")}
    assert "a.pdf" in words(who.again("/uploads/new", pdf, 422).get_data(as_text=True))


def test_cancelling_and_templates(app: Flask) -> None:
    who = clerk(app, "operator.p1")
    values = {"kind": "entries", "file": (io.BytesIO(b"a,b\n1,2\n"), "x.csv")}
    address = who.send("/uploads/new", "/uploads/new", values).headers["Location"]
    who.send(address, f"{address}/cancel", {})
    assert "已取消" in who.see(f"{address}?lang=zh")
    found = who.client.get("/uploads/templates/shipments.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(found.get_data()))
    assert book["lists"]["A2"].value == firm_name(app, "ent.p1")


def test_pages_are_for_those_the_table_lets_in(app: Flask) -> None:
    who = clerk(app, "operator.p1")
    address = sent(app, who, sheet("S9"), "谁的.xlsx")
    db = books(app).db
    tokens = enrol_stances(db)
    with db.read() as session:
        subject = firm_subject(load_keys(session).registry)
    client = app.test_client()
    for case in cases("import.read", subject):
        headers = bearer(tokens, case.stance)
        status = client.get(address, headers=headers).status_code
        if case.status == 401:
            assert status in (302, 401)
        else:
            case.check(status)
    for case in cases("import.write", subject):
        if case.stance in tokens:
            headers = {"Authorization": f"Bearer {tokens[case.stance]}"}
            case.check(client.post(f"{address}/cancel", headers=headers).status_code)
