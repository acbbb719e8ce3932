"""`/ledger-forms`: 附表1–7 of a firm on the screen, for printing, and as XLSX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.ledger_forms import Late, Mass
from wasteflow.core.periods import Period
from wasteflow.exporting.ledger_book import (
    HEADS,
    LATE,
    LATE_HEADS,
    LATE_NOTE,
    TITLES,
    book_of,
    foot_of,
    late_rows,
    notes_of,
    words_of,
)
from wasteflow.services.ledger_forms import ledger_forms
from wasteflow.web.access import books
from wasteflow.web.pages.view import read_view

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN: Final = 200
"""Rows of a form on the screen; the file and the print of a month hold them all."""


def show() -> str | Response:
    """The forms of the firm in scope; of a wider scope, which firm to choose."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    firm = view.scope.removeprefix("enterprise:") if view.scope.startswith("enterprise:") else ""
    if not firm:
        return render_template("ledger_forms.html", view=view, forms=None)
    found = ledger_forms(db=books().db, enterprise=firm, period=view.span, material=view.material)
    if request.args.get("format") == "xlsx":
        return file_of(firm, found, view.span)
    return render_template(
        "ledger_forms.html",
        view=view,
        forms=[_shown(form, found.root, found.late) for form in found.forms],
        late=late_rows(found.late[:SHOWN]),
        late_left=max(0, len(found.late) - SHOWN),
        late_words=(LATE, LATE_NOTE, LATE_HEADS),
        firm=found.firm,
        period=view.span.text,
        synthetic=found.synthetic,
    )


def file_of(firm: str, found: Any, period: Period) -> Response:
    """The workbook as a download."""
    body = book_of(
        found.forms,
        firm=found.firm.name_zh,
        uscc=found.firm.uscc,
        period=period.text,
        root=found.root,
        synthetic=found.synthetic,
        late=found.late,
    )
    name = f"wasteflow-ledger-forms-{firm}-{period.text}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, mimetype=XLSX, headers=headers)


def _shown(form: Any, root: str, late: Sequence[Late]) -> dict[str, Any]:
    """A form as the page shows it: texts, with masses marked."""
    rows = [words_of(form, row) for row in form.rows]
    return {
        "number": form.number,
        "title": TITLES[form.number],
        "heads": [HEADS[name] for name in form.columns],
        "rows": [[_cell(cell) for cell in row] for row in rows[:SHOWN]],
        "sums": {place: mass.tonnes for place, mass in form.sums.items()},
        "notes": notes_of(form.number, foot_of(root), late),
        "left": max(0, len(rows) - SHOWN),
    }


def _cell(cell: Any) -> tuple[str, bool]:
    """(text, whether it is a mass)."""
    return (cell.tonnes, True) if isinstance(cell, Mass) else (str(cell), False)
