"""Rows and files of shipments for the test that columns and single rows agree; and both paths."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.records import fold
from wasteflow.core.registry import (
    Enterprise,
    Facility,
    Filing,
    Material,
    Registry,
    Route,
    by_code,
)
from wasteflow.importing.reading import read_table
from wasteflow.importing.text_chunks import open_text
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.headers import match_header
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import load_rows
from wasteflow.services.load_columns import checked_chunks
from wasteflow.services.load_convert import Kin
from wasteflow.services.load_rows import CheckedLoad, LoadChecker
from wasteflow.services.outcome import Row, Warnings
from wasteflow_models.convert import Keys
from wasteflow_models.words import LOAD_KINDS

NOW = datetime(2026, 7, 31, 7, 0, 30, 500_000, tzinfo=UTC)
CLOCK = Clock(date(2026, 7, 31), NOW)
COLUMNS = tuple(column.name for column in columns_of("shipments"))
LABELS = {column.name: column.label_zh for column in columns_of("shipments")}
NEEDED = ("doc_no", "consignor", "consignee", "material", "route", "dispatched_at", "dispatched_t")


def small_keys() -> Keys:
    """Firms in two provinces and none, twins by name, former names, dated permits and filings."""
    firms = [
        Enterprise("maker", "磷化工厂", "Maker", uscc="91350100M000100Y43", region="530100"),
        Enterprise("cement", "水泥厂", "Cement works", region="530181", aliases="老水泥厂@..2020"),
        Enterprise("board", "石膏板厂", "Board", region="520100"),
        Enterprise("twin.a", "双胞胎", "Twin A"),
        Enterprise("twin.b", "双胞胎", "Twin B"),
        Enterprise("bare", "无设施厂", "Bare", region="520100"),
        Enterprise("far", "省外企业", "Far", external=True, region="110000"),
    ]
    routes = [
        Route("retarder", "缓凝剂", "Retarder", "use", frozenset({"pg"})),
        Route("fill", "填埋", "Landfill", "disposal", conditional=True),
        Route("trade", "转运", "Trade", "transfer"),
        Route("powder", "钢渣粉", "Powder", "use", frozenset({"slag"})),
    ]
    facilities = [
        Facility("cement.kiln", "use", enterprise="cement", routes=frozenset({"retarder"})),
        Facility(
            "cement.pit",
            "disposal",
            enterprise="cement",
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 3, 1),
        ),
        Facility("maker.works", "generation", enterprise="maker"),
        Facility("board.line", "use", enterprise="board", valid_to=date(2026, 2, 28)),
    ]
    filings = [
        Filing("f1", "530000", "520000", "maker", frozenset({"pg"}), valid_to=date(2026, 3, 1)),
        Filing("f2", "530000", "520000", valid_from=date(2026, 5, 1)),
    ]
    materials = [Material("pg", "磷石膏", "PG"), Material("slag", "钢渣", "Slag")]
    registry = Registry(
        enterprises=by_code(firms),
        facilities=by_code(facilities),
        materials=by_code(materials),
        routes=by_code(routes),
        filings=by_code(filings),
    )
    kinds: dict[str, Any] = {
        "enterprise": firms,
        "facility": facilities,
        "material": materials,
        "route": routes,
    }
    ids = {
        kind: {item.code: 100 - place for place, item in enumerate(items)}
        for kind, items in kinds.items()
    }
    return Keys(registry, ids)


KEYS = small_keys()

_PAST = (
    "2026-03-01",
    "2026-03-02",
    "2026年3月1日",
    "2026-03-01 08:00",
    "2026-03-01 14:00",
    "2026-03-01T00:00:00+08:00",
    "2026-02-28T17:30:00Z",
    "2026-03-01T08:00:00.250+08:00",
    "2026-05-01 9:30",
    "1969-12-31T23:59:59Z",
)
_LATE = ("2026-07-31", "2026-07-31T15:00:30+08:00", "2026-07-31T15:00:31+08:00", "2026-08-01")
_WRONG_TIMES = ("2026-02-30", "yesterday", "1949-12-31", "2999-01-01")
TIMES = (*_PAST, *_LATE)
_MASSES = ("30.000", "30", "30.5", "29.4", "27", "31.480", "60", "1,000.5", "３０．５")
_LARGE = ("70.001", "999999999999", "1000000000.001", "1e20")
_FINE = ("0.0005", "1.0005", "1.00049999999999999999", "0.001")
_ODD_MASSES = ("0", "-0.001", "-30", "NaN", "30吨", *_FINE, *_LARGE)
_TEXTS = (
    "云A12345",
    "云A·12345",
    "张 三",
    "（备注）",
    "a",
    "-5",
    "o'neil",
    " 空格 ",
    "two  spaces",
)
_ODD_TEXTS = ("a\tb", "坏\ufffd", "a\u202eb", "长" * 501, "\u3000", "'=1+1", "'+A1", "\ufeffx", "é")
_FIRMS = ("maker", "cement", "board", "far", "bare", "磷化工厂", "水泥厂", "91350100M000100Y43")
_NO_FIRMS = ("双胞胎", "twin.a", "老水泥厂", "nobody", " maker ", "Ｍaker", "x" * 201)

GOOD: dict[str, tuple[str, ...]] = {
    "doc_no": ("YD-1", "YD-2", "运单3", "D/4", "5"),
    "consignor": ("maker", "maker", "磷化工厂", "far"),
    "consignee": ("cement", "水泥厂", "board", "bare", "far"),
    "material": ("pg", "pg", "slag"),
    "route": ("retarder", "fill", "trade", "powder"),
    "mode": ("", "road", "公路", "Rail", "皮带"),
    "dispatched_at": _PAST,
    "dispatched_t": _MASSES,
    "moisture_pct": ("", "20", "20.5%", "25"),
    "basis": ("", "wet", "湿基"),
    "weighed": ("", "measured", "估算"),
    "received_at": ("", *_PAST),
    "received_t": ("", *_MASSES),
    "received_moisture_pct": ("", "20", "22", "99.999"),
    "accepted_t": ("", *_MASSES),
    "refused_t": ("", "", "0", "1", "3.5"),
    "reason": ("", "loss"),
    "loads": ("", "1", "2"),
    "kind": ("", "delivery", "交付"),
    "evidence": ("", "imported", "both", "estimated", "争议"),
    **dict.fromkeys(("vehicle", "carrier", "handler", "ticket_no", "remark"), ("", *_TEXTS)),
}
"""Cells of plain deliveries by column; most combinations are taken."""

ANY: dict[str, tuple[str, ...]] = {
    "doc_no": ("", "A B", "x" * 81, "\u3000", " YD-9 ", "坏\ufffd", "é" * 60),
    "consignor": (*_FIRMS, *_NO_FIRMS, ""),
    "consignee": (*_FIRMS, *_NO_FIRMS, "maker"),
    "material": ("gold", "", " pg", "PG"),
    "route": ("moon", "", "fill "),
    "mode": ("rocket", "汽车"),
    "dispatched_at": (*_LATE, *_WRONG_TIMES, ""),
    "dispatched_t": ("", *_ODD_MASSES),
    "moisture_pct": ("100", "-1", "20.5555", "99.999", "0"),
    "basis": ("dry", "干基", "x"),
    "weighed": ("x", "estimated"),
    "received_at": (*_LATE, *_WRONG_TIMES),
    "received_t": _ODD_MASSES,
    "accepted_t": _ODD_MASSES,
    "refused_t": _ODD_MASSES,
    "reason": _ODD_TEXTS,
    "loads": ("0", "1.5", "1000000000", "２", "1e9"),
    "kind": ("return", "转送", "x"),
    "parent_doc_no": ("YD-1", " ", "a b"),
    "from_facility": ("maker.works", "ghost", "cement.kiln"),
    "to_facility": ("cement.kiln", "cement.pit", "maker.works"),
    "evidence": ("one_sided", "x"),
    **dict.fromkeys(("vehicle", "carrier", "handler", "ticket_no", "remark"), _ODD_TEXTS),
}
"""Cells that are odd or wrong, by column."""

Cells = dict[str, str]


@st.composite
def rows(draw: st.DrawFn) -> Cells:
    """One row: good cells, some of them blank, and now and then odd ones."""
    row = {name: draw(st.sampled_from(pool)) for name, pool in GOOD.items()}
    if draw(st.booleans()):
        receipt = ("received_at", "received_t", "accepted_t", "refused_t")
        for name in draw(st.sets(st.sampled_from(receipt))):
            row[name] = ""
    for name in draw(st.sets(st.sampled_from(sorted(ANY)), max_size=2)):
        row[name] = draw(st.sampled_from(ANY[name]))
    return row


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file of shipments in one of the accepted shapes, sometimes with broken lines."""
    given = draw(st.lists(rows(), max_size=8))
    optional = [name for name in COLUMNS if name not in NEEDED]
    left_out = draw(st.sets(st.sampled_from(optional), max_size=2))
    columns = [name for name in COLUMNS if name not in left_out]
    if draw(st.booleans()):
        columns = draw(st.permutations(columns))
    header = [LABELS[name] if draw(st.booleans()) else name for name in columns]
    errors = draw(st.booleans())
    out = io.StringIO(newline="")
    ending = draw(st.sampled_from(("\n", "\r\n")))
    delimiter = draw(st.sampled_from(",,,;\t"))
    shape: Any = {"delimiter": delimiter, "lineterminator": ending}
    shape["quoting"] = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    writer = csv.writer(out, **shape)
    writer.writerow([*header, *["error"] * errors])
    for row in given:
        writer.writerow([row.get(name, "") for name in columns] + ["why"] * errors)
        out.write(draw(st.sampled_from(_BETWEEN)).replace("\n", ending))
    text = out.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix(ending)
    return text.encode(draw(st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "gb18030"))))


