"""Tables as XLSX and CSV: typed cells, sums, notes, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from wasteflow.core.errors import InvalidValue, UnusableFile
from wasteflow.exporting.flat import flat_table
from wasteflow.exporting.sheets import COUNT, NUMBER, TONNES, Head, Sheet, csv_pieces, write_xlsx
from wasteflow.schemas.cells import unguard

HEADS = (
    Head("doc_no"),
    Head("vehicle"),
    Head("date", "day"),
    Head("at", "moment"),
    Head("tonnes", TONNES, total=True),
    Head("loads", COUNT, total=True),
    Head("value", NUMBER),
)
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
ROWS: list[list[Any]] = [
    [
        "=1+1",
        "云A12345",
        date(2026, 7, 1),
        datetime(2026, 7, 1, 4, tzinfo=UTC),
        "31.480",
        2,
        "0.65",
    ],
    ["00123", "@SUM(A1)", None, None, Decimal("0.020"), 1, "0.650"],
]
NOTES = [("范围 Scope", "all"), ("合成数据", "=cmd")]


def test_cells_are_typed_and_sums_are_formulas_with_a_value(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    assert write_xlsx(Sheet("loads/2026", HEADS, iter(ROWS), NOTES), path) == 2
    page = openpyxl.load_workbook(path).worksheets[0]
    assert (page.title, page.freeze_panes, page.auto_filter.ref) == ("loads 2026", "B2", "A1:G3")
    first = [cell.value for cell in page[2]]
    assert first[:3] == ["=1+1", "云A12345", datetime(2026, 7, 1)]
    assert first[3] == datetime(2026, 7, 1, 12) and first[4:] == [31.48, 2, 0.65]
    assert page["A2"].data_type == "s" and page["A2"].quotePrefix and page["B3"].quotePrefix
    assert not page["B2"].quotePrefix and page["A3"].value == "00123"
    assert page["G3"].value == "0.650"  # as a number it would come back as 0.65
    assert page["E2"].number_format == "#,##0.000"
    assert page["E4"].value == "=SUBTOTAL(109,E2:E3)" and page["A4"].value == "合计"
    cached = openpyxl.load_workbook(path, data_only=True)
    assert cached.worksheets[0]["E4"].value == pytest.approx(31.5)
    notes = [[cell.value for cell in row] for row in cached.worksheets[1].iter_rows()]
    assert notes == [list(item) for item in NOTES]


def test_csv_is_guarded_and_coded_as_asked() -> None:
    whole = b"".join(csv_pieces(Sheet("t", HEADS, ROWS)))
    assert whole.startswith(b"\xef\xbb\xbfdoc_no,")
    rows = list(csv.reader(io.StringIO(whole.decode("utf-8-sig"))))
    assert rows[1][0] == "'=1+1" and rows[2][1] == "'@SUM(A1)" and rows[1][4] == "31.480"
    assert rows[1][3] == "2026-07-01T12:00:00+08:00"
    assert "云A12345".encode("gb18030") in b"".join(csv_pieces(Sheet("t", HEADS, ROWS), "GB18030"))
    with pytest.raises(InvalidValue):
        list(csv_pieces(Sheet("t", HEADS, ROWS), "latin-1"))


@settings(max_examples=15)
@given(st.lists(st.text("=+-@\t\r\n'a1_x0041 é云", max_size=6), min_size=1, max_size=5))
def test_any_text_comes_back_from_both_formats(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Law: what was text is the same text again, and no cell is a formula."""
    path = tmp_path_factory.mktemp("any") / "t.xlsx"
    rows = [["x", text] for text in texts]
    write_xlsx(Sheet("t", (Head("a"), Head("b")), rows), path)
    read = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    found = [str(row[1]) if len(row) > 1 else "" for row in read[1:]]
    plain = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [text.replace("\r\n", "\n").replace("\r", "\n") for text in found] == plain
    whole = b"".join(csv_pieces(Sheet("t", (Head("a"), Head("b")), rows))).decode("utf-8-sig")
    again = [unguard(row[1]) for row in list(csv.reader(io.StringIO(whole, newline="")))[1:]]
    assert again == texts


def test_too_long_a_cell_and_too_long_a_table_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnusableFile, match="32,767"):
        write_xlsx(Sheet("t", (Head("a"),), [["x" * 40_000]]), tmp_path / "a.xlsx")
    monkeypatch.setattr("wasteflow.exporting.sheets.MOST_ROWS", 3)
    with pytest.raises(UnusableFile) as caught:
        write_xlsx(Sheet("t", (Head("a"),), [["x"]] * 4), tmp_path / "b.xlsx")
    assert caught.value.code == "xlsx_too_many_rows"


def test_reports_are_flat_with_units_in_the_names() -> None:
    rows = [
        {"park": "p", "value": 0.5, "used_t": "1.000", "by_evidence": {"both": "1"}, "notes": []}
    ]
    heads, cells = flat_table([*rows, {"park": "q", "loads": 3}])
    assert [head.name for head in heads][:4] == ["park", "value", "used_t", "by_evidence.both"]
    assert [head.kind for head in heads][1:4] == [NUMBER, TONNES, TONNES]
    assert cells[1] == ["q", None, None, None, None, 3]
