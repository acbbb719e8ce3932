"""Templates: lists, checks, an example that is never imported, and a filled-in one taken."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from tests.store.books import NOW, Books, load
from wasteflow.exporting.template_book import template_book
from wasteflow.importing.opening import Asked
from wasteflow.services.template_choices import template_choices
from wasteflow.services.uploads import UPLOAD_RIGHTS
from wasteflow.sheet_files import open_and_guess, prepare, record


def opened(books: Books, kind: str) -> openpyxl.Workbook:
    """The template of a kind for maker."""
    choices = template_choices(db=books.db, kind=kind, firms=["maker"])
    return openpyxl.load_workbook(io.BytesIO(template_book(kind, choices)))


def test_lists_stand_on_a_hidden_sheet_own_firm_and_partners_first(books: Books) -> None:
    books.loads(load("L1", "5.000"), load("L2", "5.000", consignee="board", route="plaster"))
    book = opened(books, "shipments")
    data, lists = book.worksheets[0], book["lists"]
    assert lists.sheet_state == "hidden"
    rules = {str(rule.sqref): rule for rule in data.data_validations.dataValidation}
    assert rules["B5:B2004"].formula1 == "list_consignor"
    name = book.defined_names["list_consignor"]
    assert name.attr_text.startswith("lists!$A$2:$A$")
    firms = [cell.value for cell in lists["A"][1:] if cell.value]
    assert firms[0] == "磷化工厂" and set(firms[1:3]) == {"水泥厂", "石膏板厂"}
    titles = [cell.value for cell in data[3]]
    assert titles[0] == "单号\ndoc_no" and titles[10] == "发货量(吨)\ndispatched_t"
    assert rules["K5:K2004"].type == "decimal" and rules["J5:J2004"].type == "date"


@pytest.mark.parametrize("kind", UPLOAD_RIGHTS)
def test_every_template_is_read_as_its_own_kind(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(template_book(kind, {}))
    _, layout = open_and_guess(path, "t.xlsx", kind, Asked())
    assert layout.header_row == 3 and layout.missing == () and layout.unread == ()
    assert all(layout.columns)


def test_a_filled_template_is_taken_without_its_example(books: Books, tmp_path: Path) -> None:
    book = opened(books, "shipments")
    page = book.worksheets[0]
    values: dict[str, str | float] = {
        "A": "T1",
        "B": "磷化工厂",
        "C": "水泥厂",
        "D": "磷石膏",
        "E": "缓凝剂",
    }
    values |= {"F": "公路", "J": "2026-03-02 08:05", "K": 31.48}
    for letter, value in values.items():
        page[f"{letter}5"] = value
    path = tmp_path / "filled.xlsx"
    book.save(path)
    source, layout = open_and_guess(path, path.name, "shipments", Asked())
    prepared = prepare(db=books.db, source=source, layout=layout, folder=tmp_path)
    assert [role for _, role, _ in prepared.normalised.skipped] == ["example"]
    assert record(db=books.db, prepared=prepared, now=NOW).report.taken == 1
    books.check()
