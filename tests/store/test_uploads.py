"""Uploads on both databases: looked at, checked, published once; refused with the file marked."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from tests.store.books import NOW, Books, load
from tests.store.databases import row_counts
from wasteflow.services import uploads
from wasteflow.services import work as jobs
from wasteflow.services.uploads import Owner, go_on, take_upload
from wasteflow.services.work_files import find_file, read_pieces
from wasteflow.sheet_files import record
from wasteflow.worker import Worker
from wasteflow_models.ledger import BatchRow

COMMAND = Owner("maker", 0, "")
HEADER = ["序号", "运单号", "发货方", "客户", "品名", "用途", "车号", "日期", "净重(kg)", "备注"]


def sheet(*rows: list[Any], title: str = "七月台账", header: list[str] | None = None) -> bytes:
    """A messy sheet like those of plants: title, blank lines, rows, totals, a signature."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append([f"磷化工厂 2026年 {title}"])
    page.append([])
    page.append(header or HEADER)
    for row in rows:
        page.append(row)
    page.append([])
    page.append(["合 计", *[""] * 7, sum(row[8] for row in rows if isinstance(row[8], int))])
    page.append(["填表人：李四"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(number: int, **more: Any) -> list[Any]:
    """A row of the sheet: 31.48 t of phosphogypsum from maker to cement."""
    cells = {"doc": f"YD-{number}", "to": "水泥厂", "day": datetime(2026, 3, 2, 8, 5), "kg": 31480}
    cells |= more
    head = [number, cells["doc"], "磷化工厂", cells["to"], "磷石膏", "缓凝剂", "云A12345"]
    return [*head, cells["day"], cells["kg"], ""]


def sent(books: Books, content: bytes, name: str = "七月.xlsx", **options: Any) -> jobs.Job:
    """An upload of shipments after its worker looked at it."""
    asked: dict[str, Any] = {"db": books.db, "kind": "shipments", "now": NOW, "owner": COMMAND}
    take_upload(**asked, filename=name, pieces=[content], options=options)
    return worked(books)


def worked(books: Books) -> jobs.Job:
    """The job that waits, done by a worker."""
    done = Worker(books.db, lambda: NOW).once()
    assert done is not None
    return done


def published(books: Books, job: jobs.Job) -> jobs.Job:
    """A checked upload, published."""
    go_on(db=books.db, job=job, step=uploads.PUBLISH, told={}, by="", now=NOW)
    return worked(books)


def test_a_sheet_of_a_plant_is_checked_shown_and_published_once(books: Books) -> None:
    content = sheet(row(1), row(2, day=46083), row(3, day="2026年3月2日 8时5分"))
    before = row_counts(books.db)
    job = sent(books, content)
    assert (job.state, job.error, job.result["stage"]) == ("ready", "", "checked")
    assert job.result["rows"] == 3 and job.result["sums"] == {"dispatched_t": "94.44"}
    assert [item[1] for item in job.result["skipped"]] == ["total", "note"]
    assert job.result["shown"][0]["line"] == 4
    first = job.result["shown"][0]["values"]
    assert (first["material"], first["dispatched_t"]) == ("pg", "31.48")
    counts = row_counts(books.db)
    assert {name: n for name, n in counts.items() if n != before[name]}.keys() == {
        "job",
        "job_file",
        "job_chunk",
    }

    done = published(books, job)
    assert (done.state, done.error) == ("done", "")
    assert done.result["report"]["taken"] == 3 and done.batch_id
    assert row_counts(books.db)["shipment"] == 3
    books.check()
    with pytest.raises(Exception, match="done"):
        go_on(db=books.db, job=done, step=uploads.PUBLISH, told={}, by="", now=NOW)

    again = published(books, sent(books, content))
    assert again.result["report"]["skipped"] == 3
    assert row_counts(books.db)["shipment"] == 3


def test_wrong_rows_come_back_marked_and_can_be_sent_again(books: Books) -> None:
    content = sheet(row(1), row(2, to="无此厂"), row(3, kg=-5))
    job = sent(books, content)
    assert (job.state, job.result["bad_rows"]) == ("refused", 2)
    assert [issue["line"] for issue in job.result["issues"]] == [5, 6]
    file = find_file(db=books.db, uid=job.uid, role="errors")
    assert file.filename == "七月.errors.xlsx"
    marked = b"".join(read_pieces(db=books.db, file=file))
    page = openpyxl.load_workbook(io.BytesIO(marked)).worksheets[0]
    assert page["A1"].value == "磷化工厂 2026年 七月台账" and page["K3"].value == "错误原因"
    assert page["K4"].value is None and "无此厂" in page["K5"].value
    assert page["D5"].fill.fgColor.rgb == page["I6"].fill.fgColor.rgb == "FFFFC7CE"

    book = openpyxl.load_workbook(io.BytesIO(marked))
    book.worksheets[0]["D5"], book.worksheets[0]["I6"] = "水泥厂", 31480
    out = io.BytesIO()
    book.save(out)
    done = published(books, sent(books, out.getvalue()))
    assert done.result["report"]["taken"] == 3
    books.check()


def test_csv_in_gb18030_comes_back_in_its_encoding(books: Books) -> None:
    lines = ["单号,发货单位,收货单位,物料,去向,发货时间,发货量(吨)"]
    lines += [
        "A1,磷化工厂,水泥厂,磷石膏,缓凝剂,2026/3/2,31.48",
        "A2,磷化工厂,水泥厂,磷石膏,缓凝剂,昨天,1",
    ]
    job = sent(books, "\r\n".join(lines).encode("gb18030"), "三月.csv")
    assert (job.state, job.result["layout"]["encoding"]) == ("refused", "gb18030")
    file = find_file(db=books.db, uid=job.uid, role="errors")
    text = b"".join(read_pieces(db=books.db, file=file)).decode("gb18030")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][-1] == "错误原因" and rows[1][-1] == "" and "昨天" in rows[2][-1]


def test_what_is_not_known_is_asked_and_remembered(books: Books) -> None:
    header = [*HEADER[:9], "班组"]
    header[1] = "小票"
    content = sheet(row(1), header=header)
    job = sent(books, content)
    assert (job.state, job.result["stage"]) == ("ready", "mapping")
    assert job.result["missing"] == ["doc_no"]
    assert job.result["unread"] == ["小票", "班组"]
    told = {"columns": {"小票": "doc_no", "班组": ""}}
    go_on(db=books.db, job=job, step=uploads.CHECK, told=told, by="", now=NOW)
    checked = worked(books)
    assert checked.result["stage"] == "checked"
    assert published(books, checked).state == "done"
    next_one = sent(books, sheet(row(2), header=header))
    assert next_one.result["layout"]["ignored"] == ["序号", "班组"]
    assert next_one.result["stage"] == "checked"


def test_an_unusable_file_fails_with_its_reason(books: Books) -> None:
    before = row_counts(books.db)
    job = sent(books, b"PK\x03\x04 not really", "x.xlsx")
    assert (job.state, job.error) == ("failed", "spreadsheet_damaged")
    assert row_counts(books.db)["shipment"] == before["shipment"]


def test_file_and_rows_give_the_same_books_as_the_command(books: Books, tmp_path: Path) -> None:
    rows = [load("B1", "30.000", "29.900"), load("B2", "12.5"), load("B3", "7.000", "7.000")]
    text = io.StringIO()
    names = list(dict.fromkeys(name for one in rows for name in one))
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    done = published(books, sent(books, text.getvalue().encode(), "b.csv"))
    assert done.result["report"]["taken"] == 3
    report = books.take("shipments", *rows)
    assert (report.taken, report.skipped) == (0, 3)
    books.check()


def test_a_publication_is_dated_after_the_check_before_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check may take longer than a seal waits for records dated before it."""
    hours, dated = count(), {}

    def noted(**told: Any) -> Any:
        dated[told.get("dry_run", False)] = told["now"]
        return record(**told)

    monkeypatch.setattr("wasteflow.uploads.record", noted)
    asked: dict[str, Any] = {"db": books.db, "kind": "shipments", "now": NOW, "owner": COMMAND}
    take_upload(**asked, filename="七月.xlsx", pieces=[sheet(row(1))], options={"publish": True})
    done = Worker(books.db, lambda: NOW + timedelta(hours=next(hours))).once()
    assert done is not None and done.state == "done"
    assert dated[False] > dated[True]
    with books.db.read() as session:
        batch = session.scalars(select(BatchRow).order_by(BatchRow.id.desc()).limit(1)).one()
        assert batch.recorded_at == dated[False]
