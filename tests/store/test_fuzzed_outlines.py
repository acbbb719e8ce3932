"""Damaged geodata handed in as outlines: a clear error or outlines that are sound, nothing half.

The quick test draws one file of every format; `-m slow` some dozens.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import geopandas
import pytest
from shapely.geometry import box, shape

from tests.fuzzing import damaged
from tests.store.books import NOW, Books
from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.core.messages import MESSAGES
from wasteflow.jobs import import_boundaries
from wasteflow.services.outlines import outline_versions

FRAME = geopandas.GeoDataFrame(
    {"name": ["甲园区", "乙园区"], "code": ["park.a", "park.b"]},
    geometry=[box(102.3, 24.9, 102.4, 25.0), box(106.6, 26.5, 106.7, 26.6)],
    crs=4490,
)


def sound(folder: Path) -> dict[str, bytes]:
    """Ending → a sound file of two outlines; a Shapefile in its archive, its names in GBK."""
    FRAME.to_file(folder / "p.shp", encoding="GB18030", driver="ESRI Shapefile")
    FRAME.to_file(folder / "p.gpkg", driver="GPKG")
    FRAME.to_file(folder / "p.geojson", driver="GeoJSON")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("p.[sdpc]*")):
            if path.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.writestr(path.name, path.read_bytes())
    places = "".join(
        f"<Placemark><name>{row['name']}</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
        + " ".join(f"{x},{y}" for x, y in row.geometry.exterior.coords)
        + "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for _, row in FRAME.iterrows()
    )
    kml = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{places}</Document></kml>'
    return {
        "zip": out.getvalue(),
        "gpkg": (folder / "p.gpkg").read_bytes(),
        "geojson": (folder / "p.geojson").read_bytes(),
        "kml": kml.encode(),
    }


def judged(books: Books, content: bytes, name: str) -> str:
    """ "" if outlines were kept, all of them sound; else the code of the refusal."""
    before = len(outline_versions(db=books.db))
    path = books.folder / name
    path.write_bytes(content)
    try:
        done = import_boundaries(db=books.db, path=path, now=NOW, crs="CGCS2000")
    except (UnusableFile, WasteflowError) as error:
        assert error.code in MESSAGES and error.text("zh") and error.text("en")
        assert len(outline_versions(db=books.db)) == before
        return error.code
    versions = outline_versions(db=books.db)
    assert len(versions) == before + len(done["changed"])
    assert all(shape(json.loads(item.geometry)).is_valid for item in versions)
    return ""


def fuzz(books: Books, folder: Path, number: int) -> list[str]:
    """How `number` damaged files of every format ended."""
    ends = []
    for ending, data in sound(folder).items():
        assert judged(books, data, f"whole.{ending}") == ""
        for seed in range(number):
            content, says = damaged(data, ending, seed)
            ends.append(judged(books, content, f"{ending}-{seed}.{says}"))
    return ends


def test_damaged_outlines_are_told_or_read_right(shared: Books, tmp_path: Path) -> None:
    assert any(fuzz(shared, tmp_path, 1))


@pytest.mark.slow
def test_many_damaged_outlines_are_told_or_read_right(shared: Books, tmp_path: Path) -> None:
    ends = fuzz(shared, tmp_path, 25)
    print({code: ends.count(code) for code in sorted(set(ends))})
    assert ends.count("") > 5 and len(set(ends)) > 3
