"""Joins services and files out: any kind or report as CSV, XLSX, JSON or geodata, at once or later.

Rows are made as they are written, so that memory does not grow with them.  What is exported of a
kind can be imported again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.errors import InvalidValue, NotFound, UnusableFile
from wasteflow.core.geodesy import CRS_NAMES
from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.exporting.flat import KIND_OF_TYPE, flat_table, head_of, typed_cell
from wasteflow.exporting.graphs import EDGE_COLUMNS, edge_rows
from wasteflow.exporting.sheets import TONNES, Head, Sheet, csv_pieces, write_xlsx
from wasteflow.exporting.tables import CSV_ENCODINGS
from wasteflow.own_tables import OWN, events_table, own_table, provenance_table
from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.acting import actor_of_login
from wasteflow.services.balance_table import balance_table
from wasteflow.services.reports import overview

KINDS: Final = (
    "regions", "parks", "enterprises", "facilities", "materials", "routes", "targets", "filings",
    "coefficients", "products", "park_inputs", "profiles", "entries", "shipments",
)  # fmt: skip
"""What can be imported again."""
REPORTS: Final = (
    "balances", "rates", "target_status", "links", "findings", "crosscheck", "flows", "closes",
    "events", "provenance",
)  # fmt: skip
GEO: Final = ("boundaries", "geodata")
TABLE_ENDINGS: Final = ("csv", "xlsx", "json")
GEO_ENDINGS: Final = ("geojson", "gpkg", "kml")
GRAPH_ENDINGS: Final = ("graphml", "gexf", "geojson")
KEPT: Final = timedelta(days=7)
"""How long a file made in the background can be fetched."""
_MEDIA: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "kml": "application/vnd.google-earth.kml+xml",
    "graphml": "application/xml",
    "gexf": "application/xml",
}


class Export(Struct, frozen=True):
    """What is asked for; `scope` and `period` as the contract writes them, None: all the books.

    Of a list of `own_tables.OWN`: `login` whose list it is, `reach` the memberships it rests on,
    `wanted` its filter as JSON; of geodata a `FlowFilter`.
    """

    kind: str
    ending: str = "xlsx"
    scope: str = "all"
    period: Period | None = None
    material: str = ""
    encoding: str = "utf-8-sig"
    crs: str = "WGS84"
    lang: str = "zh"
    level: str = "enterprise"
    login: str = ""
    reach: str = ""
    wanted: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain JSON, for the options of a job."""
        given = {
            name: str(getattr(self, name)) for name in self.__struct_fields__ if name != "period"
        }
        return given | {"period": self.period.text if self.period else ""}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Export:
        """The same from plain JSON."""
        known = {name: given[name] for name in cls.__struct_fields__ if name in given}
        return cls(
            **{**known, "period": Period.parse(given["period"]) if given["period"] else None}
        )

    @property
    def filename(self) -> str:
        """A name that says what it is: wasteflow-shipments-2026.xlsx."""
        parts = ["wasteflow", self.kind, self.scope if self.scope != "all" else ""]
        parts.append(self.period.text if self.period else "")
        plain = "-".join(part for part in parts if part).replace(":", "-").replace("..", "_")
        return f"{plain}.{self.ending}"


def endings_of(kind: str) -> tuple[str, ...]:
    """The formats a kind can have; UnusableFile `export_unknown_kind`."""
    if kind in GEO:
        return GEO_ENDINGS
    if kind == "flows":
        return (*TABLE_ENDINGS, *GRAPH_ENDINGS)
    if kind in KINDS or kind in REPORTS or kind in OWN:
        return TABLE_ENDINGS
    raise _unknown(kind)


def _unknown(kind: str) -> UnusableFile:
    known = " ".join((*KINDS, *REPORTS, *GEO))
    return UnusableFile("export_unknown_kind", kind=kind, known=known)


def check(asked: Export) -> None:
    """UnusableFile `unknown_format` for an ending the kind cannot have.

    InvalidValue `unknown_encoding`, `geo_crs_unknown` for words that are none.
    """
    known = endings_of(asked.kind)
    if asked.ending not in known:
        raise UnusableFile("unknown_format", file=asked.filename, known=" ".join(known))
    if asked.encoding not in CSV_ENCODINGS:
        words = ", ".join(CSV_ENCODINGS)
        raise InvalidValue("unknown_encoding", encoding=asked.encoding, known=words)
    if asked.crs not in CRS_NAMES:
        raise InvalidValue("geo_crs_unknown", value=asked.crs)