_BETWEEN = (*[""] * 30, "\n", ",,,\n", " \n", "a,b,c\n", '"x\ny",z\n', "a\r", "\u3000\n", '"')


# --- both paths ------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a path makes of a file, in terms both paths share."""

    loads: list[tuple[Any, ...]]
    issues: list[tuple[Any, ...]]
    warnings: dict[str, Any]
    rows: int = 0
    rounded: tuple[int, str] = (0, "0")
    fast: int = field(default=0, compare=False)


def one_by_one(
    path: Path, *, round_kg: bool = False, keys: Keys = KEYS
) -> Outcome | tuple[str, Any]:
    """The outcome of the path that knows single rows only; (code, params) of an unusable file."""
    try:
        table = read_table(path)
        parsed = load_rows("shipments", table, round_kg=round_kg, today=CLOCK.today, now=NOW)
    except UnusableFile as error:
        return error.code, error.params
    warnings = Warnings()
    checker = LoadChecker(keys.registry, warnings)
    found = [checker.check(Row(row.line, row.values)) for row in parsed.rows]
    places, cells = match_header("shipments", table.columns), dict(table.rows)
    refused = [*parsed.issues, *(item for item in found if isinstance(item, RowIssue))]
    issues = [
        replace(issue, value=cells[issue.line][places[issue.field]])
        if issue.line in cells and issue.field in places
        else issue
        for issue in refused
    ]
    return Outcome(
        [checked_tuple(item, keys) for item in found if isinstance(item, CheckedLoad)],
        _issue_tuples(issues),
        _warning_dict(warnings),
        len(parsed.rows),
        (parsed.rounded_rows, str(parsed.rounded_kg)),
    )


