"""Files that cannot be used: exit 2, what it is and what to do, in both languages, and no trace."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import Books, entry, load
from wasteflow_models.engine import Database

HEADER = "doc_no,consignor,consignee,material,route,dispatched_at,dispatched_t,remark\n"
ROW = "L{0},maker,cement,pg,retarder,2026-03-02T08:00:00+08:00,30.000,{1}\n"
SHEET = (HEADER + "".join(ROW.format(i, "磷石膏运往水泥厂作缓凝剂") for i in range(40))).encode()


def one_wrong_byte() -> bytes:
    """The Chinese sheet in UTF-8 with a byte that belongs to no character."""
    place = SHEET.index("缓凝剂".encode(), len(SHEET) // 2) + 1
    return SHEET[:place] + b"\xff" + SHEET[place + 1 :]


def zipped() -> bytes:
    """The sheet inside a ZIP archive (as XLSX is one)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", SHEET)
    return out.getvalue()


def wide() -> bytes:
    """A header and a row of 10,000 columns."""
    cells = ",".join(f"c{i}" for i in range(10_000))
    return f"{cells}\n{cells}\n".encode()


FILES: dict[str, tuple[bytes, str, str]] = {
    # name: (content, words in English, words in Chinese)
    "garbage": (random.Random(1).randbytes(20_000), "", ""),
    "wrong byte": (one_wrong_byte(), "line 21", "第 21 行"),
    "zip": (zipped(), "ZIP archive or an XLSX", "压缩包"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel", "旧版 Excel"),
    "html": (b"<html><table><tr><td>x</td></tr></table></html>", "web page", "网页"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF", "PDF"),
    "gzip": (b"\x1f\x8b\x08\x00" + b"\0" * 60, "GZIP", "GZIP"),
    "sqlite": (b"SQLite format 3\0" + b"\0" * 90, "SQLite", "SQLite"),
    "10,000 columns": (wide(), "10000 columns", "10000 列"),
    "NUL byte": (SHEET.replace(b"L20", b"L\x0020"), "0x00", "0x00"),
    "bell": (SHEET.replace(b"L20", b"L\x0720"), "0x07", "0x07"),
    "empty": (b"", "is empty", "是空的"),
    "blank": (b"\xef\xbb\xbf\r\n \r\n", "is empty", "是空的"),
    "open quote": (SHEET.replace(b"L20,", b'L20,"', 1), "", "引号"),
    "huge cell": (SHEET.replace(b"L20,", b"L20," + b"x" * 200_000), "131072", "131072"),
    "unknown column": (SHEET.replace(b"remark", b"remarks"), "remarks", "remarks"),
    "missing column": (SHEET.replace(b"consignee", b"to_facility"), "consignee", "收货单位"),
    "column twice": (SHEET.replace(b"remark", "单号".encode()), "单号", "单号"),
    "title line": (b"Loads of March,,,,,,,\n" + SHEET, "line 2", "第 2 行"),
    "other kind": (b"code,name_zh,is_waste\nx,x,true\n", "materials", "materials"),
    "not even csv": (b"just some words\n", "just some words", "just some words"),
}
JSON_FILES: dict[str, tuple[bytes, str, str]] = {
    "no list": (b'{"doc_no": "A"}', "list", "列表"),
    "broken": (b'[{"doc_no": "A"},\n{"doc_no": ]', "line 2", "第 2 行"),
    "no rows": (b"[]", "is empty", "是空的"),
    "deep": (b"[" * 100_000, "", ""),
}


@pytest.fixture(scope="module")
def before(command: Command) -> dict[str, int]:
    """Row counts of all tables before anything bad was tried."""
    return command.counts()


def refuse(command: Command, path: Path, name: str, english: str, chinese: str) -> None:
    """Both languages: exit 2, one message that names the file and holds the words."""
    for lang, words in (("en", english), ("zh", chinese)):
        result = command("import", "shipments", path, lang=lang)
        assert result.exit_code == 2, (name, result.output)
        assert words in result.stderr, (name, result.stderr)
        assert len(result.stderr) < 2_000 and "Traceback" not in result.output
        assert (lang == "zh") == any("\u4e00" <= c <= "\u9fff" for c in result.stderr[:8]), name


def test_files_that_cannot_be_used(command: Command, before: dict[str, int]) -> None:
    for name, (content, english, chinese) in FILES.items():
        refuse(command, command.file("bad.csv", content), name, english, chinese)
    for name, (content, english, chinese) in JSON_FILES.items():
        refuse(command, command.file("bad.json", content), name, english, chinese)
    assert command.counts() == before


def test_the_wrong_byte_is_found_not_guessed(command: Command, before: dict[str, int]) -> None:
    path = command.file("byte.csv", one_wrong_byte())
    result = command("import", "shipments", path, lang="en")
    assert "line 21" in result.stderr and "not valid UTF-8" in result.stderr
    assert "--encoding" in result.stderr
    for encoding in ("utf-8", "gb18030"):
        assert command("import", "shipments", path, "--encoding", encoding).exit_code == 2
    result = command("import", "shipments", path, "--encoding", "klingon", lang="en")
    assert result.exit_code == 2 and "klingon" in result.stderr
    assert command.counts() == before


def test_no_such_file_a_folder_a_locked_one(command: Command, before: dict[str, int]) -> None:
    folder = command.folder
    for path in (folder / "nowhere.csv", folder):
        result = command("import", "shipments", path, lang="en")
        assert result.exit_code == 2 and str(path) in result.stderr
    if os.name == "posix" and os.geteuid() != 0:
        locked = command.file("locked.csv", SHEET)
        locked.chmod(0)
        assert command("import", "shipments", locked).exit_code == 2
    result = command("import", "wishes", folder / "x.csv")
    assert result.exit_code == 2 and "shipments" in result.stderr
    assert command.counts() == before


def test_rows_with_other_cells_than_the_header(command: Command, before: dict[str, int]) -> None:
    more = SHEET + b"L99,maker,cement,pg,retarder,2026-03-02,1,234.5,too many\n"
    result = command("import", "shipments", command.file("more.csv", more), lang="en")
    assert result.exit_code == 1
    assert "line 42" in result.stderr and "9 cells" in result.stderr
    number = b'[{"doc_no":"A","consignor":"maker","consignee":"cement","material":"pg",'
    number += b'"route":"retarder","dispatched_at":"2026-03-02","dispatched_t":30.5}]'
    result = command("import", "shipments", command.file("number.json", number), lang="en")
    assert result.exit_code == 1 and 'strings such as "31.480"' in result.stderr
    assert command.counts() == before


HOSTILE = (
    "'; DROP TABLE shipment; --",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "@SUM(1)",
    "+1-1",
    "{{7*7}} ${7*7} %s %(x)s {0}",
    "\\x00 \\u0000 \\N",
    'O\'Brien "quoted" `tick`',
    "𠮷野家 🚚 ﷽",
)


def test_hostile_text_is_text(own: Command) -> None:
    """SQL, HTML, formulas and templates go in, and come out as they were."""
    db = Database(own.url)
    books = Books(db, own.folder)
    books.register()
    books.loads(*(load(f"L{i}", "1", "1", remark=text) for i, text in enumerate(HOSTILE)))
    books.entries(*(entry(f"E{i}", "generation", "1", handler=t) for i, t in enumerate(HOSTILE)))
    books.take("enterprises", *({"code": f"x{i}", "name_zh": t} for i, t in enumerate(HOSTILE)))
    db.dispose()
    for ending in ("json", "csv"):
        out = own.folder / f"out.{ending}"
        own.good("export", "shipments", "--out", out)
        content = out.read_text(encoding="utf-8-sig")
        if ending == "json":
            assert [row["remark"] for row in json.loads(content)] == list(HOSTILE)
        else:
            assert "'=HYPERLINK" in content and "'@SUM" in content
        again = json.loads(own.good("import", "shipments", out, "--format", "json"))
        assert (again["taken"], again["skipped"]) == (0, len(HOSTILE))
    result = own("import", "shipments", own.rows("x.csv", load("X", consignor="x" + HOSTILE[0])))
    assert result.exit_code == 1 and "DROP TABLE" in result.stderr
    own.good("import", "shipments", own.rows("x.csv", load("X", consignor=HOSTILE[0])))
    result = own("reverse", HOSTILE[0], "--reason", "x")
    assert result.exit_code == 1
    assert own("check").exit_code == 0


def test_a_new_database_is_made_and_an_old_one_is_left_alone(tmp_path: Path) -> None:
    command = Command(f"sqlite:///{tmp_path / 'deep' / 'new.sqlite3'}", tmp_path)
    assert command("check", lang="en").exit_code == 1  # empty: says what to do
    assert "wasteflow db upgrade" in command("check", lang="en").stderr
    materials = command.rows("m.csv", {"code": "x", "name_zh": "x", "is_waste": "true"})
    command.good("import", "materials", materials)
    command.good("db", "check")
    from wasteflow_models import migrate

    migrate.downgrade(command.url, "0001")
    result = command("import", "materials", materials, lang="en")
    assert result.exit_code == 1 and "wasteflow db upgrade" in result.stderr
    assert migrate.current(command.url) == "0001"
    command.good("db", "upgrade")
    command.good("check")
