"""`/audit`: a table of published figures read from an upload or pasted text, and its audit.

Nothing is stored: the figures live in the memory of one request, the database is not touched.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Final
from urllib.parse import urlsplit

from flask import Response, abort, make_response, render_template, request
from msgspec import Struct
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import parse_form_data

from wasteflow.core.audit import Audit
from wasteflow.core.audit_rates import RateInterval
from wasteflow.core.errors import RowIssue, RowsRefused, UnusableFile
from wasteflow.core.messages import render
from wasteflow.core.messages_audit import FORMULA_NAMES
from wasteflow.importing.encodings import decode
from wasteflow.importing.reading import read_table
from wasteflow.schemas.cells import Table, write_csv
from wasteflow.services.auditing import COLUMNS, audit_report, audit_table
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import has_text, lang, text

MAX_MB: Final = 2
MAX_BYTES: Final = MAX_MB * 1024 * 1024
MAX_FORM: Final = 2 * MAX_BYTES + 65_536
MAX_FIGURES: Final = 2_000
SHOWN_FIGURES, SHOWN_ISSUES = 200, 100
_SAME: Final = ("same-origin", "none")
_EXAMPLE: Final = (
    "id,scope,year,material,generated,utilised,utilised_prior,disposed,disposed_prior,stored,"
    "dumped,treated,decimals_of_amounts,published_rate,decimals_of_rate\r\n"
    "cities-2015,246个大中城市,2015,一般工业固体废物,19.1,11.8,,4.4,,3.4,0.0,,1,60.2,1\r\n"
    "cities-2016,214个大中城市,2016,一般工业固体废物,14.8,8.6,,3.8,,5.5,0.0,,1,48.0,1\r\n"
    "example-a,示例市,2024,磷石膏,120.0,90.0,20.0,,,45.0,0.0,,1,64.3,1\r\n"
)


class FormulaLine(Struct, frozen=True):
    """A formula of a figure in words: value and bounds in percent, and whether it reproduces."""

    name: str
    value: str
    low: str
    high: str
    why: str
    match: str


class Result(Struct, frozen=True):
    """One audited figure in words."""

    id: str
    title: str
    published: str
    amounts: tuple[tuple[str, str], ...]
    lines: tuple[FormulaLine, ...]
    identity: str
    findings: tuple[str, ...]

    @property
    def reproduced(self) -> tuple[str, ...]:
        """Names of the formulas that give the published rate."""
        return tuple(line.name for line in self.lines if line.match)


def show() -> str | Response:
    """The form; after a POST the result, a file of it, or what is wrong with the table."""
    if request.method == "POST":
        return _audited()
    if request.args.get("example") == "1":
        return _file(_EXAMPLE, "wasteflow-figures-example.csv", "text/csv")
    return render_template("audit.html", **_page(read_view()))


def _audited() -> str | Response:
    _check_origin()
    try:
        data, name, pasted, shape = _given()
    except RequestEntityTooLarge:
        problem = render(
            "file_too_large", lang(), {"file": "–", "size": f">{MAX_MB}", "limit": MAX_MB}
        )
        return _refused(problem, (), "", 413)
    try:
        audits = audit_table(_small(read_table(data, name, max_bytes=MAX_BYTES)))
    except UnusableFile as error:
        return _refused(error.text(lang()), (), pasted)
    except RowsRefused as error:
        return _refused(text("audit.refused", number=len(error.issues)), error.issues, pasted)
    if shape == "json":
        body = json.dumps(audit_report(audits), ensure_ascii=False, indent=2)
        return _file(body, "wasteflow-audit.json", "application/json")
    if shape == "csv":
        return _file(_csv(audits), "wasteflow-audit.csv", "text/csv")
    results = [result_of(audit) for audit in audits[:SHOWN_FIGURES]]
    found = sum(bool(audit.findings) for audit in audits)
    return render_template(
        "audit.html",
        **_page(
            read_view(),
            results=results,
            number=len(audits),
            found=found,
            left=len(audits) - len(results),
            given=pasted or decode(data, name, None)[0],
            name=name,
        ),
    )


def _check_origin() -> None:
    """Only our own pages may post here (403 otherwise).

    There is no sign-in yet and nothing is written, so there is no token; the browser's own headers
    say where the form stood.  Clients that send neither header (scripts) are no browsers.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get("Origin", "")
    if site and site not in _SAME:
        abort(403)
    if origin and urlsplit(origin).netloc != request.host:
        abort(403)


