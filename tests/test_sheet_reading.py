"""Spreadsheets as they come: formats, days, units, merged and hidden cells, damage, bombs."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.layout import find_header, layout_of, role_of, titles_of
from wasteflow.importing.normalising import Normalised, normalise
from wasteflow.importing.opening import Asked, Source
from wasteflow.importing.package import Limits
from wasteflow.importing.sheets import Workbook

HEADER: list[Any] = [
    "单号",
    "发货单位",
    "收货单位",
    "物料",
    "去向",
    "车牌号",
    "发货时间",
    "发货量(吨)",
]
ROW = ["A1", "甲", "乙", "pg", "retarder", "00123", datetime(2026, 1, 2, 8, 5), 31.48]
MB = 1024 * 1024


def saved(path: Path, *rows: list[Any], **more: Any) -> Path:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if more.get("days_1904"):
        book.epoch = CALENDAR_MAC_1904
    for merged in more.get("merged", ()):
        book.worksheets[0].merge_cells(merged)
    for name in more.get("hidden", ()):
        book.create_sheet(name).append(HEADER)
        book[name].sheet_state = "hidden"
    book.save(path)
    return path


def read(path: Path, **asked: Any) -> tuple[Normalised, list[str]]:
    """What a file of shipments is normalised to, and its lines."""
    source = Source(path, path.name, asked.pop("encoding", ""))
    layout = source.guess("shipments", Asked(**asked))
    out = path.with_suffix(".out")
    rows = source.rows(layout.sheet)
    done = normalise(rows, layout, out, words={}, days_1904=source.days_1904, ragged=source.ragged)
    return done, out.read_text(encoding="utf-8").splitlines()


def test_a_line_break_in_a_cell_moves_no_row(tmp_path: Path) -> None:
    """Faults of the rows behind it would stand at rows that are not theirs."""
    done, lines = read(saved(tmp_path / "b.xlsx", HEADER, ["A\nB", *ROW[1:]], ROW))
    assert len(lines) == 3 and list(done.lines) == [2, 3] and "A B" in lines[1]


@pytest.mark.parametrize("days_1904", [False, True])
def test_days_as_serials_in_both_systems_and_as_people_write_them(
    tmp_path: Path, days_1904: bool
) -> None:
    serial = 46024.5 - (1462 if days_1904 else 0)
    days = [serial, "２０２６／１／２ １２：００", "2026年1月2日 12时0分", datetime(2026, 1, 2, 12)]
    rows = [[*ROW[:6], day, ROW[7]] for day in days]
    path = saved(tmp_path / "d.xlsx", HEADER, *rows, days_1904=days_1904)
    _, lines = read(path)
    found = {line.split(",")[6].replace("/", "-").replace("年", "-") for line in lines[1:]}
    assert {text.replace("月", "-").rstrip("日")[:4] for text in found} == {"2026"}
    assert all("12:00" in text for text in found), found


@pytest.mark.parametrize(
    ("title", "cell", "tonnes"),
    [
        ("净重(kg)", 31480, "31.48"),
        ("净重（公斤）", "31,480", "31.48"),
        ("产量（万吨）", 1.5, "15000"),
        ("发货量(万t)", "0.0031", "31"),
        ("发货量", 0.1 + 0.2, "0.3"),
        ("净重", "３１．４８", "３１．４８"),
    ],
)
def test_units_of_the_header(tmp_path: Path, title: str, cell: Any, tonnes: str) -> None:
    title = title.replace("产量", "发货量")
    path = saved(tmp_path / "u.xlsx", [*HEADER[:7], title], [*ROW[:7], cell])
    _, lines = read(path)
    assert lines[1].split(",")[7] == tonnes


def test_a_unit_above_the_header_holds_for_masses_that_name_none(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["台账"],
        ["", "计量单位：kg"],
        [*HEADER[:7], "净重"],
        [*ROW[:7], 31480],
    ]
    _, lines = read(saved(tmp_path / "a.xlsx", *rows))
    assert lines[1].endswith(",31.48")


def test_the_ticket_is_the_number_where_there_is_no_other() -> None:
    header = ["运输日期", "磅单号", "收货单位"]
    assert layout_of("shipments", 1, header).columns == ("dispatched_at", "doc_no", "consignee")
    both = layout_of("shipments", 1, [*header, "运单号"])
    assert both.columns == ("dispatched_at", "ticket_no", "consignee", "doc_no")
    told = layout_of("shipments", 1, header, chosen={"磅单号": "ticket_no"})
    assert "doc_no" in told.missing and told.columns[1] == "ticket_no"


def test_codes_and_plates_stay_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "c.xlsx", HEADER, [123.0, *ROW[1:]], ["00124", *ROW[1:]])
    _, lines = read(path)
    assert [line.split(",")[0] for line in lines[1:]] == ["123", "00124"]
    assert lines[1].split(",")[5] == "00123"


def test_merged_text_is_filled_down_and_merged_masses_are_not(tmp_path: Path) -> None:
    rows = [[f"M{i}", *ROW[1:]] if i == 0 else [f"M{i}", "", *ROW[2:7], ""] for i in range(3)]
    path = saved(tmp_path / "m.xlsx", HEADER, *rows, merged=("B2:B4", "H2:H4"))
    _, lines = read(path)
    cells = [line.split(",") for line in lines[1:]]
    assert [row[1] for row in cells] == ["甲"] * 3
    assert [row[7] for row in cells] == ["31.48", "", ""]


def test_hidden_sheets_are_read_only_when_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "h.xlsx", ["随便"], ["没有表头"], hidden=["旧"])
    source = Source(path, path.name)
    assert source.guess("shipments", Asked()).header_row == 0
    assert source.guess("shipments", Asked(sheet="旧")).header_row == 1
    with pytest.raises(UnusableFile, match="has no sheet"):
        source.guess("shipments", Asked(sheet="无"))


@pytest.mark.parametrize("first", ["合计", " 总 计 ", "小计：", "Total", "本页合计"])
def test_totals_are_told_from_data(first: str) -> None:
    assert role_of([first, "", 5.0], HEADER) == "total"
    assert role_of(["", first, 5.0], HEADER) == "total"
    assert role_of(["A1", "合计公司", 5.0], HEADER) == "data"


def test_the_header_is_found_below_titles_and_notes() -> None:
    rows: list[tuple[int, list[Any]]] = [
        (1, ["运单台账"]),
        (3, ["日期", "2026年"]),
        (5, list(HEADER)),
        (6, list(ROW)),
    ]
    assert find_header("shipments", rows) == 5
    layout = layout_of("shipments", 5, titles_of(HEADER))
    assert layout.missing == () and layout.unread == ()


def test_text_of_any_delimiter_with_titles_above(tmp_path: Path) -> None:
    body = "\t".join(HEADER) + "\n" + "\t".join([*map(str, ROW[:6]), "2026/1/2", "31.48"]) + "\n"
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes(("外运台账\n\n" + body).encode(encoding))
        done, lines = read(path)
        assert list(done.lines) == [4] and lines[1].split(",")[0] == "A1"


def test_bombs_are_refused_before_anything_opens_them(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (60 * MB))
    with pytest.raises(UnusableFile, match="would inflate"):
        Workbook(path)
    lying = path.read_bytes().replace((60 * MB).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(lying)
    with pytest.raises(UnusableFile, match=r"damaged|inflate"):
        Workbook(path)


def test_a_sheet_of_1048576_rows_is_measured_first(tmp_path: Path) -> None:
    path = saved(tmp_path / "s.xlsx", HEADER, ROW)
    with zipfile.ZipFile(path) as archive:
        parts = {item: archive.read(item) for item in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    last = b'<row r="1048576"><c r="A1048576" t="n"><v>7</v></c></row></sheetData>'
    parts[name] = parts[name].replace(b"</sheetData>", last)
    with zipfile.ZipFile(path, "w") as archive:
        for item, data in parts.items():
            archive.writestr(item, data)
    done, _ = read(path)
    assert list(done.lines) == [2, 1_048_576]
    with pytest.raises(UnusableFile, match="reaches over 1048576 rows"):
        Workbook(path, limits=Limits(cells=1_000_000))


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_are_read_right_or_refused_in_words(tmp_path: Path, seed: int) -> None:
    """Truncated, spliced and flipped bytes: UnusableFile or rows, never another exception."""
    chance = random.Random(seed)
    whole = saved(tmp_path / "w.xlsx", HEADER, *[ROW] * 5).read_bytes()
    kind = seed % 4
    data = bytearray(whole)
    if kind == 0:
        data = data[: chance.randrange(1, len(data))]
    elif kind == 1:
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 2:
        start = chance.randrange(len(data))
        del data[start : start + chance.randrange(1, 400)]
    else:
        data = bytearray(_spoiled(whole, chance))
    ending = chance.choice([".xlsx", ".xls", ".ods", ".csv"])
    path = tmp_path / f"x{ending}"
    path.write_bytes(bytes(data))
    try:
        done, _ = read(path)
    except UnusableFile as error:
        assert error.text("zh") and error.text("en")
    else:
        assert isinstance(done, Normalised)


def _spoiled(whole: bytes, chance: random.Random) -> bytes:
    """A sound archive whose sheet or workbook is spoiled inside."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        target = chance.choice(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
        for name in old.namelist():
            data = bytearray(old.read(name))
            if name == target:
                start = chance.randrange(len(data))
                data[start : start + chance.randrange(1, 60)] = b"<c r='ZZ9'><v>1e999</v>"
            new.writestr(name, bytes(data))
    return out.getvalue()
