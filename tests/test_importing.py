"""Reading files: formats, encodings, and that every unusable file says what to do."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.errors import UnusableFile
from wasteflow.core.messages import MESSAGES
from wasteflow.importing.csv_tables import MAX_COLUMNS
from wasteflow.importing.encodings import looks_like_utf8
from wasteflow.importing.errors_file import errors_csv
from wasteflow.importing.reading import read_table
from wasteflow.importing.text_chunks import open_text
from wasteflow.schemas.rows import load_rows

HEADER = "doc_no,enterprise,kind,material,date,tonnes,remark\n"
ROW = "CS1,云南磷化集团有限公司,产生,phosphogypsum,2026-01-02,31.480,磷石膏，湿基\n"
TEXT = HEADER + ROW
TODAY = date(2026, 7, 31)

PHRASES = (
    "云南天安化工有限公司",
    "昆明市",
    "安宁市",
    "磷石膏",
    "钢渣",
    "赤泥",
    "石油焦",
    "综合利用",
    "道路基层",
    "水泥缓凝剂",
    "矿坑生态修复",
    "云A12345",
    "张三",
    "备注：雨天含水率偏高",
    "昆明钢铁控股有限公司",
    "富民县",
    "宜良县",
    "永川区",
    "港桥工业园",
    "发货单位",
    "收货单位",
    "渣库",
    "期初库存",
    "过磅单",
    "拒收",
    "退回",
    "转送",
    "承运单位",
    "一季度",
    "盘点",
)


def unusable(
    data: bytes | Path, name: str = "loads.csv", encoding: str | None = None
) -> UnusableFile:
    with pytest.raises(UnusableFile) as caught:
        read_table(data, name, encoding)
    assert caught.value.code in MESSAGES
    for lang in ("zh", "en"):
        assert "?" not in caught.value.text(lang).replace("？", "")
    return caught.value


# --- what is read ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encodings_are_recognised(encoding: str) -> None:
    table = read_table(TEXT.encode(encoding), "a.csv")
    assert table.columns == tuple(HEADER.strip().split(","))
    assert table.rows == [(2, ROW.strip().split(","))]
    assert table.encoding == {"gbk": "gb18030", "utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(
        encoding, encoding
    )


@pytest.mark.parametrize("encoding", ["utf-8", "GB18030", "gbk", "GB2312", "utf-16"])
def test_encodings_can_be_named(encoding: str) -> None:
    assert (
        read_table(TEXT.encode(encoding), "a.csv", encoding).rows[0][1][1] == "云南磷化集团有限公司"
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter: str, newline: str) -> None:
    text = TEXT.replace(",", delimiter).replace("\n", newline)
    assert read_table(text.encode(), "a.csv").rows == [(2, ROW.strip().split(","))]


def test_tsv_takes_commas_in_its_header_as_text() -> None:
    assert read_table(b"a,b,c\tcode\n1\t2\n", "x.tsv").columns == ("a,b,c", "code")


def test_quoted_line_breaks_keep_the_lines_of_the_file() -> None:
    text = HEADER + 'A,b,c,d,e,f,"two\nlines"\n\n , ,,,,,\nB,b,c,d,e,f,"say ""no"""\n'
    table = read_table(text.encode(), "a.csv")
    assert [(line, cells[0], cells[6]) for line, cells in table.rows] == [
        (2, "A", "two\nlines"),
        (6, "B", 'say "no"'),
    ]


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert read_table(HEADER.encode(), "a.csv").rows == []
    assert read_table(b"\n\n" + HEADER.encode() + b"\n", "a.csv").rows == []


def test_blank_cells_behind_the_table_are_forgotten() -> None:
    table = read_table(b"code,name_zh,,\n1,a,,\n2,b\n3,c,,,,\n", "a.csv")
    assert table.columns == ("code", "name_zh")
    assert table.rows == [(2, ["1", "a"]), (3, ["2", "b"]), (4, ["3", "c"])]


def test_a_row_with_the_wrong_number_of_cells_is_an_issue_of_its_line() -> None:
    table = read_table(b"code,name_zh\n1,a\n2\n3,1,234.5\n4,d\n", "a.csv")
    assert [line for line, _ in table.rows] == [2, 5]
    assert [(issue.line, issue.code) for issue in table.issues] == [
        (3, "wrong_field_count"),
        (4, "wrong_field_count"),
    ]
    assert "3 cells but the header has 2" in table.issues[1].text("en")
    assert [issue.line for issue in load_rows("regions", table, today=TODAY).issues] == [3, 4]


def test_the_guard_of_our_exports_is_taken_off() -> None:
    table = read_table(b"code,name_zh\n'=1,''-x\n'plain,-5\n", "a.csv")
    assert [cells for _, cells in table.rows] == [["=1", "'-x"], ["'plain", "-5"]]


def test_a_path_is_read(tmp_path: Path) -> None:
    path = tmp_path / "entries.csv"
    path.write_text(TEXT, encoding="gb18030")
    assert read_table(path).filename == "entries.csv"


# --- JSON ------------------------------------------------------------------------------------


