"""Damage for files of every accepted format, drawn by a seed; and odd workbooks."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import openpyxl
from openpyxl.styles import PatternFill

_MB: Final = 1024 * 1024
SPLICES: Final = (
    b"<c r='ZZ9'><v>1e999</v></c>", b"</row>", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'b'>]>",
    b"\xff\xfe", b"1e309", b"-0", b"NaN", b"t='s'><v>99999999</v>", b"r='A0'", b"\x00" * 40,
)  # fmt: skip
"""What is put into the parts of an archive."""
CELLS: Final[tuple[Any, ...]] = (
    "=1+1", "=SUM(A1:A9)", "#N/A", "#REF!", True, False, -1, 1e300, 0.1 + 0.2, "１２．５", "12,5",
    "1e5", "", " ", "\t", "合计", "31.4805", datetime(1899, 12, 31), datetime(9999, 12, 31),
    "a" * 40_000,
    "=" * 300, "'=1", "２０２６年３月２日", "2026/13/45", 46083.5, -46083, "nan",
    "inf", "\u202e123", "万",
)  # fmt: skip
"""What is put into cells."""
Damage = Callable[[bytes, random.Random], bytes]


def cut(data: bytes, chance: random.Random) -> bytes:
    """The file broke off."""
    return data[: chance.randrange(1, len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Some bytes are others."""
    found = bytearray(data)
    for _ in range(chance.randrange(1, 30)):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def spliced(data: bytes, chance: random.Random) -> bytes:
    """A piece is missing, or stands twice."""
    start = chance.randrange(len(data))
    length = chance.randrange(1, 400)
    middle = data[start : start + length] * chance.choice((0, 2, 3))
    return data[:start] + middle + data[start + length :]


def rezipped(data: bytes, chance: random.Random) -> bytes:
    """A sound archive (if it is one) with a part that is damaged, lost, doubled or inflated."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            parts = {name: old.read(name) for name in old.namelist()}
    except zipfile.BadZipFile:
        return flipped(data, chance)
    name = chance.choice(sorted(parts))
    what = chance.randrange(5)
    if what == 0:
        del parts[name]
    elif what == 1:
        parts[name] = b"0" * chance.choice((0, 60 * _MB))
    elif what == 2:
        parts[f"../{name}"] = parts[name]
    else:
        body, word = parts[name], chance.choice(SPLICES)
        start = chance.randrange(len(body) + 1)
        parts[name] = body[:start] + word + body[start + (len(word) if what == 3 else 0) :]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item, body in parts.items():
            new.writestr(item, body)
    return out.getvalue()


def recoded(data: bytes, chance: random.Random) -> bytes:
    """Text in another encoding, or in two at once."""
    text = data.decode("utf-8", "replace")
    words = chance.choice(
        ("utf-16", "utf-16-be", "gb18030", "big5", "shift_jis", "utf-32", "latin-1")
    )
    found = text.encode(words, "replace")
    return found if chance.random() < 0.6 else data[: len(data) // 2] + found[len(found) // 2 :]


DAMAGES: Final[Mapping[str, tuple[Damage, ...]]] = {
    "csv": (cut, flipped, spliced, recoded),
    "xls": (cut, flipped, spliced),
    "xlsx": (cut, flipped, spliced, rezipped, rezipped),
    "ods": (cut, flipped, spliced, rezipped, rezipped),
    "zip": (cut, flipped, spliced, rezipped, rezipped),
    "kml": (cut, flipped, spliced, recoded),
    "gpkg": (cut, flipped, spliced),
    "geojson": (cut, flipped, spliced, recoded),
}
"""Ending → ways such a file is damaged."""


def damaged(data: bytes, ending: str, seed: int) -> tuple[bytes, str]:
    """The damaged file, and the ending it says it has (mostly its own)."""
    chance = random.Random(f"{ending} {seed}")
    found = chance.choice(DAMAGES[ending])(data, chance)
    family = ("csv", "xls", "xlsx", "ods") if ending in ("csv", "xls", "xlsx", "ods") else (
        "zip", "kml", "gpkg", "geojson"
    )  # fmt: skip
    return found, chance.choice((ending, ending, ending, chance.choice(family)))


def odd_workbook(rows: list[list[Any]], seed: int) -> bytes:
    """A workbook that a program wrote well and people made odd: cells, merging, hidden sheets."""
    chance = random.Random(seed)
    book = openpyxl.Workbook()
    page: Any = book.worksheets[0]
    for row in rows:
        page.append(row)
    for _ in range(chance.randrange(1, 6)):
        cell = page.cell(chance.randrange(1, len(rows) + 3), chance.randrange(1, 12))
        cell.value = chance.choice(CELLS)
        cell.fill = PatternFill("solid", fgColor="FFFF00")
    if chance.random() < 0.5:
        top, left = chance.randrange(1, len(rows) + 1), chance.randrange(1, 9)
        page.merge_cells(
            start_row=top, start_column=left, end_row=top + chance.randrange(4), end_column=left + 1
        )
    if chance.random() < 0.5:
        other = book.create_sheet("旧", 0)
        for row in rows:
            other.append(row)
        other.sheet_state = chance.choice(("hidden", "veryHidden", "visible"))
    if chance.random() < 0.2:
        page.sheet_state = "hidden"
        book.create_sheet("空")
    if chance.random() < 0.3:
        page.cell(1_048_576, 1).value = chance.choice(("合计", 7, "YD-9"))
    if chance.random() < 0.2:
        page.cell(1, 16_384).value = "x"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
