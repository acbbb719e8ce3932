"""Shipments read and checked in columns: the same verdicts as row by row, whatever the file."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.load_columns_cases import (
    CLOCK,
    COLUMNS,
    KEYS,
    LABELS,
    NEEDED,
    TIMES,
    Cells,
    Outcome,
    files,
    in_columns,
    one_by_one,
    rows,
)
from tests.store.books import write_rows
from wasteflow.core.loads_bulk import dry_masses, posting_columns
from wasteflow.core.postings import Rollup, add_postings, load_postings
from wasteflow.core.postings_bulk import bulk_load_postings, merge
from wasteflow.core.records import fold
from wasteflow.core.units import dry_from_wet
from wasteflow.importing.reading import read_table
from wasteflow.importing.text_chunks import open_text
from wasteflow.schemas.columns import Columns, usual_cells
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.rows import load_rows, schema_class
from wasteflow.services.load_columns import checked_chunks
from wasteflow.services.load_rows import CheckedLoad, LoadChecker
from wasteflow.services.outcome import Row, Warnings

GOOD_LOAD = {
    "doc_no": "YD-1",
    "consignor": "maker",
    "consignee": "cement",
    "material": "pg",
    "route": "retarder",
    "dispatched_at": "2026-03-01",
    "dispatched_t": "30.000",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("columns")


def numbered(given_rows: list[Cells]) -> list[Cells]:
    return [dict.fromkeys(NEEDED, "") | row for row in given_rows]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(rows(), max_size=12),
    st.booleans(),
    st.sampled_from((1, 3, 50_000)),
    st.sampled_from((0, 5)),
)
def test_rows_in_columns_are_judged_as_one_by_one(
    folder: Path, given_rows: list[Cells], round_kg: bool, chunk_rows: int, few: int
) -> None:
    path = write_rows(folder / "rows.csv", numbered(given_rows) or [GOOD_LOAD])
    expected = one_by_one(path, round_kg=round_kg)
    assert isinstance(expected, Outcome)
    assert in_columns(path, chunk_rows=chunk_rows, round_kg=round_kg) == expected


EDGES: dict[str, dict[str, tuple[str, ...]]] = {
    "times": {"dispatched_at": TIMES, "received_at": ("", *TIMES), "accepted_t": ("", "30")},
    "weights": {
        name: ("", "0", "0.001", "29.4", "30", "30.001", "60", "-1", "1000000000.001")
        for name in ("dispatched_t", "received_t", "accepted_t", "refused_t")
    },
    "roundings": {
        name: ("", "30", "1.0005", "1.0015", "0.0004", "29.99949", "1.00049999999999999999")
        for name in ("dispatched_t", "received_t", "refused_t")
    },
    "caps": {
        "mode": ("road", "rail", ""),
        "loads": ("", "1", "2", "1000000000"),
        "dispatched_t": ("34.999", "35", "35.001", "70", "70.001", "140", "140.001"),
    },
    "gaps": {
        "dispatched_t": ("30", "0.001", "999999999.999"),
        "accepted_t": ("29.4", "29.399", "30.6", "30.601", "27", "26.999", "33", "33.001"),
        "moisture_pct": ("", "0", "20", "99.999"),
        "received_moisture_pct": ("", "0", "22", "99.999"),
        "reason": ("", "loss"),
    },
    "parties": {
        "consignor": ("maker", "cement", "board", "bare", "far", "磷化工厂", "双胞胎", "老水泥厂"),
        "consignee": ("maker", "cement", "board", "bare", "far", "水泥厂", "twin.a"),
        "material": ("pg", "slag"),
        "route": ("retarder", "fill", "trade", "powder"),
        "dispatched_at": ("2025-12-31", "2026-02-28", "2026-03-01", "2026-03-02", "2026-05-01"),
        "received_at": ("", "2026-03-02", "2026-05-01"),
    },
    "children": {
        "kind": ("退回", "转送", ""),
        "doc_no": ("P", "Q"),
        "parent_doc_no": ("", "P", " P "),
        "consignor": ("maker", "cement", "far"),
        "consignee": ("maker", "cement", "board", "far"),
        "material": ("pg", "slag"),
        "route": ("retarder", "fill"),
        "dispatched_at": ("2025-12-31", "2026-03-02"),
    },
    "facilities": {
        "from_facility": ("", "maker.works", "cement.kiln", "ghost"),
        "to_facility": ("", "maker.works", "cement.kiln", "cement.pit", "ghost"),
    },
    "words": {
        "evidence": ("", "both", "one_sided", "imported", "estimated", "争议"),
        "weighed": ("", "估算"),
        "basis": ("", "干基"),
        "kind": ("", "退回", "转送"),
        "parent_doc_no": ("", "P"),
        "moisture_pct": ("", "20"),
        "accepted_t": ("30", "20"),
    },
}
"""What is combined with what, each with each, in a load that is good otherwise."""


@pytest.mark.parametrize("what", sorted(EDGES))
def test_every_combination_is_judged_as_one_by_one(folder: Path, what: str) -> None:
    names = list(EDGES[what])
    combined = [
        GOOD_LOAD | {"doc_no": f"N{number}"} | dict(zip(names, cells, strict=True))
        for number, cells in enumerate(product(*EDGES[what].values()))
    ]
    path = write_rows(folder / f"{what}.csv", combined)
    found = in_columns(path, round_kg=what == "roundings")
    assert found == one_by_one(path, round_kg=what == "roundings")
    assert isinstance(found, Outcome) and found.fast


@settings(max_examples=80, deadline=None)
@given(files(), st.sampled_from((1, 2, 50_000)))
@example(b"", 1)
@example("磷石膏台账\n".encode() + ",".join(COLUMNS).encode() + b"\n", 1)
@example(",".join(COLUMNS).encode() + b',nonsense\n"', 1)
@example(b"\xff\xfe" + ",".join(COLUMNS).encode("utf-16-le"), 1)
@example(",".join(LABELS.values()).encode() + b"\n\xe7\xa3,\x00", 1)
def test_any_file_is_read_as_before(folder: Path, content: bytes, chunk_rows: int) -> None:
    path = folder / "file.csv"
    path.write_bytes(content)
    assert in_columns(path, chunk_rows=chunk_rows) == one_by_one(path)


def test_json_goes_the_same_way(folder: Path) -> None:
    path = folder / "loads.json"
    given_rows = [GOOD_LOAD, GOOD_LOAD | {"remark": "a\0b"}, GOOD_LOAD | {"accepted_t": 29}, 7]
    path.write_text(json.dumps(given_rows, indent=1), encoding="utf-8")
    found = in_columns(path)
    assert found == one_by_one(path)
    assert isinstance(found, Outcome)
    assert found.fast == 1 and [issue[3] for issue in found.issues] == [
        "control_character",
        "mass_as_json_number",
        "not_an_object",
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8))
def test_a_batch_posts_what_its_loads_post(folder: Path, given_rows: list[Cells]) -> None:
    path = write_rows(folder / "posted.csv", numbered(given_rows))
    file = open_text(path, "shipments", rows=3)
    chunks = list(checked_chunks(file.chunks(), KEYS, CLOCK, False, Warnings(), few=0))
    fast = {int(line) for chunk in chunks for line in chunk.loads.line}
    found = merge([bulk_load_postings(posting_columns(chunk.loads)) for chunk in chunks])
    parsed = load_rows("shipments", read_table(path), today=CLOCK.today, now=CLOCK.now)
    checker = LoadChecker(KEYS.registry, Warnings())
    expected: Rollup = {}
    for row in parsed.rows:
        load = checker.check(Row(row.line, row.values))
        if row.line in fast and isinstance(load, CheckedLoad):
            events = [load.dispatch] if load.decision is None else [load.dispatch, load.decision]
            add_postings(expected, load_postings(load.header, fold(events)))
    assert sorted(zip(found.kg.tolist(), found.n.tolist(), strict=True)) == sorted(
        (kg, n) for kg, n in expected.values() if kg or n
    )


def test_the_file_is_told_before_it_is_read(folder: Path) -> None:
    path = write_rows(folder / "told.csv", [GOOD_LOAD, GOOD_LOAD])
    path.write_bytes(path.read_text(encoding="utf-8").replace("maker", "磷化工厂").encode("gbk"))
    file = open_text(path, "shipments")
    assert (file.encoding, file.lines) == ("gb18030", 3)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.columns == tuple(GOOD_LOAD)
    [chunk] = file.chunks()
    assert chunk.frame["consignor"].to_list() == ["磷化工厂"] * 2
    assert chunk.lines.tolist() == [2, 3]


@pytest.mark.parametrize("odd", ["'=1+1", "'+A1", "'quoted'", "o'neil", "'"])
@pytest.mark.parametrize("blank", ["", "\n", ",,,\n", "\u3000\n", "\u00a0,\u3000\n", " , \n"])
def test_guards_and_blank_lines_are_taken_off(folder: Path, odd: str, blank: str) -> None:
    path = folder / "guarded.csv"
    load = ",".join(GOOD_LOAD.values())
    lines = [",".join(GOOD_LOAD) + ",remark", f"{load},", f"{load},{odd}", f"{blank}{load},b"]
    path.write_text("\n".join(lines), encoding="utf-8")
    table = read_table(path)
    [chunk] = open_text(path, "shipments").chunks()
    cells = [list(row) for row in chunk.frame.fill_null("").rows()]
    assert list(zip(chunk.lines.tolist(), cells, strict=True)) == table.rows


def test_a_quoted_cell_may_reach_over_the_end_of_a_chunk(folder: Path) -> None:
    path = folder / "quoted.csv"
    load = ",".join(GOOD_LOAD.values())
    lines = [",".join(GOOD_LOAD) + ",remark", f'{load},"a', 'b"', f"{load},c", f"{load},d"]
    path.write_text("\n".join(lines), encoding="utf-8")
    chunks = list(open_text(path, "shipments", rows=1).chunks())
    assert [line for chunk in chunks for line in chunk.lines.tolist()] == [2, 4, 5]
    remarks = [text for chunk in chunks for text in chunk.frame["remark"].to_list()]
    assert remarks == ["a\nb", "c", "d"]


# --- parts -----------------------------------------------------------------------------------


def test_usual_texts_mean_themselves() -> None:
    items = schema_class("shipments")(clock=CLOCK).cell_fields()
    spaces = ("", " ", "  ", "\u3000", "\u00a0")
    edges = [chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code < 0xE000]
    texts = edges + [f"{a}x{b}{c}" for a in spaces for b in spaces for c in ("", "y")]
    texts += ["x" * size for size in (80, 81, 200, 201, 500, 501)]
    for name in ("doc_no", "consignor", "remark"):
        usual = usual_cells(items[name], pl.Series(texts)).to_list()
        assert 20_000 < sum(usual) < len(texts)
        changed = [
            text
            for text, same in zip(texts, usual, strict=True)
            if same and items[name].of_cell(text) != text
        ]
        assert changed == []


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), max_size=6))
def test_a_column_that_forgets_reads_the_same(chunks: list[list[str]]) -> None:
    items = {"remark": schema_class("shipments")(clock=CLOCK).cell_fields()["remark"]}
    measures = {"remark": {"place": lambda text, _: ord(text) if text else 0}}
    columns = Columns(items, measures, most_texts=3)
    for texts in chunks:
        frame = pl.DataFrame({"remark": texts}, schema={"remark": pl.String})
        column = columns.read(frame).measured["remark"]
        assert column.number("place").tolist() == [ord(text) for text in texts]
        assert column.values(np.arange(len(texts))) == texts


@pytest.mark.parametrize("new", [0, 3000])
def test_texts_that_hardly_repeat_are_read_cell_by_cell(new: int) -> None:
    items = {"remark": schema_class("shipments")(clock=CLOCK).cell_fields()["remark"]}
    texts = [f"T{number}" if number < new else "T" for number in range(3000)]
    texts[5:9] = ["", " a ", "坏\ufffd", "\ufeff"]
    read = Columns(items, {}).read(pl.DataFrame({"remark": texts}))
    column, every = read.texts["remark"], np.arange(len(texts))
    values = [items["remark"].of_cell(text) for text in texts]
    assert column.sound().tolist() == [not isinstance(value, Fault) for value in values]
    good = every[column.sound()]
    assert column.values(good) == [values[place] for place in good]
    assert column.texts(good) == [values[place] or "" for place in good]
    assert column.given().tolist() == [
        value is not None and not isinstance(value, Fault) for value in values
    ]


@given(st.integers(0, 10**12), st.integers(0, 99_999))
def test_dry_masses_are_rounded_as_single_ones(wet_kg: int, moisture: int) -> None:
    found = dry_masses(np.array([wet_kg]), np.array([moisture]))
    assert found.tolist() == [dry_from_wet(wet_kg, moisture)]
