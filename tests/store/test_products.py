"""Product output through files: once per firm, product and day; reversal, export, cross-check."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.store.books import NOW, Books, entry
from wasteflow.core.errors import NotFound, RuleBroken
from wasteflow.core.periods import Period
from wasteflow.jobs import export_file, import_file, import_folder
from wasteflow.services.products import (
    crosscheck_report,
    export_products,
    product_key,
    reverse_product,
)
from wasteflow.services.reports import overview
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import BatchRow, ProductRow
from wasteflow_models.products import generation_by_month, product_outputs

COEFFICIENTS = (
    {"code": "acid", "kind": "generation", "material": "pg", "driver": "p2o5", "low": "4.5",
     "typical": "5", "high": "5.5"},
    {"code": "steel", "kind": "generation", "material": "slag", "driver": "crude_steel",
     "low": "0.08", "high": "0.15"},
    {"code": "iron", "kind": "generation", "driver": "pig_iron", "low": "0.3"},
    {"code": "water", "kind": "moisture", "material": "pg", "driver": "free_water", "low": "0.1",
     "high": "0.3"},
)  # fmt: skip


def output(tonnes: str = "20.000", day: str = "2026-03-31", **more: str) -> dict[str, str]:
    """A row of products of maker."""
    row = {"enterprise": "maker", "product": "p2o5", "date": day, "tonnes": tonnes}
    return row | more


@pytest.fixture
def works(books: Books) -> Books:
    """The books with coefficients and 100 t generated in March 2026."""
    books.take("coefficients", *COEFFICIENTS)
    books.entries(entry("G", "generation", "100.000"))
    return books


def stored(books: Books) -> list[tuple[str, str, int, int | None, int, bool]]:
    """(product, day, kg, p2o5, take, reversed) of every row."""
    with books.db.read() as session:
        rows = session.scalars(select(ProductRow).order_by(ProductRow.id)).all()
        return [
            (row.product, row.day.isoformat(), row.kg, row.p2o5, row.take, row.reversed_)
            for row in rows
        ]


def test_a_file_is_taken_once_and_names_are_understood(works: Books) -> None:
    rows = (
        output(),
        output("30.000", "2026-04-30", enterprise="磷化工厂", product="五氧化二磷"),
        output("7.000", product="phosphoric_acid", p2o5_pct="54 %"),
    )
    report = works.take("products", *rows)
    assert (report.taken, report.skipped, dict(report.warnings.counts)) == (3, 0, {})
    assert stored(works) == [
        ("p2o5", "2026-03-31", 20_000, None, 1, False),
        ("p2o5", "2026-04-30", 30_000, None, 1, False),
        ("phosphoric_acid", "2026-03-31", 7_000, 54_000, 1, False),
    ]
    again = works.take("products", *rows, output("1.000", "2026-05-31"), *rows[:1])
    assert (again.taken, again.skipped) == (1, 4)
    works.check()


def test_another_amount_is_refused_with_advice(works: Books) -> None:
    works.take("products", output())
    (issue,) = works.refused("products", output("21.000"), output("5.000", "2026-04-30"))
    assert (issue.line, issue.field, issue.code) == (2, "tonnes", "product_differs")
    for lang in ("zh", "en"):
        assert "wasteflow reverse maker/p2o5/2026-03-31 --reason" in issue.text(lang)
        assert "20.000" in issue.text(lang)
    assert works.codes("products", output(p2o5_pct="99")) == [(2, "tonnes", "product_differs")]
    twice = works.codes("products", output("5.000", "2026-04-30"), output("6.000", "2026-04-30"))
    assert twice == [(3, "tonnes", "duplicate_product_in_file")]
    assert len(stored(works)) == 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"enterprise": "nobody"}, "enterprise", "unknown_code"),
        ({"tonnes": "0"}, "tonnes", "zero_tonnes"),
        ({"tonnes": "-1"}, "tonnes", "negative_amount"),
        ({"tonnes": "1.0001"}, "tonnes", "too_many_places"),
        ({"date": "2026-11-22"}, "date", "future_date"),
        ({"p2o5_pct": "0"}, "p2o5_pct", "percent_out_of_range"),
        ({"product": "a/b"}, "product", "bad_code"),
    ],
)
def test_faults_of_a_row(books: Books, change: dict[str, str], field: str, code: str) -> None:
    assert books.codes("products", output() | change) == [(2, field, code)]


def test_an_unknown_product_is_taken_with_a_warning(works: Books) -> None:
    report = works.take("products", output(product="bolts"), output(product="pig_iron"))
    assert report.taken == 2 and report.warnings.counts["unknown_product"] == 2
    _, remark = report.warnings.examples["unknown_product"][0]
    assert "bolts" in remark.text("zh") and "bolts" in remark.text("en")


def test_a_reversed_row_stays_and_its_place_is_free_again(works: Books) -> None:
    works.take("products", output())
    assert (
        reverse_product(db=works.db, key="maker/p2o5/2026-03-31", reason="误录", now=NOW)["kg"]
        == 20_000
    )
    with pytest.raises(RuleBroken, match="already reversed"):
        reverse_product(db=works.db, key="maker/五氧化二磷/2026-03-31", reason="误录", now=NOW)
    with pytest.raises(RuleBroken):
        reverse_product(db=works.db, key="maker/p2o5/2026-03-31", reason=" ", now=NOW)
    for key in ("maker/p2o5/2026-03-30", "x/p2o5/2026-03-31", "no-key", "a/b/c"):
        with pytest.raises(NotFound):
            reverse_product(db=works.db, key=key, reason="误录", now=NOW)
    assert export_products(db=works.db) == []
    assert works.take("products", output("21.000")).taken == 1
    assert stored(works) == [
        ("p2o5", "2026-03-31", 20_000, None, 1, True),
        ("p2o5", "2026-03-31", 21_000, None, 2, False),
    ]
    assert works.take("products", output("21.000")).skipped == 1


def test_a_dry_run_leaves_nothing(works: Books) -> None:
    assert works.take("products", output(), dry_run=True).taken == 1
    assert stored(works) == []


def test_what_is_exported_can_be_imported_again(works: Books, tmp_path: Path) -> None:
    works.take("products", output(), output(product="phosphoric_acid", p2o5_pct="54.125"))
    works.take("products", output("8.000", "2026-04-30", enterprise="board", product="crude_steel"))
    path = tmp_path / "out.csv"
    assert export_file(db=works.db, kind="products", out=path) == 3
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["enterprise", "product", "date", "tonnes", "p2o5_pct"]
    assert rows[1] == {
        "enterprise": "maker", "product": "phosphoric_acid", "date": "2026-03-31",
        "tonnes": "20.000", "p2o5_pct": "54.125",
    }  # fmt: skip
    done = import_file(db=works.db, kind="products", path=path, now=NOW).report
    assert (done.taken, done.skipped) == (0, 3)
    april = Period.parse("2026-04")
    found = export_products(db=works.db, scope="park:park.b", period=april)
    assert [row["enterprise"] for row in found] == ["board"]
    assert export_products(db=works.db, scope="park:park.a", period=april) == []


def test_queries_sum_by_month_and_leave_the_reversed_out(works: Books) -> None:
    works.take("products", output(), output("5.000", "2026-03-10"), output("1.000", "2026-02-28"))
    reverse_product(db=works.db, key="maker/p2o5/2026-03-10", reason="误录", now=NOW)
    works.entries(
        entry("G2", "generation", "9.000", "2026-04-01"),
        entry("R", "generation", "3.000", "2026-04-01", from_use="true"),
    )
    quarter = Period.parse("2026Q1")
    with works.db.read() as session:
        keys = load_keys(session)
        found = product_outputs(session, keys, quarter)
        made = generation_by_month(session, keys, Period.parse("2026"))
    assert [(item.month, item.kg) for item in found] == [(202602, 1_000), (202603, 20_000)]
    assert made == {("maker", "pg"): {202603: 100_000, 202604: 9_000}}


def test_the_cross_check_of_a_period(works: Books) -> None:
    works.take("products", output())
    year = crosscheck_report(db=works.db, period=Period.parse("2026"))
    (row,) = year["rows"]
    assert (row["enterprise"], row["material"], row["factor"]) == ("maker", "pg", 5.0)
    assert row["expected_t"] == {"low": "90.000", "typical": "100.000", "high": "110.000"}
    assert row["finding"] is None and row["generated_dry_t"] == ["70.000", "90.000"]
    works.entries(entry("G2", "generation", "80.000"))
    (row,) = crosscheck_report(db=works.db, period=Period.parse("2026-03"))["rows"]
    assert row["finding"] == "generation_above_output"
    assert crosscheck_report(db=works.db, period=Period.parse("2026-04"))["rows"] == []
    other = crosscheck_report(db=works.db, scope="park:park.b", period=Period.parse("2026"))
    assert other["rows"] == []
    assert (
        crosscheck_report(db=works.db, period=Period.parse("2026"), material="slag")["rows"] == []
    )
    with pytest.raises(NotFound):
        crosscheck_report(db=works.db, period=Period.parse("2026"), material="tea")


def test_a_folder_can_be_marked_synthetic(works: Books, tmp_path: Path) -> None:
    works.take("products", output())
    assert not overview(db=works.db).synthetic
    (tmp_path / "products.csv").write_text(
        "enterprise,product,date,tonnes\nmaker,p2o5,2026-04-30,1.000\n", encoding="utf-8"
    )
    import_folder(db=works.db, folder=tmp_path, kinds=("products",), now=NOW, synthetic=True)
    assert overview(db=works.db).synthetic
    with works.db.read() as session:
        last = session.scalars(select(BatchRow).order_by(BatchRow.id.desc())).first()
        assert last is not None and (last.kind, last.taken) == ("products", 1)
    assert product_key("maker", "p2o5", NOW.date()) == "maker/p2o5/2026-11-21"
