"""Reports of the API and the map as files: XLSX, CSV, geodata; computed elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from flask import Response, g, request
from msgspec.structs import asdict

from wasteflow.core.collecting import no_collecting
from wasteflow.core.flow_filter import FlowFilter
from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.exporting.flat import flat_table, head_of, with_mark
from wasteflow.exporting.graphs import EDGE_COLUMNS, edge_rows
from wasteflow.exporting.sheets import Sheet, csv_pieces, write_xlsx
from wasteflow.exports import Export, media_type, write_export
from wasteflow.web.access import books, books_seen
from wasteflow.web.texts import lang, text

FORMATS: Final = ("csv", "xlsx")


def report_file(report: Mapping[str, Any], ending: str, name: str) -> Response:
    """The rows of a report as a file, with what was asked for on its second sheet."""
    synthetic = bool(report.get("synthetic") or books_seen().synthetic)
    if name == "flows":
        heads, rows = [head_of(column) for column in EDGE_COLUMNS], list(edge_rows(report))
    else:
        given = report.get("rows") or report.get("firms") or []
        heads, plain = flat_table(given)
        heads, marked = with_mark(heads, plain, synthetic)
        rows = [list(row) for row in marked]
    notes = [(text("export.what"), name), *((k, v) for k, v in request.args.items() if v)]
    notes += [(key, str(report[key])) for key in ("period", "formula", "basis") if key in report]
    notes += [
        (text("export.version"), str(g.get("data_version", ""))),
        (text("export.units"), text("export.units_words")),
    ]
    if synthetic:
        notes.append((text("synthetic.mark"), text("synthetic.words")))
    sheet = Sheet(name, heads, rows, notes, text("export.total"))
    return sheet_response(sheet, ending, f"wasteflow-{name}")


def rows_file(rows: Iterable[Mapping[str, Any]], name: str) -> Response:
    """A short list of a page as the file its address asks for: one column per member."""
    plain = [{key: _said(value) for key, value in row.items()} for row in rows]
    return report_file({"rows": plain}, request.args["format"], name)


def _said(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else value


@no_collecting()
def sheet_response(sheet: Sheet, ending: str, name: str, encoding: str = "utf-8-sig") -> Response:
    """A table as a download."""
    if ending == "xlsx":
        with TemporaryDirectory(prefix="wasteflow-out-") as folder:
            path = Path(folder) / "table.xlsx"
            write_xlsx(sheet, path)
            body = path.read_bytes()
    else:
        body = b"".join(csv_pieces(sheet, encoding))
    response = Response(body)
    kind = media_type(ending)
    charset = "gb18030" if encoding == "gb18030" else "utf-8"
    response.headers["Content-Type"] = f"{kind}; charset={charset}" if ending == "csv" else kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def geodata_file(
    *,
    scope: str,
    period: Period | None,
    material: str,
    level: str,
    ending: str,
    crs: str,
    wanted: FlowFilter | None = None,
) -> Response:
    """Parks, enterprises and links of a scope as geodata in a datum that the file names.

    wanted: only links that pass it; the file names the filter and what it leaves out.
    """
    kept = json.dumps(asdict(wanted)) if wanted is not None and not wanted.blank else ""
    asked = Export(
        "geodata", ending, scope, period, material, "utf-8", crs, lang(), level, wanted=kept
    )
    with TemporaryDirectory(prefix="wasteflow-out-") as folder:
        path = Path(folder) / f"map.{ending}"
        write_export(db=books().db, asked=asked, path=path)
        response = Response(path.read_bytes(), mimetype=media_type(ending))
    name = asked.filename.encode("ascii", "ignore").decode()
    if kept or material:
        name = name.replace("-geodata", "-geodata-selected")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