def _given() -> tuple[bytes, str, str, str]:
    """(table, name of its file, pasted text, format): the upload, otherwise the text field.

    Parsed here and not by the framework, which keeps large uploads in a file on disk.
    Raises RequestEntityTooLarge.
    """
    _, form, files = parse_form_data(
        request.environ,
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=MAX_FORM,
        max_content_length=MAX_FORM,
    )
    upload, shape = files.get("file"), form.get("format", "")
    if upload is not None and upload.filename:
        return upload.stream.read(MAX_BYTES + 1), upload.filename, "", shape
    pasted = form.get("text", "")
    return pasted.encode("utf-8"), text("audit.pasted"), pasted, shape


def _small(table: Table) -> Table:
    """The table, if a page can hold its audit."""
    if len(table.rows) > MAX_FIGURES:
        raise UnusableFile(
            "too_many_figures", file=table.filename, count=len(table.rows), limit=MAX_FIGURES
        )
    return table


def _refused(problem: str, issues: Sequence[RowIssue], pasted: str, code: int = 422) -> Response:
    """The form again, with every cell that is wrong and what was typed."""
    told = [
        (issue.line, _label(issue.field), issue.value, render(
            issue.code, lang(), {"field": issue.field, "value": issue.value, **issue.params}
        ))
        for issue in issues[:SHOWN_ISSUES]
    ]  # fmt: skip
    more = {"problem": problem, "issues": told, "issues_left": len(issues) - len(told)}
    page = _page(read_view(), given=pasted, **more)
    return make_response(render_template("audit.html", **page), code)


def _label(field: str) -> str:
    labels = COLUMNS.get(field)
    return f"{labels[0]} {field}" if labels and lang() == "zh" else field


def _amount_label(column: str) -> str:
    """A column of amounts as people call it."""
    key = f"term.{column}"
    return COLUMNS[column][0] if lang() == "zh" or not has_text(key) else text(key)


def _page(view: View, **more: object) -> dict[str, object]:
    """What the template always needs; `more` on top."""
    nothing = {"results": None, "problem": "", "issues": (), "issues_left": 0, "given": ""}
    columns = [(name, labels[0]) for name, labels in COLUMNS.items()]
    return {"view": view, **nothing, "columns": columns, "max_mb": MAX_MB, "name": "", **more}


def result_of(audit: Audit) -> Result:
    """An audit in words of the request's language."""
    figure = audit.figure
    places = max(2, audit.rate_decimals + 1)
    return Result(
        figure.id,
        " · ".join(part for part in (figure.scope, figure.year, figure.material) if part),
        "" if figure.published_rate is None else f"{figure.published_rate:f}",
        tuple((_amount_label(name), f"{kg:f}") for name, kg in figure.amounts.items()),
        tuple(
            _line(name, rate, audit.matches.get(name, ""), places)
            for name, rate in audit.rates.items()
        ),
        _identity(audit),
        tuple(finding.text(lang()) for finding in audit.findings),
    )


def _line(name: str, rate: RateInterval, match: str, places: int) -> FormulaLine:
    label = FORMULA_NAMES[name][0 if lang() == "zh" else 1]
    if rate.value is None:
        named = [_label(column).split(" ")[0] for column in rate.missing]
        missing = {"columns": text("list.comma").join(named)}
        return FormulaLine(label, "", "", "", render(str(rate.not_computable), lang(), missing), "")
    return FormulaLine(
        label,
        _percent(rate.value, places, round),
        _percent(rate.low, places, floor),
        _percent(rate.high, places, ceil),
        "",
        match,
    )


def _percent(value: Fraction | None, places: int, rounding: object) -> str:
    """A fraction as percent with `places` decimals, bounds rounded outwards; "" = no bound."""
    if value is None or not callable(rounding):
        return ""
    scaled = int(rounding(value * 100 * 10**places))
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:0{places}d}"


def _identity(audit: Audit) -> str:
    if audit.residual is None:
        return text("audit.identity_open")
    numbers = [
        f"{float(value):,.6g}"
        for value in (audit.residual.value, audit.residual.low, audit.residual.high)
    ]
    closes = audit.residual.low <= 0 <= audit.residual.high
    key = "audit.identity_closes" if closes else "audit.identity_gapes"
    return text(key, residual=numbers[0], low=numbers[1], high=numbers[2])


def _csv(audits: Iterable[Audit]) -> str:
    """The results as CSV, one line per figure and formula; no cell is run by a spreadsheet."""
    heads = ["id", "formula", "value", "low", "high", "not_computable", "reproduces"]
    rows = []
    for audit in audits:
        data = audit.as_dict()
        for name, rate in data["rates"].items():
            numbers = [rate.get(word) for word in ("value", "low", "high", "not_computable")]
            match = audit.matches.get(name, "")
            rows.append([data["id"], name, *numbers, match, data["identity_residual"],
                         " ".join(data["findings"])])  # fmt: skip
    return "\ufeff" + write_csv([*heads, "identity_residual", "findings"], rows)


def _file(body: str, name: str, kind: str) -> Response:
    response = make_response(body)
    response.mimetype = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
