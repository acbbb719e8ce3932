"""`/findings` and `/seals` without a browser: filters, links to records, snoozing, proofs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests.people import Visitor, enrol, sign_in
from tests.web_books import LEDGER, REGISTRY, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

POSTED = re.compile(r'action="(/findings/\d+/snooze[^"]*)"')


@pytest.fixture
def app(tmp_path: Path, _sqlite_template: Path) -> Iterator[Flask]:
    """The pages over small books, with people."""
    path = tmp_path / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, tmp_path, (*REGISTRY, *LEDGER))
    found = create_app(Config(url))
    enrol(books(found).db, ["root", "planner", "admin.p1", "operator.p1", "admin.use", "nobody"])
    yield found
    books(found).db.dispose()


def test_the_list_leads_to_records_and_is_snoozed_by_who_may(app: Flask) -> None:
    planner = sign_in(app, "planner")
    page = planner.get("/findings?lang=en").get_data(as_text=True)
    assert "missing confirmation" in page and "s3" in page
    addresses = set(re.findall(r'class="finding-words"><a href="([^"]+)"', page))
    assert any(address.startswith("/loads/") for address in addresses)
    for address in addresses:
        assert planner.get(address.replace("&amp;", "&")).status_code == 200, address
    assert POSTED.search(page) is None  # a planner reads
    one = planner.get("/findings?lang=en&kind=missing_confirmation").get_data(as_text=True)
    assert one.count('<li class="finding ') == 1
    empty = planner.get("/findings?lang=en&kind=over_quota").get_data(as_text=True)
    assert "Nothing here" in empty
    assert app.test_client().get("/findings").status_code in (302, 401)
    assert sign_in(app, "nobody").get("/findings").status_code == 403
    # The owner is the consignee; the consignor's admin does not see it.
    other = sign_in(app, "admin.p1").get("/findings").get_data(as_text=True)
    assert '<li class="finding ' not in other and "/loads/s3" not in other
    owner = sign_in(app, "admin.use")
    page = owner.get("/findings?lang=en&kind=missing_confirmation").get_data(as_text=True)
    form = POSTED.search(page)
    assert form is not None
    there = form.group(1).replace("&amp;", "&")
    visitor = Visitor(owner)
    far = date.today() + timedelta(days=900)
    for until, why, told in (
        (str(far), "waits", "cannot be snoozed"),
        (str(date.today() + timedelta(days=9)), "long" * 126, "at most 500"),
        (str(date.today() + timedelta(days=9)), "waits for the ticket", "Snoozed."),
    ):
        answer = visitor.send(there, {"until": until, "why": why})
        assert answer.status_code == 303
        assert told in owner.get(answer.headers["Location"]).get_data(as_text=True)
    snoozed = owner.get("/findings?lang=en&state=snoozed").get_data(as_text=True)
    assert "waits for the ticket" in snoozed and "Take it up again" in snoozed
    assert visitor.send(there, {}).status_code == 303
    assert "s3" in owner.get("/findings?lang=en").get_data(as_text=True)
    denied = Visitor(sign_in(app, "operator.p1")).send(there, {"until": str(far), "why": "x"})
    assert denied.status_code in (403, 404)


def test_seals_are_listed_and_a_record_gives_its_proof(app: Flask) -> None:
    admin = sign_in(app, "root")
    page = admin.get("/seals?lang=en").get_data(as_text=True)
    assert "Nothing is sealed yet" in page and "Seal now" in page
    assert "Seal now" not in sign_in(app, "planner").get("/seals?lang=en").get_data(as_text=True)
    assert Visitor(sign_in(app, "planner")).send("/seals", {}).status_code == 403
    assert Visitor(admin).send("/seals", {}).status_code == 303
    page = admin.get("/seals?lang=en").get_data(as_text=True)
    assert "Seal 1 is made" in page and "events 5" in page
    planner = sign_in(app, "planner")
    load_page = re.search(
        r'href="(/loads/[0-9a-f-]{36})"', planner.get("/loads").get_data(as_text=True)
    )
    assert load_page is not None
    shown = planner.get(load_page.group(1) + "?lang=en").get_data(as_text=True)
    link = re.search(r'href="(/proofs/[0-9a-f-]{36})"', shown)
    assert "Sealed: no. 1" in shown and link is not None
    answer = planner.get(link.group(1))
    assert "proof-" in answer.headers["Content-Disposition"]
    assert answer.get_json()["proofs"][0]["kind"] == "load"