def media_type(ending: str) -> str:
    """The media type of a format."""
    return _MEDIA[ending]


def write_export(
    *, db: Any, asked: Export, path: Path, progress: Callable[[int], None] | None = None
) -> int:
    """Write what was asked for to `path`; the number of rows.  Raises UnusableFile, NotFound."""
    check(asked)
    if asked.kind in GEO:
        from wasteflow.geo_exports import write_geodata

        return write_geodata(db=db, asked=asked, path=path)
    if asked.kind == "flows" and asked.ending not in ("csv", "xlsx"):
        return _write_graph(db, asked, path)
    sheet = sheet_of(db=db, asked=asked)
    counted = _Counted(sheet.rows, progress)
    whole = Sheet(sheet.title, sheet.heads, counted, sheet.notes, sheet.total_word)
    if asked.ending == "xlsx":
        return write_xlsx(whole, path)
    with path.open("wb") as file:
        pieces = (
            _json_pieces(whole) if asked.ending == "json" else csv_pieces(whole, asked.encoding)
        )
        for piece in pieces:
            file.write(piece)
    return counted.count


class _Counted:
    """Rows that count themselves as they go by."""

    def __init__(self, rows: Iterable[Any], progress: Callable[[int], None] | None) -> None:
        self._rows, self._progress, self.count = rows, progress, 0

    def __iter__(self) -> Iterator[Any]:
        for row in self._rows:
            self.count += 1
            if self._progress is not None and self.count % 1000 == 0:
                self._progress(self.count)
            yield row


def _json_pieces(sheet: Sheet) -> Iterator[bytes]:
    """A JSON list of flat objects, one by one."""
    from wasteflow.exporting.tables import json_text

    names = [head.name for head in sheet.heads]
    start = "[\n"
    for row in sheet.rows:
        cells = {name: "" if cell is None else cell for name, cell in zip(names, row, strict=True)}
        yield (start + json_text(cells).rstrip("\n")).encode("utf-8")
        start = ",\n"
    yield b"[]\n" if start == "[\n" else b"\n]\n"


def _write_graph(db: Any, asked: Export, path: Path) -> int:
    from wasteflow.exporting.flow_text import flows_text

    report = _flows(db, asked)
    path.write_text(flows_text(report, asked.ending), encoding="utf-8")
    return len(report["edges"])


def sheet_of(*, db: Any, asked: Export) -> Sheet:
    """The table of an export with its notes; rows are read as they are asked for."""
    heads, rows = _table_of(db, asked)
    return Sheet(
        asked.kind, heads, rows, notes_of(db, asked), "Total" if asked.lang == "en" else "合计"
    )


def _table_of(db: Any, asked: Export) -> tuple[list[Head], Iterable[list[Any]]]:
    if asked.kind in KINDS:
        return _kind_table(db, asked)
    common: dict[str, Any] = {"db": db, "scope": asked.scope, "material": asked.material}
    if asked.kind == "events":
        return events_table(**common, period=asked.period)
    if asked.kind == "provenance":
        return provenance_table(**common, period=span_of(db, asked.period))
    if asked.kind in OWN:
        if not asked.login:  # a command has no list of its own
            raise _unknown(asked.kind)
        actor = actor_of_login(db=db, login=asked.login, now=datetime.now(UTC))
        if actor is None:
            raise NotFound("export_expired")
        return own_table(
            db=db,
            kind=asked.kind,
            actor=actor,
            wanted=json.loads(asked.wanted or "{}"),
            lang=asked.lang,
            synthetic=_synthetic(db),
        )
    return _report_table(db, asked)


def _kind_table(db: Any, asked: Export) -> tuple[list[Head], Iterator[list[Any]]]:
    """A kind of the contract: columns of the dictionary, typed cells."""
    from wasteflow.exporting.tables import kind_rows
    from wasteflow.services import export
    from wasteflow.services.products import export_products
    from wasteflow.services.statements import export_statements

    columns = columns_of(asked.kind)
    common: dict[str, Any] = {"db": db, "scope": asked.scope, "period": asked.period}
    if asked.kind == "entries":
        records: Iterable[Any] = export.export_entries(**common, material=asked.material)
    elif asked.kind == "shipments":
        records = export.export_shipments(**common, material=asked.material)
    elif asked.kind == "products":
        records = export_products(**common)
    elif asked.kind in ("park_inputs", "profiles"):
        records = export_statements(kind=asked.kind, **common)
    else:
        names = [column.name for column in columns]
        records = export.export_registry(db=db, kind=asked.kind, columns=names)
    types = [column.type for column in columns]
    heads = [_head(column.name, column.type) for column in columns]
    rows = (
        [typed_cell(cell, type_) for cell, type_ in zip(row, types, strict=True)]
        for row in kind_rows(asked.kind, records)
    )
    return heads, rows


