"""Stored and typed attacks: every text is hostile, and every page, map and file stays inert."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from flask import Flask, url_for
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from tests import hostile
from tests.api.conftest import Api
from tests.api.loads import accepted, drafted, issued, moved, on_the_road
from tests.api.test_entries import ENTRY
from tests.api.test_files_out import ASKED, outlines
from tests.api.test_files_out import sent as outlines_sent
from tests.api.test_findings import listed
from tests.api.test_imports import BAD, GOOD
from tests.api.test_imports import sent as file_sent
from tests.api.test_offers import made as offered
from tests.api.test_papers import upload
from tests.api.test_products import OUTPUT
from tests.api.test_scenarios import saved
from tests.api.test_telling import HOOK
from tests.hostile import FREE, check
from tests.load_pages import FACILITIES
from tests.test_web_indicators import STATED
from tests.web_books import load as load_files
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.schemas.dictionary import KINDS, columns_of
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import field_of
from wasteflow.services.acting import actor_of_login
from wasteflow.services.live.many_job import MANY
from wasteflow.services.seals import seal_books
from wasteflow.web.access import books
from wasteflow.web.outlines_in import keep_upload
from wasteflow.worker import Worker
from wasteflow_models.accounts import SignInRow
from wasteflow_models.api import WebhookDeliveryRow
from wasteflow_models.engine import Alone

PG: Final = "phosphogypsum"
PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
WHO: Final[dict[str, tuple[str, ...]]] = {
    "admin": (),
    "manager-a": ("boundaries", "accounts"),
    "head-p1": ("loads", "uploads", "exports", "accounts", "api_uploads", "api_exports"),
    "op-use": ("loads",),
}
"""Who looks at which blueprints (none named: all): everything above the firms, and who has more
in their own."""
PAGES: Final = ("pages", "loads", "uploads", "boundaries", "exports", "accounts")
NO_PAGE: Final = frozenset({"static", "vendor", "themed", "accounts.oidc", "accounts.oidc_back"})
NOT_FILLED: Final = frozenset({"/sign-out", "/account/password"})
"""Forms that end the sign-in itself."""


def good_answer(response: TestResponse) -> dict[str, Any]:
    """The body of an answer that must be good."""
    assert response.status_code < 300, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


FILES: Final = (
    ("facilities", FACILITIES),
    ("filings", "code,from_region,to_region,enterprise,material,quota_t,valid_from,valid_to,"
                "document\nf.1,530181,530000,ent.p1,phosphogypsum,50,2026-01-01,2026-12-31,A\n"),
    ("coefficients", "code,kind,material,driver,low,typical,high,unit,source\n"
                     "c.1,generation,phosphogypsum,p2o5,4,5,6,t/t,S\n"),
    ("profiles", "enterprise,material,year,waste_code,class,source_step,state,composition,"
                 "pollution\nent.p1,phosphogypsum,2026,,,s,s,c,p\n"),
)  # fmt: skip


@pytest.fixture
def ids(api: Api, tmp_path: Path) -> dict[str, str]:
    """Records of every kind with free text in every part; name → id."""
    load_files(str(api.db.url), tmp_path, FILES)
    words = {"remark": FREE, "handler": FREE}
    load = accepted(api, **words)
    disputed = moved(api, "op-use", on_the_road(api, carrier=FREE), "decide",
                     {"received_t": "20", "reason": FREE})  # fmt: skip
    moved(api, "op-p1", disputed, "dispute", {"answer": "contest", "reason": FREE})
    change = {"changes": {"received_t": "29", "remark": FREE}, "reason": FREE}
    told = api.post("op-use", f"/shipments/{load['id']}/revisions", change, If_Match="*")
    other = accepted(api)
    second = api.post("op-use", f"/shipments/{other['id']}/revisions", change, If_Match="*")
    refused = second.get_json()["revision"]["id"]
    good_answer(api.post("op-p1", f"/revisions/{refused}/refuse", {"reason": FREE}, If_Match="*"))
    road = on_the_road(api, **words)
    moved(api, "op-p1", issued(api), "cancel", {"reason": FREE})
    lost = {"reason": FREE}
    moved(api, "op-p1", on_the_road(api), "lost", lost)
    draft = drafted(api, **words)
    paper = upload(api, "op-p1", PNG, "image/png", name="t.png", shipment=load["id"], remark=FREE)
    entry = api.post("op-p1", "/entries", {**ENTRY, "remark": FREE, "external_id": "X1"})
    taken = api.post("op-p1", "/entries", {**ENTRY, "doc_no": "G-101"}).get_json()
    api.post("op-p1", f"/entries/{taken['id']}/reverse", {"reason": FREE})
    hook = api.post("head-p1", "/webhooks", HOOK)
    plan = saved(api, scope="all", name=FREE, note=FREE)
    offer = offered(api, "op-p1", "offer", "ent.p1", "", quality=FREE, place=FREE)
    grant = {"enterprise": "ent.p1", "login": "op-p2", "reason": FREE,
             "last": (datetime.now(UTC) + timedelta(days=60)).date().isoformat()}  # fmt: skip
    for body in (grant,):
        good_answer(api.post("head-p1", "/delegations", body))
    good_answer(api.post("op-p1", "/products", OUTPUT))
    stated = STATED | {"park": "park.a", "source": FREE}
    good_answer(api.post("manager-a", "/park-inputs", stated))
    assert outlines_sent(api, "manager-a", outlines("park.a"), **ASKED).status_code == 200
    closing = {"enterprise": "ent.p2", "month": "2026-03", "reason": FREE}
    good_answer(api.post("manager-b", "/closes", closing))
    listed(api, "missing_confirmation", doc_no=FREE)
    good = file_sent(api, api.people["op-p1"].headers, GOOD).get_json()["id"]
    bad = file_sent(api, api.people["op-p1"].headers, BAD).get_json()["id"]
    asked = {"kind": "shipments", "scope": "enterprise:ent.p1", "format": "csv"}
    export = good_answer(api.post("head-p1", "/exports", asked))
    corrections = [{**change, "shipment": road["id"], "changes": {"remark": FREE}}]
    corrections += [{**change, "doc_no": FREE}] * MANY
    many = good_answer(api.post("op-p1", "/revisions/bulk", {"objects": corrections}))
    worker = Worker(api.db, lambda: datetime.now(UTC))
    while worker.once() is not None:
        pass
    with api.app.app_context():
        person = actor_of_login(db=api.db, login="manager-a", now=datetime.now(UTC))
        assert person is not None
        outline = keep_upload(person, outlines("park.a"), "o.geojson", datetime.now(UTC))
    moment = datetime.now(UTC)
    with api.db.write(Alone.NOBODY) as session:
        session.add(WebhookDeliveryRow(webhook_id=1, change_id=1, attempt=1, at=moment))
        session.add(
            SignInRow(account_id=1, digest="d", epoch=9, created_at=moment, expires_at=moment)
        )
    missed = hostile.poison(api.db, (hostile.POLYGLOT,))
    assert missed == {"seal.sealed_by"}, "no row: add one here; a seal follows"
    seal_books(db=api.db, now=datetime.now(UTC), by=hostile.POLYGLOT)
    return {
        "load": load["id"], "draft": draft["id"], "road": road["id"],
        "revision": told.get_json()["revision"]["id"], "entry": entry.get_json()["id"],
        "attachment": paper.get_json()["id"], "webhook": hook.get_json()["id"],
        "scenario": plan["id"], "offer": offer["id"], "good": good, "bad": bad,
        "export": export["id"], "outline": str(outline.uid), "corrections": many["id"],
    }  # fmt: skip


def test_every_column_of_text_is_attacked_or_named_as_none() -> None:
    assert hostile.unknown_names() == []


def test_the_readers_see_what_is_alive() -> None:
    """A test of attacks proves something only if it would see one that works."""
    for raw in (hostile.POLYGLOT, f'<a href="{hostile.POLYGLOT[:40]}">x</a>',
                "<script>x = `<b onclick=1>`</script>", '<p srcdoc="<i onload=1>">'):  # fmt: skip
        assert hostile.of_html(raw).wrong, raw
    for text in hostile.FORMULAS:
        body = io.StringIO()
        csv.writer(body).writerow(["a", text])
        answer = TestResponse([body.getvalue().encode()], "200 OK", Headers(
            {"Content-Type": "text/csv", "X-Content-Type-Options": "nosniff"}
        ), Request({"REQUEST_METHOD": "GET"}))  # fmt: skip
        assert check(answer), text


def test_text_that_turns_the_reading_round_is_refused_everywhere(api: Api) -> None:
    turned = "a\u202eb"
    for kind in KINDS:
        for column in columns_of(kind):
            if column.type in ("text", "name", "doc"):
                assert isinstance(field_of(column).of_cell(turned), Fault), (kind, column.name)
    for field in ("remark", "handler"):
        answer = api.post("op-p1", "/entries", {**ENTRY, field: turned})
        assert answer.status_code == 422, field


def test_no_stored_and_no_typed_text_comes_alive(api: Api, ids: dict[str, str]) -> None:
    """Every GET of the program over books whose every text is an attack: on pages, in data, as
    a link, and as a formula in every file a page or a report offers; and every form.
    """
    shown = set[str]()
    found = looked(api, ids, WHO, shown)
    hostile.poison(api.db, hostile.FORMULAS)
    files = {"admin": ("pages",), "op-use": ("loads",)}
    found += looked(api, ids, files, tampered=True, format="csv")
    found += looked(api, ids, {"admin": ("api_reports",)}, tampered=True, format="xlsx")
    found += filled_in(api, ids)
    assert found == []
    assert len(shown) > 80, "the attacks were seen on too few pages to prove anything"


def filled_in(api: Api, ids: dict[str, str]) -> list[str]:
    """What came alive of every form of every page, sent once with attacks in all one can type."""
    sent, wrong, echoed = set[tuple[str, ...]](), list[str](), 0
    for person, parts in (("admin", ("accounts",)), ("op-p1", PAGES)):
        headers, client = api.people[person].headers, api.app.test_client()
        for _, response in walked(api.app, headers, ids, parts):
            if response.mimetype != "text/html":
                continue
            for form, fields in hostile.of_html(response.get_data(as_text=True)).forms:
                action, method = form.get("action", ""), form.get("method", "get").upper()
                key = (action.partition("?")[0], method, *sorted(f["name"] for f in fields))
                if key in sent or action in NOT_FILLED or not action.startswith("/"):
                    continue
                sent.add(key)
                data = {f["name"]: hostile.typed(f) for f in fields}
                option = "data" if method == "POST" else "query_string"
                options: dict[str, Any] = {option: data}
                answer = client.open(action, method=method, headers=headers, **options)
                wrong += [f"{method} {action}: {what}" for what in check(answer)]
                echoed += answer.mimetype == "text/html" and hostile.MARK.encode() in answer.data
    assert len(sent) > 40 and echoed > 15, (len(sent), echoed)
    return wrong


def looked(
    api: Api,
    ids: Mapping[str, str],
    who: Mapping[str, Collection[str]],
    shown: set[str] | None = None,
    tampered: bool = False,
    **query: str,
) -> list[str]:
    """What came alive; paths of answers that hold the attack go into `shown`."""
    app = create_app(Config(str(api.db.url)))  # its memory knows nothing of before the attack
    wrong = []
    for person, parts in who.items():
        for address, response in walked(app, api.people[person].headers, ids, parts, **query):
            path = urlsplit(address).path
            wrong += [f"{person} {path} {query}: {what}" for what in check(response)]
            proof = tampered and path.startswith("/proofs/")  # its seal is older than the attack
            if response.status_code >= 500 and not proof:
                wrong.append(f"{person} {path}: {response.status_code}")
            if shown is not None and hostile.MARK.encode() in response.data:
                shown.add(path.partition("/0")[0])
    books(app).db.dispose()
    return wrong


def walked(
    app: Flask,
    headers: Mapping[str, str],
    ids: Mapping[str, str],
    parts: Collection[str] = (),
    **query: str,
) -> Iterator[tuple[str, TestResponse]]:
    """(address, answer) of every GET of the program, or of those of some blueprints."""
    client = app.test_client()
    for _, address in addresses(app, ids, parts, **query):
        yield address, client.get(address, headers=headers)


def addresses(
    app: Flask, ids: Mapping[str, str], parts: Collection[str] = (), **query: str
) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every GET of the program, or of those of some blueprints."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGE:
            continue
        if parts and rule.endpoint.partition(".")[0] not in parts:
            continue
        values: dict[str, Any] = {
            name: value_of(rule.endpoint, name, ids) for name in rule.arguments
        }
        with app.test_request_context():
            values |= QUERY.get(rule.endpoint, {}) | query
            yield rule.endpoint, url_for(rule.endpoint, **values)


def value_of(endpoint: str, name: str, ids: Mapping[str, str]) -> str:
    """A value of a part of an address: of a record that is there."""
    if name in FIXED:
        return FIXED[name]
    record = RECORD.get(endpoint) or RECORD.get(name) or RECORD.get(endpoint.partition(".")[0])
    assert record, f"{endpoint}: say in RECORD what its {name} is"
    return ids.get(record, record)


QUERY: Final[dict[str, dict[str, str]]] = {
    "boundaries.frame": {"crs": "WGS84"},
    "pages.search": {"q": hostile.MARK},
    "pages.overview_part": {"part": "books"},
    "pages.targets_part": {"part": "board"},
    "pages.records": {"month": "2026-01", "source": "site:ent.p1"},
    "api_office.forms": {"enterprise": "ent.p1"},
    "api_reports.trace": {"enterprise": "ent.p1", "material": PG},
}
FIXED: Final[dict[str, str]] = {
    "kind": "shipments", "topic": "map", "enterprise": "ent.p1", "product": OUTPUT["product"],
    "day": OUTPUT["date"], "number": "1",
}  # fmt: skip
RECORD: Final = {
    "pages.scenario": "scenario", "pages.scenario_edit": "scenario", "pages.offer": "offer",
    "pages.proof": "load", "loads": "load", "loads.gate_load": "road", "loads.edit": "draft",
    "loads.corrections_job": "corrections", "api_bulk_revisions": "corrections",
    "loads.entry": "entry", "paper": "attachment", "uploads": "bad", "exports": "export",
    "boundaries": "outline", "shipment": "load", "revision": "revision", "entry_id": "entry",
    "scenario": "scenario", "api_offers": "offer", "attachment": "attachment", "import_": "bad",
    "api_exports": "export", "webhook": "webhook", "api_regions": "530000", "api_parks": "park.a",
    "api_enterprises": "ent.p1", "api_facilities": "f.use", "api_materials": "phosphogypsum",
    "api_routes": "pg_use", "api_targets": "t.cn", "api_filings": "f.1", "api_outlines": "park.a",
}  # fmt: skip
"""Endpoint, part of an address or blueprint → what of `ids` (or which code) it means."""
