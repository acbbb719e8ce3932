"""`/imports`: hand in, look, publish, cancel, errors; everybody is answered as the table says."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from tests.api.conftest import Api
from tests.permission_cases import cases, enrol_stances, firm_subject
from wasteflow.services.work import Job
from wasteflow.web.access import books
from wasteflow.worker import Worker
from wasteflow_models.accounts import AccountRow, MembershipRow
from wasteflow_models.convert import load_keys

HEADER = "单号,发货单位,收货单位,物料,去向,发货时间,发货量(吨)"
GOOD = f"{HEADER}\nU1,ent.p1,ent.use,phosphogypsum,pg_use,2026-07-02,31.480\n"
BAD = f"{HEADER}\nU1,ent.p1,ent.use,phosphogypsum,pg_use,2026-07-02,-1\n"
THEIRS = f"{HEADER}\nU1,ent.trade,ent.use,phosphogypsum,pg_use,2026-07-02,1\n"


def sent(api: Api, headers: dict[str, str], text: str = GOOD, **form: str) -> TestResponse:
    """POST /imports of a small CSV."""
    data: dict[str, Any] = {"kind": "shipments", **form}
    data["file"] = (io.BytesIO(text.encode()), "七月.csv")
    client = api.app.test_client()
    return client.post("/api/v1/imports", data=data, headers=headers)


def worked(api: Api) -> Job:
    """The job that waits, done."""
    done = Worker(api.db, lambda: datetime.now(UTC)).once()
    assert done is not None
    return done


def test_a_file_is_checked_published_and_listed(api: Api) -> None:
    headers = api.people["op-p1"].headers
    taken = sent(api, headers)
    assert taken.status_code == 202, taken.get_data(as_text=True)
    path = f"/imports/{taken.get_json()['id']}"
    assert api.post("op-p1", f"{path}/publish").status_code == 409
    worked(api)
    seen = api.get("op-p1", path).get_json()
    assert (seen["state"], seen["result"]["stage"], seen["result"]["rows"]) == (
        "ready",
        "checked",
        1,
    )
    assert api.post("op-p1", f"{path}/publish").status_code == 200
    assert worked(api).state == "done"
    assert api.get("op-p1", path).get_json()["result"]["report"]["taken"] == 1
    assert api.post("op-p1", f"{path}/cancel").status_code == 409
    listed = api.get("op-p1", "/imports").get_json()["items"]
    assert [item["id"] for item in listed] == [seen["id"]]
    assert api.get("op-use", "/imports").get_json()["items"] == []


def test_wrong_rows_and_those_of_others_are_refused_with_a_file(api: Api) -> None:
    headers = api.people["op-p1"].headers
    for text, code in ((BAD, "not_positive"), (THEIRS, "row_not_yours")):
        path = f"/imports/{sent(api, headers, text).get_json()['id']}"
        worked(api)
        seen = api.get("op-p1", path).get_json()
        assert seen["state"] == "refused", seen
        (issue,) = seen["result"]["issues"]
        assert issue["line"] == 2 and issue["message"], (issue, code)
        file = api.get("op-p1", f"{path}/errors")
        assert file.status_code == 200 and len(file.get_data().splitlines()) == 2
        assert api.get("op-use", f"{path}/errors").status_code == 404


def test_a_firms_own_file_signs_for_it_and_nobody_elses_does(api: Api) -> None:
    header = f"{HEADER},到货时间,验收量(吨)"
    text = f"{header}\nS1,ent.p1,ent.use,phosphogypsum,pg_use,2026-07-02,30.000,2026-07-02,29.900\n"

    def taken(who: str, **form: str) -> tuple[dict[str, Any], str]:
        sent(api, api.people[who].headers, text, publish="true", **form)
        report: dict[str, Any] = worked(api).result["report"]
        load = api.get("admin", "/shipments?doc_no=S1").get_json()["items"][0]
        return report, load["evidence"]

    report, evidence = taken("admin")
    assert (report["taken"], evidence) == (1, "imported")
    report, evidence = taken("op-p1")
    assert (report["taken"], report["confirmed"], evidence) == (0, 1, "one_sided")
    report, evidence = taken("op-p1")
    assert (report["skipped"], evidence) == (1, "one_sided")
    with api.db.write() as session:  # who lost the right to draft for the firm signs no more
        account = select(AccountRow.id).where(AccountRow.login == "op-use")
        query = update(MembershipRow).where(MembershipRow.account_id.in_(account))
        session.execute(query.values(role="reader"))
    sent(api, api.people["op-use"].headers, text, publish="true")
    with api.db.write() as session:
        session.execute(query.values(role="operator"))
    report, evidence = taken("op-use")
    assert (report["confirmed"], evidence) == (1, "both")
    load = api.get("admin", "/shipments?doc_no=S1").get_json()["items"][0]
    told = api.get("admin", f"/shipments/{load['id']}/events").get_json()["items"]
    assert [(item["event"], item["file_of"]) for item in told] == [
        ("dispatched", None), ("decided", None), ("confirmed", "ent.p1"), ("confirmed", "ent.use"),
    ]  # fmt: skip


def test_the_list_has_pages_and_ends_with_the_membership(api: Api) -> None:
    headers = api.people["op-p1"].headers
    ids = [sent(api, headers).get_json()["id"] for _ in range(3)]
    first = api.get("op-p1", "/imports?limit=2").get_json()
    rest = api.get("op-p1", f"/imports?limit=2&cursor={first['next']}").get_json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next"] is None
    with api.db.write() as session:
        account = select(AccountRow.id).where(AccountRow.login == "op-p1")
        session.execute(delete(MembershipRow).where(MembershipRow.account_id.in_(account)))
    assert api.get("op-p1", "/imports").get_json()["items"] == []
    assert api.get("op-p1", f"/imports/{ids[0]}").status_code == 404


def test_an_error_file_says_how_it_is_coded(api: Api) -> None:
    data = {"kind": "shipments", "file": (io.BytesIO(BAD.encode("gb18030")), "七月.csv")}
    headers = api.people["op-p1"].headers
    made = api.app.test_client().post("/api/v1/imports", data=data, headers=headers).get_json()
    worked(api)
    file = api.get("op-p1", f"/imports/{made['id']}/errors")
    assert file.headers["Content-Type"] == "text/csv; charset=gb18030"
    assert file.get_data().decode("gb18030").startswith("单号,")


def test_a_form_that_is_wrong_is_answered_with_its_place(api: Api) -> None:
    headers = api.people["op-p1"].headers
    for form, pointer in (
        ({"kind": "secrets"}, "/kind"),
        ({"more": "x"}, "/more"),
        ({"header_row": "-1"}, "/header_row"),
        ({"columns": "[1]"}, "/columns"),
        ({"dry_run": "true", "publish": "true"}, "/publish"),
    ):
        answer = sent(api, headers, **form)
        assert answer.status_code == 422, form
        assert answer.get_json()["errors"][0]["pointer"] == pointer
    assert api.post("op-p1", "/imports").status_code == 415
    assert api.get("op-p1", "/imports").get_json()["items"] == []


def test_everybody_is_answered_as_the_table_says(api: Api) -> None:
    tokens = enrol_stances(api.db)
    with books(api.app).db.read() as session:
        subject = firm_subject(load_keys(session).registry)

    def bearer(stance: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens[stance]}"} if stance in tokens else {}

    made = sent(api, bearer("enterprise_admin.giver"), organisation="ent.p1").get_json()
    client, base = api.app.test_client(), f"/api/v1/imports/{made['id']}"
    for case in cases("import.read", subject):
        case.check(client.get(base, headers=bearer(case.stance)).status_code)
        status = client.get(f"{base}/errors", headers=bearer(case.stance)).status_code
        assert (status == case.status) if case.status else status == 404
    for case in cases("import.write", subject):
        case.check(sent(api, bearer(case.stance), organisation="ent.p1").status_code)
        for step in ("publish", "cancel"):
            case.check(client.post(f"{base}/{step}", headers=bearer(case.stance)).status_code)