def _head(name: str, type_: str) -> Head:
    kind = KIND_OF_TYPE.get(type_, "text")
    return Head(name, kind, total=kind == TONNES)


def _report_table(db: Any, asked: Export) -> tuple[list[Head], Iterable[list[Any]]]:
    """A report as flat rows; the mark of synthetic data last."""
    report = report_of(db=db, asked=asked)
    if asked.kind == "balances":
        columns, cells = balance_table(report)
        # The sums of a sheet take the place of the line of totals.
        return [head_of(name) for name in columns], cells[:-1] if asked.ending == "xlsx" else cells
    if asked.kind == "flows":
        return [head_of(name) for name in EDGE_COLUMNS], edge_rows(report)
    synthetic = "true" if report.get("synthetic") or _synthetic(db) else "false"
    rows = report.get("rows") or report.get("edges") or report.get("firms") or []
    return flat_table({**row, "synthetic": synthetic} for row in rows)


def _synthetic(db: Any) -> bool:
    return bool(overview(db=db).synthetic)


def span_of(db: Any, period: Period | None) -> Period:
    """The period asked for, else the span of the books; the year 2000 where they are empty."""
    if period:
        return period
    seen = overview(db=db)
    return Period.of(seen.first, seen.last) if seen.first and seen.last else Period.parse("2000")


def report_of(*, db: Any, asked: Export) -> dict[str, Any]:
    """A report as the API gives it."""
    from wasteflow.services.close_rows import list_closes
    from wasteflow.services.findings import findings_report
    from wasteflow.services.products import crosscheck_report
    from wasteflow.services.provenance import gap_report
    from wasteflow.services.rating import rates_report
    from wasteflow.services.reports import balance_report
    from wasteflow.services.target_status import targets_report

    common: dict[str, Any] = {
        "db": db,
        "scope": asked.scope,
        "period": span_of(db, asked.period),
        "material": asked.material,
    }
    if asked.kind == "flows":
        return _flows(db, asked)
    if asked.kind == "target_status":
        return targets_report(db=db, period=asked.period)
    if asked.kind == "closes":
        return {"rows": list_closes(db=db, history=True)}
    if asked.kind == "rates":
        return rates_report(**common, by="enterprise,material,month")
    makers: dict[str, Callable[..., dict[str, Any]]] = {
        "balances": balance_report,
        "links": gap_report,
        "findings": findings_report,
        "crosscheck": crosscheck_report,
    }
    return makers[asked.kind](**common)


def _flows(db: Any, asked: Export) -> dict[str, Any]:
    from wasteflow.services.flow_scope import flows_of_scope
    from wasteflow.services.reports import flows_report

    report = flows_report(
        db=db, period=span_of(db, asked.period), level=asked.level, material=asked.material
    )
    return flows_of_scope(overview(db=db).registry, report, asked.scope, asked.level)


_UNITS: Final = "_t、tonnes：吨（湿重）；_kg：千克 · tonnes (wet, as weighed), kilograms"
_FORMULA: Final = "official, declared · 官方口径、申报口径；来源按混合规则 under the mixing rule"
_SYNTHETIC: Final = "含合成（虚构）数据 · holds invented demonstration data"


def notes_of(db: Any, asked: Export) -> list[tuple[str, str]]:
    """What a reader of the file must know: the second sheet of an XLSX."""
    from wasteflow.services.data_version import data_version

    exported = datetime.now(UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    notes = [
        ("内容 What", asked.kind),
        ("范围 Scope", asked.scope),
        ("期间 Period", asked.period.text if asked.period else "全部 all"),
        ("物料 Material", asked.material or "全部 all"),
        ("单位 Units", _UNITS),
        ("数据版本 Data version", data_version(db=db)),
        ("导出时间 Exported", exported),
    ]
    if asked.kind in ("rates", "links", "target_status", "provenance"):
        notes.append(("公式 Formula", _FORMULA))
    if _synthetic(db):
        notes.append(("合成数据 Synthetic", _SYNTHETIC))
    return notes