def in_columns(
    path: Path,
    *,
    chunk_rows: int = 50_000,
    round_kg: bool = False,
    keys: Keys = KEYS,
    few: int = 0,
) -> Outcome | tuple[str, Any]:
    """The outcome of the path in columns; (code, params) of an unusable file."""
    warnings = Warnings()
    outcome = Outcome([], [], {})
    rounded_rows, rounded_kg = 0, Decimal(0)
    try:
        file = open_text(path, "shipments", rows=chunk_rows)
        for chunk in checked_chunks(file.chunks(), keys, CLOCK, round_kg, warnings, few=few):
            outcome.loads += batch_tuples(chunk.loads)
            if chunk.children is not None:
                outcome.loads += batch_tuples(chunk.children, chunk.kin)
                outcome.fast += len(chunk.children)
            outcome.loads += [checked_tuple(load, keys) for load in chunk.others]
            outcome.issues += _issue_tuples(chunk.issues)
            outcome.rows += chunk.rows
            outcome.fast += len(chunk.loads)
            rounded_rows += chunk.rounded_rows
            rounded_kg += chunk.rounded_kg
    except UnusableFile as error:
        return error.code, error.params
    outcome.loads.sort()
    outcome.warnings = _warning_dict(warnings)
    outcome.rounded = rounded_rows, str(rounded_kg)
    return outcome


