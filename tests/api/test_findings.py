"""`/findings`: pages of the list, and nothing of firms that the asker may not see."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.api.conftest import Api
from wasteflow.services import finding_list
from wasteflow.web import finding_making
from wasteflow_models.engine import Alone
from wasteflow_models.findings import FindingRow

MOMENT = datetime(2026, 6, 1, 4, tzinfo=UTC)


def listed(api: Api, kind: str, number: int = 0, **params: str) -> None:
    """A finding of ent.p1, of a source that nothing refreshes."""
    row = FindingRow(
        key=f"{kind}|{number}",
        kind=kind,
        source=209_912,
        enterprise="ent.p1",
        material="phosphogypsum",
        month=number,
        ref_kind="gap",
        ref="phosphogypsum",
        params=json.dumps(params),
        since=MOMENT,
    )
    with api.db.write(Alone.NOBODY) as session:
        session.add(row)


def test_other_firms_stay_unnamed_and_their_sums_untold(api: Api) -> None:
    listed(api, "paper_loop", firms="ent.p1, ent.p2, ent.use", tonnes="7.000")
    listed(api, "over_quota", senders="ent.p1, ent.p2", filing="f", tonnes="90.000", quota="20.000")
    path = "/findings?scope=enterprise:ent.p1&period=2026&kind="
    (loop,) = api.get("op-p1", f"{path}paper_loop").get_json()["rows"]
    assert loop["params"]["firms"].split(", ")[0] == "ent.p1"
    assert "ent.p2" not in json.dumps(loop) and "ent.use" not in json.dumps(loop)
    (quota,) = api.get("op-p1", f"{path}over_quota").get_json()["rows"]
    assert quota["params"] == {"filing": "f", "tonnes": "> 20.000", "quota": "20.000"}
    assert "90" not in quota["message"]
    (loop,) = api.get("planner", f"{path}paper_loop").get_json()["rows"]
    assert loop["params"]["firms"] == "ent.p1, ent.p2, ent.use"
    (quota,) = api.get("planner", f"{path}over_quota").get_json()["rows"]
    assert quota["params"]["tonnes"] == "90.000" and "90.000" in quota["message"]


def test_the_list_comes_in_pages_and_files_hold_all_of_it(api: Api) -> None:
    for month in range(202601, 202606):
        listed(api, "border_unfiled", month, partner="ent.use", tonnes="1.000", month="2026-01")
    path = "/findings?scope=enterprise:ent.p1&period=2026&kind=border_unfiled"
    months, cursor = [], ""
    for _ in range(3):
        page = api.get("op-p1", f"{path}&limit=2{cursor}").get_json()
        assert page["total"] == 5
        months += [row["month"] for row in page["rows"]]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None and months == list(range(202601, 202606))
    for wrong in ("x", "WzEsMl0", "WyJhIiwiYiIsImMiLCJkIl0"):
        assert api.get("op-p1", f"{path}&cursor={wrong}").status_code == 422
    lines = api.get("op-p1", f"{path}&limit=2&format=csv").get_data(as_text=True)
    assert sum("border_unfiled" in line for line in lines.splitlines()) == 5


def test_large_books_are_told_as_the_list_stands_and_how_old_it_is(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the first list: it is begun beside; what came after it is told as such."""
    monkeypatch.setattr(finding_list, "SMALL_PLACES", 0)
    path = "/findings?scope=enterprise:ent.p1"
    first = api.get("op-p1", path)
    assert (first.status_code, first.get_json()["code"]) == (503, "findings_being_made")
    assert first.headers["Retry-After"] == "10"
    api.app.extensions[finding_making._KEY].join()
    made = api.get("op-p1", path).get_json()
    assert made["up_to_date"] is True
    assert datetime.fromisoformat(made["as_of"]) <= datetime.now(UTC)
    entry = {"enterprise": "ent.p1", "kind": "generation", "material": "phosphogypsum"}
    sent = {**entry, "date": "2026-04-03", "tonnes": "5.000", "doc_no": "later"}
    assert api.post("op-p1", "/entries", sent).status_code == 201
    later = api.get("op-p1", path).get_json()
    assert (later["up_to_date"], later["as_of"]) == (False, made["as_of"])
    finding_list.refresh_findings(db=api.db, now=datetime.now(UTC))
    again = api.get("op-p1", path).get_json()
    assert again["up_to_date"] is True and again["as_of"] > made["as_of"]