def test_json_objects_are_rows() -> None:
    text = '[\n {"doc_no": "1", "tonnes": "5.000", "loads": 3},\n\n {"doc_no": "2", "说明": null}]'
    table = read_table(text.encode(), "a.json")
    assert table.columns == ("doc_no", "tonnes", "loads", "说明")
    assert table.rows == [(2, ["1", "5.000", "3", ""]), (4, ["2", "", "", ""])]


def test_json_needs_no_ending_and_keeps_digits() -> None:
    table = read_table('[{"lon": 102.33540, "ok": true}]'.encode("gb18030"), "upload")
    assert table.rows == [(1, ["102.33540", "true"])]


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ('{"tonnes": 5.0}', "mass_as_json_number"),
        ('{"发货量(吨)": 5}', "mass_as_json_number"),
        ('{"tonnes": NaN}', "mass_as_json_number"),
        ('{"doc_no": ["1"]}', "nested_value"),
        ('{"doc_no": {"a": "1"}}', "nested_value"),
        ('{"doc_no": "1", "doc_no": "2"}', "duplicate_key"),
        ('"text"', "not_an_object"),
        ("[1]", "not_an_object"),
    ],
)
def test_json_rows_that_cannot_be_taken(element: str, code: str) -> None:
    table = read_table(f'[{{"doc_no": "0"}},\n{element}]'.encode(), "a.json")
    assert [(issue.line, issue.code) for issue in table.issues] == [(2, code)]
    assert table.issues[0].text("zh") and table.issues[0].text("en")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[",
        '[{"a": 1}',
        '[{"a": 1} {"a": 2}]',
        '[{"a": 1}] x',
        "[{'a': 1}]",
        '[{"a": "\n"}]',
        "[" * 100_000,
        '[{"a": ' + "[" * 100_000,
        '[{"a": 1},]',
        "null",
    ],
)
def test_bad_json(text: str) -> None:
    assert unusable(text.encode(), "a.json").code == "bad_json"


def test_bad_json_names_the_line() -> None:
    assert "line 3 " in unusable(b'[\n {"a": "1"},\n {"a": }\n]', "a.json").text("en")


# --- what is refused -------------------------------------------------------------------------


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b" \r\n\n", "empty_file"),
        (zipped(), "looks_like_zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "looks_like_xls"),
        (b"<html><table><tr><td>x", "looks_like_html"),
        (b"%PDF-1.7 ...", "looks_like_other"),
        (HEADER.encode() + b"a,\0,c", "not_text"),
        (HEADER.encode() + b"a,\x07,c", "not_text"),
        (HEADER.encode() + b'a,"b,c\n' * 3, "bad_quotes"),
        (HEADER.encode() + b'"a"x,b', "bad_quotes"),
        (HEADER.encode() + b'"' + b"x" * 200_000 + b'"', "cell_too_long"),
        (",".join(f"c{n}" for n in range(10_000)).encode(), "too_many_columns"),
        (b"2026\xe5\xb9\xb4\xe5\x8f\xb0\xe8\xb4\xa6,,\n\n" + HEADER.encode(), "header_not_first"),
        (TEXT.encode("gb18030") + b"\xff\xff", "bad_bytes"),
    ],
)
def test_unusable_files(data: bytes, code: str) -> None:
    assert unusable(data).code == code


def test_places_of_faults_are_named() -> None:
    assert unusable(HEADER.encode() + b"a,b\nc,\0").params["line"] == "3"
    title = unusable("某某公司台账\n\n".encode() + TEXT.encode())
    assert title.params["line"] == "3" and "第 3 行" in title.text("zh")
    wrong = unusable(TEXT.encode() + "备注".encode()[:-1] + b"\n")
    assert wrong.params["line"] == "3" and wrong.params["encoding"] == "UTF-8"
    assert wrong.params["offset"] == str(len(TEXT.encode()) + 3)
    assert wrong.params["byte"] == "0xE6"


def test_files_that_are_not_there_or_too_large(tmp_path: Path) -> None:
    assert unusable(tmp_path / "none.csv", "").code == "file_missing"
    assert unusable(tmp_path, "dir.csv").code == "file_unreadable"
    with pytest.raises(UnusableFile) as caught:
        read_table(TEXT.encode(), "a.csv", max_bytes=20)
    assert caught.value.code == "file_too_large"


def test_unknown_encodings_are_refused() -> None:
    for name in ("klingon", "latin-1", "base64"):
        assert unusable(TEXT.encode(), encoding=name).code == "unknown_encoding"
    assert unusable(TEXT.encode("gbk"), encoding="utf-8").code == "bad_bytes"


def test_json_columns_are_limited() -> None:
    wide = json.dumps([{f"c{n}": "" for n in range(MAX_COLUMNS + 1)}])
    assert unusable(wide.encode(), "a.json").code == "too_many_columns"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.json", "a.tsv", "upload"]))
def test_garbage_is_a_table_or_a_clear_refusal(data: bytes, name: str) -> None:
    try:
        table = read_table(data, name)
    except UnusableFile as error:
        assert error.code in MESSAGES
    else:
        assert all(len(cells) == len(table.columns) for _, cells in table.rows)


