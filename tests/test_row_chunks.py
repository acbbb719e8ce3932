"""Rows read in columns are the rows read one by one: same values, same reasons, same rounding."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.importing.reading import read_table
from wasteflow.importing.text_chunks import open_text
from wasteflow.schemas.row_chunks import read_chunks
from wasteflow.schemas.rows import ParsedRows, load_rows

TODAY, NOW = date(2026, 7, 30), datetime(2026, 7, 30, 4, tzinfo=UTC)
CELLS = {
    "doc_no": ("E-1", "E-2", "E-3", "　E4 ", "e 5", "", "x" * 90),
    "enterprise": ("maker", "maker2", " maker", "nobody", ""),
    "facility": ("", "maker.works"),
    "kind": ("generation", "use", "opening", "stocktake", "产生", "no_kind", ""),
    "material": ("pg", "", "steel_slag"),
    "route": ("", "retarder"),
    "date": ("2026-07-01", "2026/7/2", "2026-08-01", "never", ""),
    "tonnes": ("1.000", "0", "-1", "2.5", "1.0004", "1,000.5", "many", ""),
    "moisture_pct": ("", "12.5", "101"),
    "basis": ("", "wet", "dry", "moist"),
    "weighed": ("", "measured", "estimated"),
    "year_generated": ("", "2020", "2031", "20"),
    "generator": ("", "maker2"),
    "from_use": ("", "true", "否", "maybe"),
    "reason": ("", "survey", "whim"),
    "remark": ("", "synthetic", "ｆｕｌｌ  width", "a\tb"),
}
"""Column → cells, good ones, odd ones and bad ones."""
SOUND = {
    **{name: cells[:1] for name, cells in CELLS.items()},
    "doc_no": ("E-1", "E-2", "E-3"),
    "kind": ("generation", "stocktake"),
    "tonnes": ("1.000", "2.5"),
    "reason": ("", "survey"),
}
"""The same with cells that can all be read."""


def both(path: Path, round_kg: bool) -> tuple[ParsedRows, ParsedRows]:
    """The rows of a file one by one, and in columns of two rows each."""
    moment: dict[str, Any] = {"round_kg": round_kg, "today": TODAY, "now": NOW}
    text = open_text(path, "entries", rows=2)
    alone = load_rows("entries", read_table(path), **moment)
    return alone, read_chunks("entries", list(text.places), text.chunks(), **moment).parsed()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


@st.composite
def files(draw: st.DrawFn) -> list[list[str]]:
    """A header of some columns, and rows that are sound or have anything in them."""
    needed = ["doc_no", "enterprise", "kind", "material", "date", "tonnes"]
    more = [name for name in CELLS if name not in needed and draw(st.booleans())]
    names = draw(st.permutations([*needed, *more]))
    rows = []
    for _ in range(draw(st.integers(0, 7))):
        pool = SOUND if draw(st.booleans()) else CELLS
        rows.append([draw(st.sampled_from(pool[name])) for name in names])
    return [names, *rows]


@settings(max_examples=40)
@given(files(), st.booleans())
def test_rows_in_columns_are_those_one_by_one(
    folder: Path, lines: list[list[str]], round_kg: bool
) -> None:
    path = folder / "entries.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    alone, together = both(path, round_kg)
    assert together.rows == alone.rows
    assert together.issues == alone.issues
    assert (together.rounded_rows, together.rounded_kg) == (alone.rounded_rows, alone.rounded_kg)


def test_a_line_with_too_few_cells_is_refused_in_its_place(folder: Path) -> None:
    path = folder / "short.csv"
    head = "doc_no,enterprise,kind,material,date,tonnes"
    rows = [f"E{number},maker,generation,pg,2026-07-01,{number}.000" for number in range(1, 7)]
    path.write_text("\n".join([head, *rows[:3], "E9,maker", *rows[3:]]), encoding="utf-8")
    alone, together = both(path, False)
    assert [issue.line for issue in together.issues] == [5]
    assert (together.rows, together.issues) == (alone.rows, alone.issues)
    assert len(together.rows) == 6
