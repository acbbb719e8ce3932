"""The findings list: every kind is made by its cause and resolved when the cause is mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.store.books import NOW, Books, child, entry, load
from tests.store.live import CEMENT, MAKER, PARK, person
from wasteflow.core.actors import Role
from wasteflow.core.errors import NotFound, RuleBroken
from wasteflow.core.finding_kinds import KINDS, SEVERITY
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.corrections import reverse
from wasteflow.services.finding_list import (
    Asked,
    forget_findings,
    list_findings,
    open_counts,
    page_findings,
    refresh_findings,
    snooze_finding,
)
from wasteflow.services.live.listing import LoadFilter, list_loads
from wasteflow.services.products import reverse_product

HEAD = person(20, Role.ENTERPRISE_ADMIN, "maker")
REGISTRY: dict[str, list[dict[str, str]]] = {
    "routes": [
        {
            "code": "neutral",
            "material": "slag",
            "name_zh": "中和剂",
            "fate": "use",
            "conditional": "true",
        }
    ],
    "facilities": [
        {
            "code": "trader.line",
            "enterprise": "trader",
            "kind": "use",
            "name": "破碎线",
            "material": "slag",
            "route": "powder;neutral",
            "capacity_t_per_year": "50",
            "valid_to": "2026-02-20",
        }
    ],
    "filings": [
        {
            "code": "f.quota",
            "from_region": "530000",
            "to_region": "520000",
            "material": "slag",
            "quota_t": "20",
            "valid_from": "2026-04-01",
            "valid_to": "2026-04-30",
        }
    ],
    "coefficients": [
        {
            "code": "c.pg",
            "kind": "generation",
            "material": "pg",
            "driver": "p2o5",
            "low": "4",
            "typical": "5",
            "high": "6",
            "unit": "t/t",
        }
    ],
}


def far(doc_no: str, day: str, tonnes: str = "30.000", **more: str) -> dict[str, str]:
    """A load of slag from maker to trader, over the border of the provinces."""
    at = {
        "dispatched_at": f"2026-{day}T08:00:00+08:00",
        "received_at": f"2026-{day}T15:00:00+08:00",
    }
    told = {"consignee": "trader", "material": "slag", "route": "powder", "mode": "road"}
    return load(doc_no, tonnes, tonnes, **at, **told, **more)


def round_trip(doc_no: str, giver: str, taker: str, day: str) -> dict[str, str]:
    """A load of pg between traders."""
    at = {
        "dispatched_at": f"2026-{day}T08:00:00+08:00",
        "received_at": f"2026-{day}T15:00:00+08:00",
    }
    told = {"consignor": giver, "consignee": taker, "route": "trade"}
    return load(doc_no, "30.000", "30.000", **at, **told)


def make_causes(books: Books) -> None:
    """One cause of every kind."""
    for kind, rows in REGISTRY.items():
        books.take(kind, *rows)
    books.entries(
        entry("G", "generation", "100.000"),
        entry("M", "opening", "40.000", day="2026-01-01", enterprise="maker2"),
        entry("C", "stocktake", "20.000", day="2026-05-10", enterprise="maker2", reason="survey"),
    )
    books.take(
        "products",
        {"enterprise": "maker", "product": "P2O5", "date": "2026-03-01", "tonnes": "90"},
    )
    days = range(2, 10)
    books.loads(
        *(far(f"F{day}", f"03-{day:02d}", ticket_no=f"T{min(day, 8)}") for day in days),
        far("CAP", "03-12", "60.000"),
        far("Q", "04-02"),
        far("N", "04-03", "10.000") | {"route": "neutral"},
        load("ROAD", "30.000"),
        load("P", "30.000", "20.000", refused_t="10.000"),
        round_trip("X0", "maker", "trader", "06-01"),
        round_trip("X1", "trader", "board", "06-05"),
        round_trip("X2", "board", "trader", "06-09"),
    )
    books.entries(
        entry("D", "disposal", "5.000", day="2026-03-20", enterprise="cement", route="fill"),
        entry("S", "stocktake", "15.000", day="2026-03-25", enterprise="cement",
              facility="cement.kiln", reason="survey"),
    )  # fmt: skip
    books.loads(load("LATE", "30.000", "30.000"))


def shown(books: Books, state: str = "open") -> list[dict[str, Any]]:
    """The list, brought up to date."""
    refresh_findings(db=books.db, now=NOW)
    return list_findings(db=books.db, asked=Asked(state=state), now=NOW)


def gone(books: Books, doc_no: str) -> None:
    """A record taken back."""
    reverse(db=books.db, doc_no=doc_no, reason="误记", now=NOW)


def _document(books: Books) -> None:
    """A paper for the load on the conditional route."""
    found = list_loads(db=books.db, actor=MAKER, wanted=LoadFilter(doc_no="N"), limit=5, cursor="")
    uid = next(item["id"] for item in found["items"] if item["doc_no"] == "N")
    paper = NewAttachment("shipment", uid, b"%PDF-1", "application/pdf", "检验报告.pdf")
    add_attachment(db=books.db, folder=books.folder, document=paper, actor=MAKER, now=NOW)


MENDS: list[tuple[str, Callable[[Books], object]]] = [
    ("duplicate_ticket", lambda b: gone(b, "F9")),
    ("outlier_load", lambda b: gone(b, "CAP")),
    ("load_over_cap", lambda b: None),  # the same load
    ("conditional_undocumented", _document),
    ("refused_not_returned", lambda b: b.loads(child("R", "P", "10.000"))),
    (
        "missing_confirmation",
        lambda b: b.loads(load("ROAD", "30.000", "30.000")),
    ),
    ("declared_then_disposed", lambda b: gone(b, "D")),
    ("stocktake_stale", lambda b: gone(b, "S")),
    ("coefficient_off", lambda b: reverse_product(
        db=b.db, key="maker/P2O5/2026-03-01", reason="误记", now=NOW)),
    ("paper_loop", lambda b: gone(b, "X2")),
    ("over_capacity", lambda b: b.take("facilities", {
        **REGISTRY["facilities"][0], "capacity_t_per_year": "900"})),
    ("permit_expired", lambda b: b.take("facilities", {
        **REGISTRY["facilities"][0], "capacity_t_per_year": "900", "valid_to": "2027-01-01"})),
    ("over_quota", lambda b: b.take("filings", {**REGISTRY["filings"][0], "quota_t": "900"})),
    ("border_unfiled", lambda b: b.take("filings", {
        **REGISTRY["filings"][0], "code": "f.all", "quota_t": "", "material": "",
        "valid_from": "2026-01-01", "valid_to": "2026-12-31"})),
    ("negative_stock", lambda b: b.entries(
        *(entry(f"Z{n}", "generation", "900.000", day="2026-01-01", enterprise=firm, material=stuff)
          for n, (firm, stuff) in enumerate((("maker", "slag"), ("maker", "pg"),
          ("board", "pg"), ("trader", "pg")))))),
    ("unbalanced_month", lambda b: gone(b, "C")),
]  # fmt: skip


def test_every_kind_comes_with_its_cause_and_goes_with_it(books: Books) -> None:
    make_causes(books)
    rows = shown(books)
    kinds = {row["code"] for row in rows}
    assert kinds == set(KINDS) == {kind for kind, _ in MENDS}
    assert [row["severity"] for row in rows] == sorted(
        (SEVERITY[row["code"]] for row in rows), key=["alert", "warn", "info"].index
    )
    assert not refresh_findings(db=books.db, now=NOW)  # up to date
    assert all(row["ref"] and row["enterprise"] for row in rows)
    for kind, mend in MENDS:
        mend(books)
        open_now = {row["code"] for row in shown(books)}
        assert kind not in open_now, kind
        assert [row for row in shown(books, "resolved") if row["code"] == kind]
    again = shown(books)
    refresh_findings(db=books.db, now=NOW, everything=True)
    assert list_findings(db=books.db, asked=Asked(), now=NOW) == again


def test_pages_hold_the_list_and_what_was_resolved_is_dropped_in_time(books: Books) -> None:
    """Page by page it is the whole list; filters are those of the rows; old answers go."""
    make_causes(books)
    whole = shown(books)
    told: dict[str, Any] = {"db": books.db, "now": NOW}
    pages, place = [], None
    while True:
        page = page_findings(**told, asked=Asked(), limit=7, after=place)
        assert page.total == len(whole) and len(page.rows) <= 7
        pages += page.rows
        place = page.place
        if place is None:
            break
    assert pages == whole
    assert page_findings(**told, asked=Asked(), limit=7, start=7).rows == whole[7:14]
    firms = {row["enterprise"] for row in whole}
    assert open_counts(db=books.db, firms=firms, now=NOW) == Counter(row["code"] for row in whole)
    many = [*(f"no.{number}" for number in range(600)), "maker2"]
    for asked, fits in (
        (Asked(many), lambda row: row["enterprise"] == "maker2"),
        (Asked(["maker2"], severity="warn"), lambda row: (row["enterprise"], row["severity"])
         == ("maker2", "warn")),
        (Asked(material="slag", kind="negative_stock"), lambda row: (row["material"], row["code"])
         == ("slag", "negative_stock")),
        (Asked(period=Period.parse("2026-04")), lambda row: row["month"] in (None, 202604)),
    ):  # fmt: skip
        assert list_findings(**told, asked=asked) == [row for row in whole if fits(row)]
    quota = next(row for row in whole if row["code"] == "over_quota")
    assert quota["params"]["senders"] == "maker"
    gone(books, "F9")
    resolved = shown(books, "resolved")
    assert [row["code"] for row in resolved] == ["duplicate_ticket"]
    later = NOW + timedelta(days=400)
    assert forget_findings(db=books.db, now=later, days=401) == 0
    assert forget_findings(db=books.db, now=later, days=399) == 1
    assert list_findings(**told, asked=Asked(state="resolved")) == []


def test_a_finding_is_snoozed_with_a_reason_by_those_who_may(books: Books) -> None:
    books.loads(load("ROAD", "30.000"))
    row = next(row for row in shown(books) if row["code"] == "negative_stock")
    until = date(2026, 12, 1)
    told: dict[str, Any] = {"db": books.db, "finding_id": row["id"], "now": NOW}
    for actor in (MAKER, CEMENT, None):
        with pytest.raises(Denied):
            snooze_finding(**told, actor=actor, until=until, reason="待补")
    with pytest.raises(NotFound):
        snooze_finding(**told | {"finding_id": 1 << 70}, actor=PARK, until=until, reason="待补")
    with pytest.raises(RuleBroken, match="reason"):
        snooze_finding(**told, actor=PARK, until=until, reason=" ")
    for wrong in (date(2026, 11, 1), date(2028, 1, 1)):
        with pytest.raises(RuleBroken, match="snooze"):
            snooze_finding(**told, actor=PARK, until=wrong, reason="待补")
    done = snooze_finding(**told, actor=HEAD, until=until, reason="待补期初")
    assert (done["state"], done["snooze_reason"]) == ("snoozed", "待补期初")
    assert "negative_stock" not in open_counts(db=books.db, firms=["maker"], now=NOW)
    later = NOW + timedelta(days=20)
    refresh_findings(db=books.db, now=later)
    assert "negative_stock" in open_counts(db=books.db, firms=["maker"], now=later)
    books.entries(entry("O", "generation", "90.000", day="2026-01-01"))
    assert row["id"] in {item["id"] for item in shown(books, "resolved")}
    with pytest.raises(RuleBroken, match="gone"):
        snooze_finding(**told, actor=PARK, until=until, reason="待补")
