"""What was uploaded, told by its content and unpacked with limits; nothing here knows GDAL.

Every file gets a name of ours in a folder of ours: no path of a user reaches the disk or GDAL.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final
from zlib import error as ZlibError

from msgspec import Struct

from wasteflow.core.errors import UnusableFile

MAX_BYTES: Final = 50_000_000
MAX_UNZIPPED: Final = 200_000_000
MAX_RATIO: Final = 300
MAX_MEMBERS: Final = 500
SHAPEFILE, KML, GPKG, GEOJSON = "Shapefile", "KML", "GeoPackage", "GeoJSON"
_PIECE: Final = 1 << 20
_PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_GBK_LANGUAGE: Final = 0x4D
_HEAD: Final = 4000


class Source(Struct, frozen=True):
    """One thing to read: its kind, the name people know it by, our path, encoding of its cells."""

    kind: str
    name: str
    path: Path
    encoding: str = ""
    has_crs: bool = False


def unpack(data: bytes, filename: str, folder: Path) -> list[Source]:
    """Write what `data` holds into `folder` (empty, ours); what there is to read, in order of name.

    `filename` is only shown.  Raises UnusableFile: `geo_too_large`, `geo_kind`, and for archives
    `geo_zip_broken`, `geo_zip_path`, `geo_zip_bomb`, `geo_zip_empty`, `geo_entities`.
    """
    if len(data) > MAX_BYTES:
        raise UnusableFile("geo_too_large", file=filename, limit=MAX_BYTES // 1_000_000)
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _unzip(data, filename, folder)
    stem = PurePosixPath(filename.replace("\\", "/")).stem or "layer"
    return [_single(data, filename, stem, folder)]


def _single(data: bytes, filename: str, stem: str, folder: Path) -> Source:
    if data.startswith(b"SQLite format 3\x00"):
        return _kept(folder, "data.gpkg", data, GPKG, stem)
    head = _start(data)
    if len(data) > MAX_BYTES:
        raise UnusableFile("geo_too_large", file=filename, limit=MAX_BYTES // 1_000_000)
    if head.startswith("{"):
        return _kept(folder, "data.json", data, GEOJSON, stem)
    if re.search(r"<(\w+:)?kml[\s>]", head):
        if re.search(rb"<!(DOCTYPE|ENTITY)", data):
            raise UnusableFile("geo_entities", file=filename)
        return _kept(folder, "data.kml", data, KML, stem)
    raise UnusableFile("geo_kind", file=filename)


def _start(data: bytes) -> str:
    """The first characters, whatever of the usual encodings they have."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data[: _HEAD - _HEAD % 2].decode("utf-16", "replace").lstrip()
    return data[:_HEAD].decode("utf-8-sig", "replace").lstrip()


def _kept(folder: Path, name: str, data: bytes, kind: str, stem: str) -> Source:
    path = folder / name
    path.write_bytes(data)
    return Source(kind, stem, path)


def _unzip(data: bytes, filename: str, folder: Path) -> list[Source]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = _members(archive, filename)
            return list(_sources(archive, members, filename, folder))
    except (
        zipfile.BadZipFile,
        ZlibError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,  # a password is wanted
        ValueError,
    ) as error:
        raise UnusableFile("geo_zip_broken", file=filename, why=str(error)[:120]) from error


def _members(archive: zipfile.ZipFile, filename: str) -> dict[str, zipfile.ZipInfo]:
    """Name → member of what we read; UnusableFile for an archive that is not honest."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos) > MAX_UNZIPPED:
        raise UnusableFile("geo_zip_bomb", file=filename, limit=MAX_UNZIPPED // 1_000_000)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = _member_name(info)
        if name.startswith("/") or ":" in name or ".." in name.split("/"):
            raise UnusableFile("geo_zip_path", file=filename, member=name[:80])
        if info.file_size > _PIECE and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise UnusableFile("geo_zip_bomb", file=filename, limit=MAX_UNZIPPED // 1_000_000)
        parts = name.split("/")
        if parts[0] != "__MACOSX" and not parts[-1].startswith("."):
            found[name] = info
    return dict(sorted(found.items()))


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name as its maker meant it: Windows in China writes GBK without saying so."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & 0x800 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("gb18030")
    except UnicodeError:
        return name


def _sources(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], filename: str, folder: Path
) -> Iterator[Source]:
    by_stem: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for name, info in members.items():
        path = PurePosixPath(name)
        by_stem.setdefault(str(path.with_suffix("")), {})[path.suffix.lower()] = info
    shapes = {stem: parts for stem, parts in by_stem.items() if ".shp" in parts}
    if shapes:
        for number, (stem, parts) in enumerate(shapes.items()):
            yield _shapefile(archive, parts, PurePosixPath(stem).name, folder / f"s{number}")
        return
    single = [info for name, info in members.items() if name.lower().endswith(_ALONE)]
    if not single:
        raise UnusableFile("geo_zip_empty", file=filename)
    for number, info in enumerate(single):
        inside = folder / f"m{number}"
        inside.mkdir()
        stem = PurePosixPath(_member_name(info)).stem
        yield _single(_read(archive, info), filename, stem, inside)


_ALONE: Final = (".kml", ".geojson", ".json", ".gpkg")


def _shapefile(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], name: str, folder: Path
) -> Source:
    folder.mkdir()
    content = {end: _read(archive, parts[end]) for end in _PARTS if end in parts}
    for end, data in content.items():
        if end != ".cpg":  # we say how cells are coded
            (folder / f"data{end}").write_bytes(data)
    encoding = encoding_of(content.get(".dbf", b""), content.get(".cpg", b""))
    has_crs = bool(content.get(".prj", b"").strip())
    return Source(SHAPEFILE, name, folder / "data.shp", encoding, has_crs)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member, never more bytes than it says."""
    with archive.open(info) as file:
        data = file.read(info.file_size + 1)
    if len(data) > info.file_size:
        raise zipfile.BadZipFile("a member is longer than it says")
    return data


def encoding_of(dbf: bytes, cpg: bytes) -> str:
    """How the cells of a .dbf are coded: what the .cpg says, its language byte, else what fits.

    >>> encoding_of(b"", b"GBK"), encoding_of(b"", b"UTF-8"), encoding_of(b"", b"936")
    ('gb18030', 'utf-8', 'gb18030')
    """
    stated = cpg.decode("ascii", "ignore").strip().lower().replace("_", "-")
    if stated:
        if ("utf" in stated and "8" in stated) or stated == "65001":
            return "utf-8"
        if any(word in stated for word in ("936", "gb", "cp936", "euc-cn")):
            return "gb18030"
    if len(dbf) > 29 and dbf[29] == _GBK_LANGUAGE:
        return "gb18030"
    try:
        dbf[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
