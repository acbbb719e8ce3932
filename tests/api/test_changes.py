"""The list of changes beside moves: closes, commands, files, and what a carrier follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.api.conftest import Api
from tests.api.loads import drafted, issued, moved, on_the_road
from tests.api.test_telling import Clock, Receiver, hooked
from wasteflow.jobs import import_file
from wasteflow.services.corrections import lose, reverse
from wasteflow.services.delivering import deliver
from wasteflow.services.products import reverse_product


def told(api: Api, who: str, kind: str) -> list[tuple[str, str]]:
    """(action, ref) of the changes of a kind that somebody follows."""
    items = api.get(who, "/changes?limit=200").get_json()["items"]
    return [(item["action"], item["ref"]) for item in items if item["kind"] == kind]


def test_closing_and_reopening_a_month_is_told(api_anywhere: Api) -> None:
    api, receiver = api_anywhere, Receiver()
    hooked(api, kinds=["close"])
    body = {"enterprise": "ent.p1", "month": "2026-03"}
    assert api.post("head-p1", "/closes", body).status_code == 201
    assert api.post("manager-a", "/closes/reopen", {**body, "reason": "late"}).status_code == 200
    park = {"park": "park.a", "month": "2026-03"}
    assert api.post("manager-a", "/closes", park).status_code == 201
    expected = [
        ("closed", "enterprise:ent.p1/2026-03"),
        ("reopened", "enterprise:ent.p1/2026-03"),
        ("closed", "park:park.a/2026-03"),
    ]
    assert told(api, "op-p1", "close") == expected
    assert told(api, "op-use", "close") == []
    assert deliver(db=api.db, clock=Clock(), call=receiver).told == 3
    sent = [json.loads(content)["change"] for _, content, _ in receiver.calls]
    assert [(item["action"], item["ref"]) for item in sent] == expected


def test_a_refused_close_tells_nothing(api: Api) -> None:
    body = {"enterprise": "ent.p1", "month": "2026-03"}
    assert api.post("op-p1", "/closes", body).status_code == 403
    assert api.post("head-p1", "/closes", {**body, "month": "2099-01"}).status_code == 409
    assert told(api, "admin", "close") == []


def test_commands_are_told_like_moves(api_anywhere: Api) -> None:
    api = api_anywhere
    now = datetime.now(UTC)
    gone, back = on_the_road(api), on_the_road(api)
    entry = api.get("op-p1", "/entries").get_json()["items"][0]
    lose(db=api.db, doc_no=gone["doc_no"], reason="x", at=now + timedelta(seconds=1),
         now=now + timedelta(seconds=2))  # fmt: skip
    reverse(db=api.db, doc_no=back["doc_no"], reason="x", now=now)
    reverse(db=api.db, doc_no=entry["doc_no"], reason="x", now=now, enterprise="ent.p1")
    for who in ("op-p1", "op-use"):
        assert told(api, who, "shipment")[-2:] == [("lost", gone["id"]), ("reversed", back["id"])]
    assert told(api, "op-p1", "entry") == [("reversed", entry["id"])]


def test_a_file_is_one_change(api_anywhere: Api, tmp_path: Path) -> None:
    api, now = api_anywhere, datetime.now(UTC)
    texts = {
        "entries": "doc_no,enterprise,kind,material,date,tonnes\n"
        "F1,ent.p1,generation,phosphogypsum,2026-06-01,5\n"
        "F2,ent.p1,generation,phosphogypsum,2026-06-02,6\n",
        "shipments": "doc_no,consignor,consignee,material,route,dispatched_at,dispatched_t\n"
        "L1,ent.p1,ent.use,phosphogypsum,pg_use,2026-06-03,4\n"
        "L2,ent.p1,ent.use,phosphogypsum,pg_use,2026-06-03,3\n",
        "products": "enterprise,product,date,tonnes\nent.p1,p2o5,2026-06-30,9\n",
    }
    seen: dict[str, list[str]] = {}
    for who in ("op-p1", "op-use", "op-p2"):
        seen[who] = [action for action, _ in told(api, who, "import")]
    for _ in range(2):  # the second time brings nothing
        for kind, text in texts.items():
            path = tmp_path / f"{kind}.csv"
            path.write_text(text, encoding="utf-8")
            done = import_file(db=api.db, kind=kind, path=path, now=now)
            assert done.report.taken + done.report.skipped, kind
    new = {
        who: [action for action, _ in told(api, who, "import")][len(before) :]
        for who, before in seen.items()
    }
    assert new == {"op-p1": list(texts), "op-use": ["shipments"], "op-p2": []}
    reverse_product(db=api.db, key="ent.p1/p2o5/2026-06-30", reason="x", now=now)
    assert told(api, "op-p1", "product") == [("reversed", "ent.p1/p2o5/2026-06-30")]


def test_a_carrier_follows_what_it_carries(api_anywhere: Api) -> None:
    api = api_anywhere
    load: dict[str, Any] = issued(api, carrier="Fast Wheels")
    issued(api, carrier="Slow; Wheels")
    issued(api)
    assert told(api, "carrier", "shipment") == [("issued", load["id"])]
    tag = f'"{load["version"]}"'
    moved = api.post("op-p1", f"/shipments/{load['id']}/dispatch", {}, If_Match=tag)
    assert moved.status_code == 200, moved.get_json()
    assert told(api, "carrier", "shipment")[-1] == ("dispatched", load["id"])
    assert told(api, "nobody", "shipment") == []


def test_whose_mass_is_redirected_follows_the_load(api: Api) -> None:
    """The refuser sends on what stays in the books of the consignor until it is received."""
    refused = {"received_t": "30.000", "refused_t": "10.000", "reason": "wet"}
    parent = moved(api, "op-use", on_the_road(api), "decide", refused)
    receiver, hook = Receiver(), hooked(api, scope="enterprise:ent.p1", kinds=["shipment"])
    assert hook["active"]
    on = {"consignor": "ent.use", "consignee": "ent.trade", "kind": "redirect"}
    on |= {"parent": parent["id"], "dispatched_t": "10.000"}
    child = moved(api, "op-use", drafted(api, "op-use", **on), "issue")
    child = moved(api, "gate-use", child, "dispatch")
    expected = [("issued", child["id"]), ("dispatched", child["id"])]
    for who in ("op-p1", "reader-p1"):
        assert told(api, who, "shipment")[-2:] == expected
        assert api.get(who, f"/shipments/{child['id']}/events").status_code == 200
    for who in ("op-p2", "nobody"):
        assert told(api, who, "shipment") == []
    assert deliver(db=api.db, clock=Clock(), call=receiver).told == 2
    assert [json.loads(body)["change"]["ref"] for _, body, _ in receiver.calls] == [child["id"]] * 2
