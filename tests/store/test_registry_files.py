"""Registry files: made, brought up to date, left as they are; names; circles; credit codes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.store.books import REGISTRY, Books, entry, load
from tests.store.databases import row_counts
from wasteflow.core.wastes import uscc_valid
from wasteflow_models.registry import EnterpriseRow, FacilityRow, ParkRow, TargetRow

CREDIT = ("91530000216588888E", "91530181MA6KCAN44C")


def credit_code(body: str) -> str:
    """The credit code that begins with these 17 characters."""
    found = [body + mark for mark in "0123456789ABCDEFGHJKLMNPQRTUWXY" if uscc_valid(body + mark)]
    return found[0]


ONE, TWO = credit_code("91530000216588888"), credit_code("91530181MA6KCAN44")


def firm(books: Books, code: str) -> EnterpriseRow:
    """The row of an enterprise."""
    with books.db.read() as session:
        row = session.scalars(select(EnterpriseRow).where(EnterpriseRow.code == code)).one()
        session.expunge_all()
        return row


def test_a_registry_imported_twice_changes_nothing(books: Books) -> None:
    before = row_counts(books.db)
    for kind, rows in REGISTRY.items():
        report = books.take(kind, *rows)
        assert (report.taken, report.updated, report.skipped) == (0, 0, len(rows)), kind
    after = row_counts(books.db)
    assert after.pop("batch") == before.pop("batch") + len(REGISTRY)
    assert after == before


def test_an_update_keeps_the_columns_the_file_does_not_have(books: Books) -> None:
    books.take("enterprises", {"code": "maker", "name_zh": "磷化工厂", "industry": "磷肥"})
    report = books.take(
        "enterprises",
        {"code": "maker", "name_zh": "磷化工有限公司"},
        {"code": "new", "name_zh": "新厂"},
        {"code": "cement", "name_zh": "水泥厂"},
    )
    assert (report.taken, report.updated, report.skipped) == (1, 1, 1)
    row = firm(books, "maker")
    assert (row.name_zh, row.industry) == ("磷化工有限公司", "磷肥")
    assert row.park_id is not None
    books.take("enterprises", {"code": "maker", "name_zh": "磷化工有限公司", "park": ""})
    assert firm(books, "maker").park_id is None  # the column is there and blank
    assert firm(books, "maker").industry == "磷肥"


def test_positions_keep_what_was_given(books: Books) -> None:
    base = {"code": "maker", "name_zh": "磷化工厂"}
    books.take(
        "enterprises",
        base | {"lon": "102.4781", "lat": "24.9219", "crs": "GCJ-02", "precision_km": "0.5"},
    )
    row = firm(books, "maker")
    assert (row.lon_given, row.lat_given, row.crs) == ("102.4781", "24.9219", "GCJ-02")
    assert row.lon is not None and row.lat is not None
    assert 102.475 < row.lon < 102.4781 and 24.921 < row.lat < 24.9260
    assert books.codes("enterprises", base | {"lon": "102.4781", "lat": "24.9219"}) == [
        (2, "crs", "crs_needed")
    ]
    assert books.codes("enterprises", base | {"lon": "102.4781", "crs": "WGS84"}) == [
        (2, "lon", "half_position")
    ]


def test_firms_are_named_by_code_credit_code_or_exact_name(books: Books) -> None:
    books.take(
        "enterprises",
        {"code": "maker", "name_zh": "磷化工厂", "name_en": "Phosphate Works", "uscc": ONE},
        {"code": "twin1", "name_zh": "同名厂"},
        {"code": "twin2", "name_zh": "同名厂"},
        {"code": "cement", "name_zh": "水泥厂", "aliases": "旧水泥厂@2001..2015;老窑"},
    )
    names = ("maker", "磷化工厂", "Phosphate Works", ONE)
    rows = [load(f"L{position}", consignor=name) for position, name in enumerate(names)]
    assert books.loads(*rows).taken == len(names)
    assert books.flows() == {("site:maker", "transit:maker:cement", "pg/retarder"): 120_000}
    for name, code, tip in (
        ("同名厂", "ambiguous_name", "twin1, twin2"),
        ("旧水泥厂", "former_name", "cement"),
        ("老窑", "former_name", "cement"),
        ("磷化工", "unknown_code", ""),
        ("MAKER", "unknown_code", ""),
    ):
        (issue,) = books.refused("shipments", load("X", consignee=name))
        assert (issue.field, issue.code, issue.value) == ("consignee", code, name)
        assert tip in issue.text("zh") and tip in issue.text("en")
        (issue,) = books.refused("entries", entry("X", "generation", "1", enterprise=name))
        assert (issue.field, issue.code) == ("enterprise", code)
    books.check()


def test_a_credit_code_belongs_to_one_firm(books: Books) -> None:
    assert ONE != TWO and all(uscc_valid(code) for code in (ONE, TWO))
    first = {"code": "maker", "name_zh": "磷化工厂", "uscc": ONE}
    second = {"code": "cement", "name_zh": "水泥厂", "uscc": ONE}
    assert books.codes("enterprises", first, second) == [(3, "uscc", "uscc_taken")]
    books.take("enterprises", first)
    (issue,) = books.refused("enterprises", second)
    assert (issue.code, issue.params["enterprise"]) == ("uscc_taken", "maker")
    books.take("enterprises", second | {"uscc": TWO})
    books.take("enterprises", first | {"uscc": TWO}, second | {"uscc": ONE})  # mended: exchanged
    assert (firm(books, "maker").uscc, firm(books, "cement").uscc) == (TWO, ONE)
    wrong = ONE[:-1] + ("0" if ONE[-1] != "0" else "1")
    assert books.codes("enterprises", first | {"uscc": wrong}) == [(2, "uscc", "bad_uscc")]


@pytest.mark.parametrize("kind", ["parks", "regions"])
def test_no_park_or_region_lies_in_itself(books: Books, kind: str) -> None:
    def named(code: str, parent: str) -> dict[str, str]:
        return {"code": code, "name_zh": code, "parent": parent}

    assert books.codes(kind, named("x", "x")) == [(2, "parent", "parent_cycle")]
    three = (named("x", "y"), named("y", "z"), named("z", "x"))
    assert books.codes(kind, *three) == [(line, "parent", "parent_cycle") for line in (2, 3, 4)]
    books.take(kind, named("z", ""), named("x", "y"), named("y", "z"))  # children first is fine
    assert books.codes(kind, named("z", "x")) == [(2, "parent", "parent_cycle")]
    assert books.codes(kind, named("w", "nowhere")) == [(2, "parent", "unknown_code")]
    books.take(kind, named("z", ""))
    with books.db.read() as session:
        if kind == "parks":
            rows = {row.code: row for row in session.scalars(select(ParkRow).order_by(ParkRow.id))}
            assert rows["x"].parent_id == rows["y"].id


WRONG_ROWS: list[tuple[str, dict[str, str], str, str]] = [
    ("enterprises", {"code": "x", "name_zh": "x", "park": "nowhere"}, "park", "unknown_code"),
    ("enterprises", {"code": "x", "name_zh": "x", "region": "990000"}, "region", "unknown_code"),
    ("enterprises", {"code": "x y", "name_zh": "x"}, "code", "bad_code"),
    ("enterprises", {"code": "x", "name_zh": ""}, "name_zh", "name_missing"),
    (
        "enterprises",
        {"code": "x", "name_zh": "x", "lon": "181", "lat": "0"},
        "lon",
        "bad_longitude",
    ),
    (
        "facilities",
        {"code": "x", "kind": "use", "name": "x", "enterprise": "nobody"},
        "enterprise",
        "unknown_code",
    ),
    (
        "facilities",
        {"code": "x", "kind": "use", "name": "x", "route": "nowhere"},
        "route",
        "unknown_code",
    ),
    ("facilities", {"code": "x", "kind": "dance", "name": "x"}, "kind", "bad_word"),
    (
        "routes",
        {"code": "x", "name_zh": "x", "material": "pg;gold", "fate": "use"},
        "material",
        "unknown_code",
    ),
    ("routes", {"code": "x", "name_zh": "x", "material": "*", "fate": "joy"}, "fate", "bad_word"),
    (
        "routes",
        {"code": "x", "name_zh": "x", "material": "*;pg", "fate": "use"},
        "material",
        "star_alone",
    ),
    ("materials", {"code": "x", "name_zh": "x", "is_waste": "perhaps"}, "is_waste", "bad_word"),
    ("targets", {"code": "x", "scope": "moon"}, "scope", "bad_scope"),
    ("filings", {"code": "x", "from_region": "99"}, "from_region", "unknown_code"),
    ("coefficients", {"code": "x", "low": "2", "typical": "1"}, "low", "low_above_high"),
]


def test_wrong_rows_leave_nothing(books: Books) -> None:
    before = row_counts(books.db)
    for kind, row, field, code in WRONG_ROWS:
        good = REGISTRY.get(kind, [{}])[0]
        rows = [good | {name: "" for name in row if name not in good}, row] if good else [row]
        found = books.codes(kind, *rows)
        assert (len(rows) + 1, field, code) in found, (kind, row, found)
    assert books.codes(
        "enterprises", {"code": "x", "name_zh": "x"}, {"code": "x", "name_zh": "y"}
    ) == [(3, "code", "duplicate_code_in_file")]
    assert row_counts(books.db) == before


def test_long_texts_fit_on_every_database(books: Books) -> None:
    """What the schema lets through, the columns hold: 500 characters of Chinese."""
    text, name = "磷" * 500, "石" * 200
    books.take(
        "materials",
        {
            "code": "m" * 80,
            "name_zh": name,
            "is_waste": "true",
            "waste_class": text,
            "source": text,
        },
    )
    books.take(
        "targets",
        {
            "code": "t",
            "scope": "all",
            "materials": "*",
            "metric": "simple",
            "operator": ">=",
            "value": "0." + "1" * 60,
            "unit": text,
            "source": text,
        },
    )
    books.take(
        "coefficients", {"code": "c", "kind": text, "driver": text, "unit": text, "low": "1"}
    )
    books.take(
        "enterprises",
        {
            "code": "e",
            "name_zh": name,
            "name_en": name,
            "industry": text,
            "lon": "100." + "0" * 50,
            "lat": "25",
            "crs": "WGS84",
            "precision_km": "0." + "5" * 50,
        },
    )
    books.take("facilities", {"code": "f", "kind": "use", "name": name, "source": text})
    columns = ("vehicle", "carrier", "handler", "ticket_no", "remark", "reason")
    books.loads(load("L" * 80, "30.000", "29.000") | dict.fromkeys(columns, text))
    books.entries(entry("E" * 80, "generation", "1", handler=text, remark=text, reason=text))
    with books.db.read() as session:
        assert session.scalars(select(TargetRow.unit)).one() == text
        assert (
            len(session.scalars(select(FacilityRow.name).where(FacilityRow.code == "f")).one())
            == 200
        )
    books.check()
