"""Damaged and odd files handed in to be published: a clear error or a right result, nothing half.

The quick test draws a few of every format; `-m slow` some hundred.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.fuzzing import damaged, odd_workbook
from tests.store.books import NOW, Books
from tests.store.databases import row_counts
from tests.store.test_uploads import COMMAND, HEADER, row, sheet
from wasteflow.core.messages import MESSAGES
from wasteflow.services.uploads import take_upload
from wasteflow.services.work import Job
from wasteflow.worker import Worker

DATA: Final = Path(__file__).parent.parent / "data"
LINES = ["单号,发货单位,收货单位,物料,去向,发货时间,发货量(吨)"] + [
    f"F{n},磷化工厂,水泥厂,磷石膏,缓凝剂,2026/3/{n + 1},31.48" for n in range(6)
]
WHOLE: Final[dict[str, bytes]] = {
    "csv": "\r\n".join(LINES).encode(),
    "xlsx": sheet(row(1), row(2), row(3)),
    "xls": (DATA / "plant.xls").read_bytes(),
    "ods": (DATA / "plant.ods").read_bytes(),
}
"""Ending → a sound file of that format: of six loads, or of three in a sheet of a plant."""
WORK: Final = ("job", "job_file", "job_chunk", "column_map")
NOT_BOOKS: Final = (*WORK, "place", "stamp", "rollup_month", "rollup_version", "flow_packed")


def held(books: Books) -> dict[str, int]:
    """Rows of the tables that hold what was published."""
    return {name: n for name, n in row_counts(books.db).items() if name not in NOT_BOOKS}


def sent(books: Books, content: bytes, name: str) -> Job:
    """The file after its worker did what it could; published if every row is right."""
    asked: dict[str, Any] = {"db": books.db, "kind": "shipments", "now": NOW, "owner": COMMAND}
    take_upload(**asked, filename=name, pieces=[content], options={"publish": True})
    done = Worker(books.db, lambda: NOW).once()
    assert done is not None
    return done


def judged(books: Books, content: bytes, name: str) -> str:
    """The end of a file, after looking that nothing of it is half in the books."""
    before = held(books)
    done = sent(books, content, name)
    after = held(books)
    assert done.state in ("ready", "refused", "failed", "done"), done
    assert done.error != "job_broke", (name, done.error_params)
    if done.state == "done":
        taken = done.result["report"]["taken"]
        assert after["shipment"] - before["shipment"] == taken, done.result
    else:
        assert after == before, done
    if done.state == "failed":
        assert done.error in MESSAGES and done.error_text("zh") and done.error_text("en")
    if done.state == "refused":
        assert all(issue["code"] in MESSAGES for issue in done.result["issues"])
    return done.state


def fuzz(books: Books, number: int) -> dict[str, int]:
    """States of `number` damaged files of every format and as many odd workbooks."""
    ends: dict[str, int] = {}
    rows = [["磷化工厂 三月台账"], HEADER, *(row(n) for n in range(1, 5)), ["合 计"]]
    for seed in range(number):
        files = [(f"x.{ending}", *damaged(data, ending, seed)) for ending, data in WHOLE.items()]
        files.append(("odd.xlsx", odd_workbook(rows, seed), "xlsx"))
        for name, content, ending in files:
            if not content:
                continue
            state = judged(books, content, f"{name.rpartition('.')[0]}-{seed}.{ending}")
            ends[state] = ends.get(state, 0) + 1
    books.check()
    return ends


def test_sound_files_of_every_format_are_published(shared: Books) -> None:
    assert [judged(shared, data, f"whole.{ending}") for ending, data in WHOLE.items()] == (
        ["done"] * 4
    )


def test_damaged_files_are_told_or_read_right(shared: Books) -> None:
    ends = fuzz(shared, 3)
    assert ends["failed"] and ends["done"] + ends["refused"] + ends["ready"]


@pytest.mark.slow
def test_many_damaged_files_are_told_or_read_right(shared: Books) -> None:
    ends = fuzz(shared, 150)
    print(ends)
    assert ends["failed"] > 50 and ends["done"] > 10