def _issue_tuples(issues: list[RowIssue]) -> list[tuple[Any, ...]]:
    ordered = sorted(issues, key=lambda issue: (issue.line, issue.field))
    return [(item.line, item.field, item.value, item.code, dict(item.params)) for item in ordered]


def _warning_dict(warnings: Warnings) -> dict[str, Any]:
    return {
        code: (count, [(line, remark.text("en")) for line, remark in warnings.examples[code]])
        for code, count in sorted(warnings.counts.items())
    }


def checked_tuple(load: CheckedLoad, keys: Keys = KEYS) -> tuple[Any, ...]:
    """A load of the one-by-one path in the words of `LoadBatch`."""
    header, values, got = load.header, load.values, load.decision_weight
    sent, decision = load.dispatch_weight, load.decision
    status = fold([load.dispatch] if decision is None else [load.dispatch, decision])
    ids = keys.id_of
    return (
        load.line,
        header.doc_no,
        *(ids("enterprise", firm) for firm in (header.consignor, header.consignee)),
        ids("material", header.material),
        ids("route", header.route),
        *(ids("facility", values.get(f"{side}_facility") or "") for side in ("from", "to")),
        (header.from_outside, header.to_outside, header.trips),
        tuple(values.get(name) or "" for name in _WORDS),
        (sent.basis, sent.weighed, header.kind.value, values.get("parent_doc_no") or ""),
        _when(load.dispatch.at),
        (sent.kg, sent.input_kg, sent.dry_kg, sent.moisture),
        None if decision is None else _when(decision.at),
        None if got is None else (got.kg, got.input_kg, got.dry_kg, got.moisture),
        (status.accepted_kg, status.refused_kg, int(status.evidence), status.state.value),
    )


_WORDS = ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark", "reason")


def _when(moment: datetime) -> tuple[int, int, int]:
    day = shanghai_day(moment)
    return int(moment.timestamp()), month_of_day(day), day.toordinal()


def batch_tuples(batch: LoadBatch, kin: Kin | None = None) -> list[tuple[Any, ...]]:
    """The loads of a batch, as `checked_tuple` gives them; kin: what children have beside."""
    count = len(batch)
    kinds = [LOAD_KINDS[kind] for kind in kin.kind.tolist()] if kin else ["delivery"] * count
    parents = kin.parent_doc_no if kin else [""] * count

    def column(name: str) -> list[Any]:
        given = getattr(batch, name)
        if isinstance(given, str):
            return [given] * count
        return given if isinstance(given, list) else list(given.tolist())

    names = batch.__struct_fields__
    found = []
    columns = zip(*(column(name) for name in names), strict=True)
    for kind, parent, cells in zip(kinds, parents, columns, strict=True):
        at = dict(zip(names, cells, strict=True))
        blank = {-1: None}
        decided = at["received_month"] > 0
        sent = tuple(at[f"dispatched_{what}"] for what in ("at", "month", "day"))
        got = tuple(at[f"received_{what}"] for what in ("at", "month", "day"))
        dry, moist = at["dispatch_dry_kg"], at["moisture"]
        got_dry, got_moist = at["receipt_dry_kg"], at["receipt_moisture"]
        sent_kg = at["dispatched_kg"], at["dispatch_input_kg"]
        got_kg = at["received_kg"], at["receipt_input_kg"]
        found.append(
            (
                *(at[name] for name in ("line", "doc_no", "consignor_id", "consignee_id")),
                *(at[name] for name in ("material_id", "route_id")),
                *(at[name] for name in ("from_facility_id", "to_facility_id")),
                (at["from_outside"], at["to_outside"], at["trips"]),
                tuple(at[name] for name in _WORDS),
                (at["basis"], at["weighed"], kind, parent),
                sent,
                (*sent_kg, blank.get(dry, dry), blank.get(moist, moist)),
                got if decided else None,
                (*got_kg, blank.get(got_dry, got_dry), blank.get(got_moist, got_moist))
                if decided
                else None,
                (at["accepted_kg"], at["refused_kg"], at["evidence"], at["state"]),
            )
        )
    return found
