"""附表1–7 from records on both databases: sums are those of the balance, numbers chain."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import text

from tests.store.books import NOW, Books, child, entry, load
from tests.store.closed import close
from wasteflow.core.errors import NotFound
from wasteflow.core.ledger_forms import Form, Mass
from wasteflow.core.periods import Period
from wasteflow.exporting.ledger_book import book_of
from wasteflow.services.corrections import reverse
from wasteflow.services.housekeeping import Housekeeping
from wasteflow.services.ledger_forms import LedgerForms, ledger_forms
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report


@pytest.fixture
def kept(books: Books) -> Books:
    """Two months of the maker: made, put aside, taken out, tipped, sent in part."""
    books.entries(
        entry("O", "opening", "40.000", "2026-01-01"),
        entry("G1", "generation", "90.000", "2026-03-01", handler="李"),
        entry("Y1", "to_yard", "30.000", "2026-03-03"),
        entry("Y2", "from_yard", "10.000", "2026-03-05"),
        entry("D1", "disposal", "5.000", "2026-03-06", route="fill"),
        entry("G2", "generation", "20.000", "2026-04-02"),
        entry("G3", "generation", "7.000", "2026-03-02"),
    )
    books.loads(
        load("A", "30.000", "29.500", reason="x", carrier="=HYPERLINK(1)"), load("B", "5.000")
    )
    books.entries(entry("U", "use", "20.000", "2026-03-20", enterprise="cement", route="retarder"))
    return books


def forms(books: Books, firm: str = "maker", period: str = "2026-03") -> LedgerForms:
    return ledger_forms(db=books.db, enterprise=firm, period=Period.parse(period))


def column(form: Form, name: str) -> list[object]:
    place = form.columns.index(name)
    return [row[place] for row in form.rows]


def test_sums_are_those_of_the_balance_and_of_the_rate(kept: Books) -> None:
    two = forms(kept).forms[1]
    scope, period = "enterprise:maker", Period.parse("2026-03")
    lines = balance_report(db=kept.db, scope=scope, period=period)["rows"]
    held = [line for line in lines if line["compartment"] in ("site", "yard")]
    closing = sum(float(line["closing_t"]) for line in held)
    total = rates_report(db=kept.db, scope=scope, period=period)["total"]
    (generated,), (stock,) = column(two, "generated"), column(two, "stock")
    assert isinstance(generated, Mass) and generated.tonnes == total["generated_t"] == "97.000"
    assert isinstance(stock, Mass) and float(stock.tonnes) == closing
    (given,), (tipped,) = column(two, "given_use"), column(two, "own_disposal")
    assert isinstance(given, Mass) and given.tonnes == total["utilised_t"] == "29.500"
    assert isinstance(tipped, Mass) and tipped.tonnes == total["disposed_t"] == "5.000"
    year = forms(kept, period="2026").forms
    assert [row[0] for row in year[1].rows] == ["2026-01", "2026-02", "2026-03", "2026-04"] + [
        f"2026-{month:02d}" for month in range(5, 13)
    ]
    (yearly,) = column(year[0], "yearly")
    assert isinstance(yearly, Mass) and yearly.kg == 117_000


def test_numbers_chain_from_record_to_record(kept: Books) -> None:
    found = {form.number: form for form in forms(kept).forms}
    assert column(found[4], "number") == ["CS202603001", "CS202603002"]
    assert column(found[4], "handler") == ["李", ""]
    assert column(found[4], "recirculated") == ["", ""]
    assert column(found[5], "number") == ["ZC202603001", "ZC202603002"]
    assert column(found[5], "before") == ["CS202603002", "ZC202603001"]
    assert column(found[5], "put") == [Mass(30_000), ""]
    assert column(found[5], "taken") == ["", Mass(10_000)]
    sums = {found[5].columns[place]: mass.kg for place, mass in found[5].sums.items()}
    assert sums == {"put": 30_000, "taken": 10_000}, "in and out are never added up"
    assert column(found[7], "before") == ["ZC202603002"], "what was tipped came out of the yard"
    assert column(forms(kept, "cement").forms[5], "before") == ["A"], "the load it was made of"
    assert column(found[3], "doc_no") == ["A", "B"] and column(found[3], "direction")[0] == "within"
    assert found[3].sums[found[3].columns.index("left")].kg == 35_000
    assert column(forms(kept, period="2026-04").forms[3], "number") == ["CS202604001"]


def test_the_workbook_holds_texts_as_texts_and_sums_as_formulas(kept: Books) -> None:
    read = forms(kept)
    body = book_of(
        read.forms, firm="=cmd", uscc="", period="2026-03", root="ab" * 32, synthetic=True
    )
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == [f"附表{number}" for number in range(1, 8)]
    sheet = book["附表3"]
    cells = {cell.coordinate: cell for row in sheet.iter_rows() for cell in row if cell.value}
    carrier = next(cell for cell in cells.values() if cell.value == "=HYPERLINK(1)")
    assert carrier.data_type == "s", "a name is never a formula"
    formulas = [cell.value for cell in cells.values() if cell.data_type == "f"]
    assert formulas == ["=SUM(D5:D6)"]
    texts = [str(cell.value) for cell in cells.values()]
    assert any("ab" * 32 in text for text in texts) and any("未复核" in text for text in texts)
    assert any("合成" in text for text in texts)
    assert sheet.page_setup.orientation == "landscape" and sheet.freeze_panes == "A5"


def test_a_firm_that_is_none_and_one_without_records(kept: Books) -> None:
    with pytest.raises(NotFound):
        forms(kept, "nobody")
    assert all(not form.rows for form in forms(kept, "board").forms)


def test_late_and_reversed_records_leave_the_other_numbers_alone(kept: Books) -> None:
    before = dict(zip(docs(kept), column(forms(kept).forms[3], "number"), strict=True))
    kept.entries(entry("LATE", "generation", "3.000", "2026-03-01"))
    assert reverse(db=kept.db, doc_no="G3", reason="typing error", now=NOW)
    kept.entries(entry("G3/2", "generation", "8.000", "2026-03-02"))
    found = forms(kept).forms[3]
    now = dict(zip(docs(kept), column(found, "number"), strict=True))
    assert now["G1"] == before["G1"] == "CS202603001"
    assert now["LATE"] == "CS202603003" and now["G3/2"] == "CS202603004"
    assert before["G3"] == "CS202603002" and "CS202603002" not in now.values(), "never given twice"
    storage = column(forms(kept).forms[4], "before")
    assert storage[0] == "CS202603004", "the chain follows the days"


def test_what_was_booked_in_a_later_month_is_listed(kept: Books) -> None:
    """March is closed; an entry and a load of it come later and stand in the annex."""
    assert not forms(kept).late
    close(kept, 202603, enterprise="maker")
    kept.entries(entry("LATE", "generation", "3.000", "2026-03-01"))
    kept.loads(load("C", "4.000"))
    found = forms(kept)
    late = [(item.form, item.number, item.month) for item in found.late]
    assert late == [(3, "C", 202603), (4, "CS202603003", 202603)]
    assert all(item.booked > 202603 for item in found.late)
    told = {"firm": "甲", "uscc": "", "period": "2026-03", "root": "", "synthetic": False}
    book = openpyxl.load_workbook(io.BytesIO(book_of(found.forms, **told, late=found.late)))  # type: ignore[arg-type]
    annex = [[cell.value for cell in row] for row in book["补记清单"].iter_rows(min_row=5)]
    assert [row[:3] for row in annex] == [
        ["附表3", "C", "2026-03"],
        ["附表4", "CS202603003", "2026-03"],
    ]
    notes = [str(row[0].value) for row in book["附表4"].iter_rows()]
    assert any("本表有 1 行为补记" in words for words in notes)
    assert any("有 2 行为补记" in str(row[0].value) for row in book["附表2"].iter_rows())


def docs(books: Books) -> list[str]:
    """Numbers of the generation entries in force, by day and order of recording."""
    query = text(
        "SELECT doc_no FROM entry WHERE kind = 'generation' AND month = 202603 AND reverses_id IS"
        " NULL AND id NOT IN (SELECT reverses_id FROM entry WHERE reverses_id IS NOT NULL)"
        " ORDER BY day, id"
    )
    with books.db.read() as session:
        return list(session.scalars(query))


def test_what_was_refused_leaves_only_the_works_it_was_made_in(books: Books) -> None:
    books.entries(entry("G", "generation", "60.000"))
    books.loads(
        load("A", "30.000", "20.000", refused_t="10.000", reason="wet"),
        child("A-R", "A", "4.000"),
        child("A-S", "A", "6.000", "redirect", consignee="board", route="plaster"),
    )
    assert column(forms(books).forms[2], "doc_no") == ["A"]
    assert forms(books, "cement").forms[2].rows == ()
    month = Period.parse("2026-03")
    (line,) = [
        row
        for row in balance_report(db=books.db, scope="enterprise:maker", period=month)["rows"]
        if row["compartment"] == "site"
    ]
    three = forms(books).forms[2]
    left = three.sums[three.columns.index("left")].tonnes
    assert left == "30.000" and left in line["out"].values(), line["out"]


def test_what_a_use_gives_back_is_no_generation(books: Books) -> None:
    books.entries(
        entry("G", "generation", "60.000"),
        entry("U", "use", "10.000", "2026-03-02", route="plaster"),
        entry("R", "generation", "2.000", "2026-03-03", from_use="true"),
    )
    one, two, _, four, *_ = forms(books).forms
    sums = {four.columns[place]: mass.kg for place, mass in four.sums.items()}
    assert sums == {"made": 60_000, "recirculated": 2_000}
    assert column(one, "yearly") == column(two, "generated") == [Mass(60_000)]


def test_a_profile_fills_the_first_form_from_its_year_on(kept: Books) -> None:
    kept.take(
        "profiles",
        {
            "enterprise": "maker", "material": "pg", "year": "2026", "waste_code": "261-001-S10",
            "class": "第Ⅱ类", "source_step": "过滤", "state": "固态", "composition": "CaSO4·2H2O",
            "pollution": "酸性、磷、氟",
        },
    )  # fmt: skip
    (row,) = forms(kept).forms[0].rows
    assert row[1:8] == (
        "261-001-S10", "磷石膏", "第Ⅱ类", "过滤", "固态", "CaSO4·2H2O", "酸性、磷、氟",
    )  # fmt: skip


def test_months_add_up_to_the_year_and_five_years_on_all_is_there(kept: Books) -> None:
    kept.entries(entry("OLD", "generation", "11.000", "2021-11-30", enterprise="maker2"))
    later = NOW + timedelta(days=5 * 366)
    assert Housekeeping(kept.db, lambda: later, answer_days=1, seal_hours=1).round()
    old = forms(kept, "maker2", "2021-11").forms
    assert column(old[3], "made") == [Mass(11_000)] and column(old[0], "yearly") == [Mass(11_000)]
    year = forms(kept, period="2026").forms
    months = [forms(kept, period=f"2026-{month:02d}").forms for month in range(1, 13)]
    for place, form in enumerate(year):
        parts: dict[int, int] = {}
        for month in months:
            for column_no, mass in month[place].sums.items():
                parts[column_no] = parts.get(column_no, 0) + mass.kg
        assert parts == {column_no: mass.kg for column_no, mass in form.sums.items()}


def test_the_load_before_an_entry_is_found_however_long_it_took(kept: Books) -> None:
    """In the month before any, months on the road, or kept under another month than it left in."""

    def before(number: str) -> list[object]:
        kept.entries(
            entry(number, "use", "1.000", "2026-06-20", enterprise="cement", route="retarder")
        )
        return column(forms(kept, "cement", "2026-06").forms[5], "before")

    assert before("U1") == ["A"]
    slow = {"dispatched_at": "2025-11-05", "received_at": "2026-05-02"}
    kept.loads(load("SLOW", "3.000", "3.000", **slow))
    assert before("U2") == ["SLOW", "SLOW"]
    same_day = {"dispatched_at": "2026-06-01", "received_at": "2026-06-19"}
    kept.loads(*(load(number, "3.000", "3.000", **same_day) for number in ("N1", "N2")))
    kept.loads(load("OLD", "3.000", "3.000", **slow | {"received_at": "2026-06-19"}))
    assert before("U3") == ["N2"] * 3
    reverse(db=kept.db, doc_no="N2", reason="x", now=NOW)
    assert before("U4") == ["N1"] * 4
