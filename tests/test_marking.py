"""The error file of a spreadsheet: merged reason cells, control characters, memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

from wasteflow.core.errors import RowIssue
from wasteflow.importing import marking
from wasteflow.importing.layout import Layout
from wasteflow.importing.marking import Marked, mark_file
from wasteflow.importing.normalising import normalise
from wasteflow.importing.opening import Asked, Source

HEADER = ["单号", "企业", "类型", "物料", "日期", "吨数", "错误原因"]
ISSUES = [
    RowIssue(3, "tonnes", "-\x0b1", "not_a_number", {"value": "-\x0b1"}),
    RowIssue(4, "tonnes", "x", "not_a_number", {"value": "x"}),
]


def book(path: Path) -> Path:
    """A title, a header, three rows; the reason cells are merged, and so is the title."""
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.append(["七月台账"])
    page.append(HEADER)
    for number in range(3):
        page.append([f"E{number}", "ent.p1", "generation", "pg", "2026-07-01", -1, "旧的原因"])
    page.merge_cells("G3:G5")
    page.merge_cells("A1:G1")
    made.save(path)
    return path


@pytest.mark.parametrize("cell", [b"NaN", b"1e400"])
def test_numbers_that_are_none_are_named_and_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: bytes
) -> None:
    monkeypatch.setattr(marking, "MARKED_BYTES", 0)
    path = tmp_path / "odd.xlsx"
    with zipfile.ZipFile(book(tmp_path / "a.xlsx")) as made, zipfile.ZipFile(path, "w") as out:
        for name in made.namelist():
            out.writestr(name, made.read(name).replace(b"<v>-1</v>", b"<v>" + cell + b"</v>"))
    source = Source(path, path.name)
    layout = source.guess("entries", Asked())
    done = normalise(source.rows(layout.sheet), layout, tmp_path / "out.csv", words={})
    assert len(done.lines) == 3 and not done.sums
    back, _ = marked(path, tmp_path)
    page = openpyxl.load_workbook(back.path).worksheets[0]
    assert page["F4"].value in ("nan", "inf")


def test_a_reason_is_never_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "reasons_of", lambda *_: {3: '=HYPERLINK("x")', 4: "#N/A"})
    back, _ = marked(book(tmp_path / "七月.xlsx"), tmp_path)
    page = openpyxl.load_workbook(back.path).worksheets[0]
    assert back.whole and [page[cell].data_type for cell in ("G3", "G4")] == ["s", "s"]
    assert page["G3"].value == '=HYPERLINK("x")'


def marked(path: Path, folder: Path) -> tuple[Marked, Layout]:
    """The file given back, and how it was read."""
    source = Source(path, path.name)
    layout = source.guess("entries", Asked())
    return mark_file(path, source, layout, ISSUES, "zh", folder), layout


@pytest.mark.parametrize("most", [marking.MARKED_BYTES, 0])
def test_merged_reason_cells_and_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(marking, "MARKED_BYTES", most)
    back, _ = marked(book(tmp_path / "七月.xlsx"), tmp_path)
    assert back.whole == bool(most)
    page = openpyxl.load_workbook(back.path).worksheets[0]
    assert page["G2"].value == "错误原因" and "\\x0b" in page["G3"].value
    assert "不是数字" in page["G4"].value and page["G5"].value is None
    assert page["F4"].fill.fgColor.rgb == "FFFFC7CE"
    assert page["A3"].value == "E0" and page["A1"].value == "七月台账"
    assert [str(item) for item in page.merged_cells.ranges] == (["A1:G1"] if most else [])


def test_a_book_that_cannot_be_changed_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def strange(*_: object) -> None:
        raise KeyError("xl/charts/chart1.xml")

    monkeypatch.setattr(openpyxl, "load_workbook", strange)
    path = book(tmp_path / "a.xlsx")
    back, layout = marked(path, tmp_path)
    monkeypatch.undo()
    assert not back.whole and "written anew" in caplog.text
    assert Source(back.path, "a.xlsx").guess("entries", Asked()).columns == layout.columns