# --- one wrong byte --------------------------------------------------------------------------


def chinese_text(dice: random.Random, words: int) -> str:
    return "doc_no,remark\n1," + ",".join(dice.choice(PHRASES) for _ in range(words)) + "\n"


@pytest.mark.parametrize("words", [3, 6, 40])
def test_damaged_utf8_is_never_taken_for_gb18030(words: int) -> None:
    dice = random.Random(words)
    tried = 0
    for _ in range(400):
        data = bytearray(chinese_text(dice, words).encode())
        place = dice.choice([index for index, byte in enumerate(data) if byte >= 0x80])
        data[place] = dice.choice([byte for byte in range(0x20, 0x100) if byte != data[place]])
        try:
            data.decode("utf-8")
            continue
        except UnicodeDecodeError as error:
            start = error.start
        tried += 1
        fault = unusable(bytes(data))
        assert fault.code == "bad_bytes"
        assert fault.params["encoding"] == "UTF-8" and fault.params["offset"] == str(start)
    assert tried > 250


@pytest.mark.parametrize("words", [1, 3, 40])
def test_gbk_files_are_never_taken_for_damaged_utf8(words: int) -> None:
    dice = random.Random(words)
    for _ in range(400):
        text = chinese_text(dice, words)
        assert read_table(text.encode("gbk"), "a.csv").encoding in ("gb18030", "utf-8")
        assert not looks_like_utf8(text.encode("gbk"))


def test_the_wrong_byte_is_found_far_into_a_large_file() -> None:
    data = (TEXT + ROW * 3000).encode() + b"CS2,\xe7\xa3,x,x,x,x,x\n" + ROW.encode() * 3000
    fault = unusable(data)
    assert fault.params["line"] == "3003" and fault.params["encoding"] == "UTF-8"


# --- the errors file -------------------------------------------------------------------------


def test_the_errors_file_gives_the_rows_back_and_is_accepted_again() -> None:
    body = "CS1,A,产生,pg,2026-01-02,-1,=cmd\nCS2,A,产生,pg,2026-01-02,1,ok\nCS3,A,x\n"
    table = read_table((HEADER + body).encode("gb18030"), "a.csv")
    parsed = load_rows("entries", table, today=TODAY)
    text = errors_csv(table, parsed.issues, "zh")
    assert text.startswith("\ufeffdoc_no,")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows[0][-1] == "错误原因" and len(rows) == 4
    assert "from_yard" in rows[1][-1] and rows[1][6] == "'=cmd" and rows[2][-1] == ""
    assert rows[3][:3] == ["CS3", "A", "x"] and "单元格" in rows[3][-1]

    again = read_table(text.encode(), "errors.csv")
    assert again.columns == table.columns and again.rows == table.rows
    assert [issue.line for issue in again.issues] == [4]
    second = load_rows("entries", again, today=TODAY)
    assert [issue.code for issue in second.issues] == ["negative_tonnes", "wrong_field_count"]
    assert errors_csv(again, second.issues, "en").splitlines()[0].endswith(",error")


def test_the_mended_errors_file_is_taken() -> None:
    table = read_table((HEADER + "CS1,A,产生,pg,2026-01-02,-1,\n").encode(), "a.csv")
    parsed = load_rows("entries", table, today=TODAY)
    text = errors_csv(table, parsed.issues, "en").replace(",-1,", ",1,")
    mended = load_rows("entries", read_table(text.encode(), "a.csv"), today=TODAY)
    assert mended.issues == [] and mended.rows[0].values["tonnes"] == 1000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_read_again_as_a_stream_gives_the_same_errors_file(
    tmp_path: Path, encoding: str
) -> None:
    """A large file is never held whole: its rows come again, broken and quoted ones too."""
    header = "doc_no,错误原因,enterprise,kind,material,date,tonnes,remark\n"
    rows = [f"E{n},旧,甲,产生,pg,2026-01-02,{n}.5,'=a{n}\n" for n in range(2500)]
    rows[7] = 'E7,,甲,产生,pg,2026-01-02,1,"two\nlines, quoted"\n'
    rows[1300], rows[1301] = "E1300,,甲\n", "\n"
    path = tmp_path / "large.csv"
    path.write_bytes((header + "".join(rows)).encode(encoding))
    table = read_table(path)
    stream = open_text(path, "entries", rows=100)
    assert stream.table is None
    assert list(stream.records()) == list(table.records())
    sizes = [len(chunk.lines) for chunk in open_text(path, "entries", rows=1000).chunks()]
    assert sizes[0] == 199 and sum(sizes) == len(table.rows)  # a row of two lines among them
    assert [len(chunk.lines) for chunk in open_text(path, "entries", rows=9999).chunks()] == [
        sum(sizes)
    ]
    assert stream.columns == table.columns and len(table.broken) == 1
    issues = load_rows("entries", table, today=TODAY).issues
    assert errors_csv(stream, issues) == errors_csv(table, issues)
