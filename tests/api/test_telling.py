"""Telling others: webhooks signed, retried, switched off, never called inside; reminders, mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.loads import accepted, issued, on_the_road
from wasteflow.app import daily_mail
from wasteflow.client import signature_holds
from wasteflow.config import Config
from wasteflow.config_api import load_api
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import SHANGHAI
from wasteflow.services.daily_mail import AFTER_FAILURE, DailyMail
from wasteflow.services.delivering import PAUSES_S, deliver
from wasteflow.services.mailing import GIVE_UP, mail_digests
from wasteflow.services.outbound import Told, checked_address, post, resolved
from wasteflow.web.access import Books
from wasteflow_models.accounts import AccountRow
from wasteflow_models.turns import turn_of

HOOK = {"scope": "enterprise:ent.p1", "url": "https://hooks.example.org/in?x=1"}


class Receiver:
    """The other side: what it was told, and what it answers."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, bytes, Mapping[str, str]]] = []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Told:
        self.calls.append((url, body, headers))
        return Told(self.answers.pop(0) if self.answers else 200)


class Clock:
    """A clock the test sets."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def hooked(api: Api, who: str = "head-p1", **more: Any) -> dict[str, Any]:
    """A new webhook with its secret."""
    response = api.post(who, "/webhooks", {**HOOK, **more})
    assert response.status_code == 201, response.get_json()
    found: dict[str, Any] = response.get_json()
    return found


def test_changes_are_told_in_order_once_and_signed(api_anywhere: Api) -> None:
    api, receiver = api_anywhere, Receiver()
    hook = hooked(api)
    load = accepted(api)
    clock = Clock()
    assert deliver(db=api.db, clock=clock, call=receiver).told == 4
    assert deliver(db=api.db, clock=clock, call=receiver).told == 0
    told = [json.loads(body)["change"] for _, body, _ in receiver.calls]
    assert [item["action"] for item in told] == ["drafted", "issued", "dispatched", "decided"]
    assert {item["ref"] for item in told} == {load["id"]}
    _, body, headers = receiver.calls[0]
    signed = headers["Wasteflow-Signature"]
    assert signature_holds(hook["secret"], signed, body)
    assert not signature_holds("other", signed, body)
    assert not signature_holds(hook["secret"], signed, body + b" ")
    assert not signature_holds(hook["secret"], signed, body, now=clock().timestamp() + 3600)
    log = api.get("head-p1", f"/webhooks/{hook['id']}/deliveries").get_json()["items"]
    assert [item["status"] for item in log] == [200] * 4


def test_a_failing_webhook_waits_longer_each_time_and_is_switched_off(api: Api) -> None:
    hook, receiver, clock = hooked(api), Receiver(*[500] * 99), Clock()
    issued(api)
    assert deliver(db=api.db, clock=clock, call=receiver).failed == 1
    assert deliver(db=api.db, clock=clock, call=receiver).failed == 0
    for pause in PAUSES_S:
        clock.now += timedelta(seconds=pause - 1)
        assert deliver(db=api.db, clock=clock, call=receiver).failed == 0
        clock.now += timedelta(seconds=2)
        assert deliver(db=api.db, clock=clock, call=receiver).failed == 1
    assert len({call[1] for call in receiver.calls}) == 1
    path = f"/webhooks/{hook['id']}"
    now = api.get("head-p1", path)
    assert (now.get_json()["active"], now.get_json()["off_reason"]) == (False, "failures")
    on = api.call("head-p1", "PATCH", path, {"active": True}, If_Match=now.headers["ETag"])
    assert on.status_code == 200 and on.get_json()["failures"] == 0
    receiver.answers.clear()
    clock.now += timedelta(seconds=1)
    assert deliver(db=api.db, clock=clock, call=receiver).told == 2


def test_webhooks_are_ones_own(api: Api) -> None:
    hook = hooked(api)
    assert "secret" not in api.get("head-p1", f"/webhooks/{hook['id']}").get_json()
    assert api.post("op-p1", "/webhooks", HOOK).status_code == 404
    assert api.post("manager-b", "/webhooks", HOOK).status_code == 404
    assert api.get("manager-a", "/webhooks").get_json()["items"][0]["id"] == hook["id"]
    assert api.get("manager-b", "/webhooks").get_json()["items"] == []
    assert api.call("manager-b", "DELETE", f"/webhooks/{hook['id']}").status_code == 404
    assert api.call("head-p1", "DELETE", f"/webhooks/{hook['id']}").status_code == 204
    assert api.get("head-p1", f"/webhooks/{hook['id']}").status_code == 404
    other, receiver = hooked(api, scope="enterprise:ent.p1", kinds=["entry"]), Receiver()
    issued(api)
    assert deliver(db=api.db, clock=Clock(), call=receiver).told == 0 and other["kinds"] == [
        "entry"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://localhost/", "https://127.0.0.1/", "https://10.0.0.8/",
        "https://169.254.169.254/latest", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://user@example.org/", "ftp://example.org/", "https://", "https://a b/",
        "https://printer.local/", "https://example.org:0/", "https://2130706433.internal/",
        "https://2130706433/", "https://127.1/", "https://0x7f.1/",
    ],
)  # fmt: skip
def test_addresses_inside_are_never_taken(api: Api, url: str) -> None:
    problem = api.post("head-p1", "/webhooks", {**HOOK, "url": url})
    assert problem.status_code == 422
    assert problem.get_json()["code"] in ("webhook_url", "webhook_private")


def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: object, **__: object) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("192.168.1.9", 443))]

    monkeypatch.setattr("socket.getaddrinfo", lookup)
    assert checked_address("https://rebound.example/").hostname == "rebound.example"
    with pytest.raises(InvalidValue):
        resolved("rebound.example", 443, private=False)
    assert post("https://rebound.example/", b"{}", {}).error == "webhook_private"


@contextmanager
def listening(status: int, **headers: str) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that answers everything with `status`."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/in", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_call_is_made_where_the_setting_allows_it_and_follows_no_redirect() -> None:
    with listening(204) as (url, got):
        assert post(url, b"{}", {}, private=True).ok
        assert not post(url, b"{}", {}).ok and got == [b"{}"]
    with listening(302, Location="http://127.0.0.1:1/") as (url, got):
        told = post(url, b"{}", {}, private=True)
        assert not told.ok and told.status == 302 and len(got) == 1
    gone = post(url, b"{}", {}, private=True, timeout_s=1)
    assert gone.status == 0 and "Error" in gone.error


def test_one_process_at_a_time_delivers(api_anywhere: Api) -> None:
    with turn_of(api_anywhere.db, "t") as first, turn_of(api_anywhere.db, "t") as second:
        assert (first, second) == (True, False)
    with turn_of(api_anywhere.db, "t") as again:
        assert again


# --- reminders -------------------------------------------------------------------------------


def test_everybody_is_reminded_of_what_waits(api: Api) -> None:
    load = on_the_road(api)
    due = (date.today() + timedelta(days=10)).isoformat()
    facility = {"code": "f.1", "name": "堆场", "enterprise": "ent.use", "kind": "use"}
    made = api.post("admin", "/facilities", {**facility, "valid_to": due})
    assert made.status_code == 201, made.get_json()
    items = api.get("op-use", "/reminders").get_json()["items"]
    found = [(item["kind"], item["ref"]) for item in items]
    assert ("answer", load["id"]) in found and found[-1] == ("permit", "f.1")
    assert items[-1]["due"] == due
    assert api.get("op-use", "/reminders?days=5").get_json()["items"][-1]["kind"] == "answer"
    assert api.get("op-p2", "/reminders").get_json()["items"] == []


def test_a_digest_is_mailed_once_a_day(api_anywhere: Api) -> None:
    api, sent = api_anywhere, list[EmailMessage]()
    load = on_the_road(api)
    with api.db.write() as session:
        for row in session.query(AccountRow).order_by(AccountRow.login):
            row.email = f"{row.login}@example.org" if row.login in ("op-use", "op-p2") else ""
    now = datetime.now(UTC)
    options: dict[str, Any] = {"db": api.db, "sender": "w@example.org", "site": "https://w.example"}
    done = mail_digests(now=now, send=sent.append, **options)
    assert (done.sent, done.nothing, done.failed) == (1, 1, [])
    assert mail_digests(now=now, send=sent.append, **options).sent == 0
    assert sent[0]["To"] == "op-use@example.org"
    assert sent[0]["Content-Transfer-Encoding"] == "base64"  # not every server takes 8 bits
    assert load["id"] in sent[0].get_content() and load["doc_no"] in sent[0].get_content()

    def broken(_: EmailMessage) -> None:
        raise OSError("no route")

    tomorrow = now + timedelta(days=1)
    assert mail_digests(now=tomorrow, send=broken, **options).failed == ["op-use: no route"]
    assert mail_digests(now=tomorrow, send=sent.append, **options).sent == 1


def mailed(api: Api, logins: tuple[str, ...] = ("op-use", "op-p2")) -> None:
    """Give these users an address, and something for `op-use` to do."""
    on_the_road(api)
    with api.db.write() as session:
        for row in session.query(AccountRow).order_by(AccountRow.login):
            row.email = f"{row.login}@example.org" if row.login in logins else ""


def test_a_server_mails_once_a_day_whichever_process_and_however_often_started(
    api_anywhere: Api,
) -> None:
    api, sent, clock = api_anywhere, list[EmailMessage](), Clock()
    mailed(api)
    tomorrow = clock.now.date() + timedelta(days=1)
    clock.now = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 6, 59, tzinfo=SHANGHAI)

    def process(send: Any = sent.append) -> DailyMail:
        return DailyMail(api.db, clock, send=send, sender="w@example.org", hour=7)

    def broken(_: EmailMessage) -> None:
        raise OSError("no route")

    first, second = process(broken), process()
    assert first.round() is None  # not seven yet
    clock.now += timedelta(minutes=2)
    with turn_of(api.db, "mail"):
        assert second.round() is None  # another process has the turn
    failed = first.round()
    assert failed is not None and failed.failed == ["op-use: no route"]
    assert first.round() is None  # it waits before it tries again
    clock.now += AFTER_FAILURE
    assert first.round() is not None and sent == []
    done = second.round()
    assert done is not None and (done.sent, done.nothing) == (1, 1)
    assert [item["To"] for item in sent] == ["op-use@example.org"]
    mailed(api, ("op-use", "op-p1"))
    issued(api)  # somebody else has something to do now
    clock.now += timedelta(hours=8)
    assert second.round() is None and process().round() is None and len(sent) == 1
    clock.now += timedelta(hours=16)
    again = process().round()
    assert again is not None and again.sent == 2


def test_a_mail_server_that_is_down_is_left_alone(api: Api) -> None:
    issued(api)
    mailed(api, ("head-p1", "op-p1", "op-use", "reader-p1"))
    tried = list[str]()

    def broken(message: EmailMessage) -> None:
        tried.append(message["To"])
        raise OSError("no route")

    done = mail_digests(db=api.db, now=datetime.now(UTC), send=broken, sender="w@example.org")
    assert len(tried) == len(done.failed or []) == GIVE_UP and done.left == 1 and done.sent == 0


def test_mail_is_off_without_a_server_and_by_setting(api: Api) -> None:
    held = Books(Config(api.db.url))
    assert daily_mail(held) is None
    smtp = {"WASTEFLOW_SMTP_HOST": "127.0.0.1", "WASTEFLOW_SMTP_FROM": "w@example.org"}
    for told, hour in (("", 7), ("18", 18), ("25", 7)):
        settings = load_api({**smtp, "WASTEFLOW_REMIND_HOUR": told})
        assert settings.remind_hour == hour
        assert daily_mail(Books(Config(api.db.url, api=settings))) is not None
    off = load_api({**smtp, "WASTEFLOW_REMIND_HOUR": "off"})
    assert daily_mail(Books(Config(api.db.url, api=off))) is None
