"""Bytes to text: byte order mark, then strict UTF-8, then strict GB18030; never a guess in silence.

A UTF-8 file with one wrong byte often decodes as GB18030 into nonsense, so the two are told apart
by what the bytes look like before GB18030 is tried.
"""

from __future__ import annotations

import codecs
import re
from mmap import mmap
from typing import Final

from wasteflow.core.errors import UnusableFile

ENCODINGS: Final = ("utf-8", "gb18030", "utf-16")
"""Encodings that can be named; gbk and gb2312 are read as their superset gb18030."""

_NAMES: Final = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "gb18030": "gb18030",
    "gb18030-2000": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16": "utf-16",
}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC: Final = (
    (b"PK\x03\x04", "looks_like_zip", "ZIP"),
    (b"PK\x05\x06", "looks_like_zip", "ZIP"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "looks_like_xls", "XLS"),
    (b"%PDF", "looks_like_other", "PDF"),
    (b"\x1f\x8b", "looks_like_other", "GZIP"),
    (b"7z\xbc\xaf\x27\x1c", "looks_like_other", "7Z"),
    (b"Rar!", "looks_like_other", "RAR"),
    (b"SQLite format 3\x00", "looks_like_other", "SQLite"),
    (b"PAR1", "looks_like_other", "Parquet"),
    (b"\x89PNG", "looks_like_other", "PNG"),
    (b"\xff\xd8\xff", "looks_like_other", "JPEG"),
    (b"{\\rtf", "looks_like_other", "RTF"),
)
_HTML: Final = re.compile(rb"\s*<(!doctype html|html|table|meta|\?xml|head|body)\b", re.I)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UTF8_THREE: Final = re.compile(rb"[\xe2-\xe9\xef][\x80-\xbf]{2}")
_NON_ASCII_LINE: Final = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
_SAMPLE: Final = 65_536


def check_magic(data: bytes, filename: str) -> None:
    """Raise UnusableFile if `data` begins like something that is not text.

    Codes: `looks_like_zip`, `looks_like_xls`, `looks_like_html`, `looks_like_other`.
    """
    for magic, code, what in _MAGIC:
        if data.startswith(magic):
            raise UnusableFile(code, file=filename, what=what)
    if _HTML.match(data.removeprefix(codecs.BOM_UTF8)[:400]):
        raise UnusableFile("looks_like_html", file=filename)


def decode(data: bytes, filename: str, encoding: str | None = None) -> tuple[str, str]:
    """(text without mark, encoding used).

    Raises UnusableFile: `unknown_encoding`; `not_text` for NUL and other control characters;
    `bad_bytes` with line, byte offset and byte, for bytes the encoding does not know.
    """
    wanted = wanted_encoding(encoding)
    for mark, name in _MARKS:
        if data.startswith(mark) and wanted in (None, name, name[:6]):
            text = _strict(data[len(mark) :], name, filename, len(mark))
            return _without_control(text, filename), name
    if wanted == "utf-16":
        return _without_control(_strict(data, "utf-16-le", filename), filename), "utf-16-le"
    if b"\0" in data:
        _refuse_control(
            data.index(b"\0"), data.count(b"\n", 0, data.index(b"\0")), "0x00", filename
        )
    if wanted is None:
        wanted = "utf-8"
        try:
            return _without_control(data.decode("utf-8"), filename), wanted
        except UnicodeDecodeError as error:
            if not looks_like_utf8(data, error.start):
                wanted = "gb18030"
    return _without_control(_strict(data, wanted, filename), filename), wanted


def looks_like_utf8(data: bytes | mmap, near: int = 0) -> bool:
    """Whether bytes that are not valid UTF-8 are still UTF-8 with damage rather than GB18030.

    Two shares are compared over a sample of the lines with non-ASCII bytes (and around `near`): of
    those bytes that lie in three-byte UTF-8 sequences as Chinese does, and of characters that read
    as GB 2312 level 1 hanzi or punctuation.  Real GB text scores about 0.1 and 0.9, damaged UTF-8
    about 0.9 and 0.3; from two words on the two do not overlap.
    """
    sample = _sample(data, near)
    high = sum(byte >= 0x80 for byte in sample)
    if not high:
        return True
    utf8_share = sum(len(found) for found in _UTF8_THREE.findall(sample)) / high
    return utf8_share >= _common_gb_share(sample)


def _sample(data: bytes | mmap, near: int) -> bytes:
    start = data.rfind(b"\n", 0, max(0, near - _SAMPLE // 4)) + 1
    lines = [data[start : near + _SAMPLE // 4]]
    size = 0
    for found in _NON_ASCII_LINE.finditer(data):
        lines.append(found.group()[:_SAMPLE])
        size += len(lines[-1])
        if size > _SAMPLE:
            break
    return b"\n".join(lines)


def _common_gb_share(sample: bytes) -> float:
    """Share of the non-ASCII characters, read as GB18030, that are GB 2312 level 1 or symbols."""
    index = total = common = 0
    while index < len(sample):
        lead = sample[index]
        if lead < 0x80:
            index += 1
            continue
        trail = sample[index + 1] if index + 1 < len(sample) else 0
        total += 1
        common += trail >= 0xA1 and (0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3)
        index += 4 if 0x30 <= trail <= 0x39 else 2
    return common / total


def wanted_encoding(encoding: str | None) -> str | None:
    """The name Python uses of an encoding asked for; UnusableFile `unknown_encoding`."""
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        name = ""
    if name not in _NAMES:
        raise UnusableFile("unknown_encoding", encoding=encoding, known=", ".join(ENCODINGS))
    return _NAMES[name]


def _strict(data: bytes, encoding: str, filename: str, skipped: int = 0) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnusableFile(
            "bad_bytes",
            file=filename,
            line=data.count(b"\n", 0, error.start) + 1,
            offset=error.start + skipped,
            byte=f"0x{data[error.start]:02X}",
            encoding=encoding.upper(),
        ) from error


def _without_control(text: str, filename: str) -> str:
    found = _CONTROL.search(text)
    if found:
        place = found.start()
        offset = len(text[:place].encode("utf-8", "replace"))
        _refuse_control(offset, text.count("\n", 0, place), f"0x{ord(found.group()):02X}", filename)
    return text


def _refuse_control(offset: int, lines_before: int, byte: str, filename: str) -> None:
    raise UnusableFile("not_text", file=filename, line=lines_before + 1, offset=offset, byte=byte)
