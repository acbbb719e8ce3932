"""Answers by the version of the data: ETag, 304, what is kept and what is packed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests import web_books
from tests.store.databases import KINDS, new_database
from wasteflow import app as application
from wasteflow.app import create_app, warm_up
from wasteflow.config import Basemap, Config
from wasteflow.config_accounts import OPEN
from wasteflow.services.corrections import reverse
from wasteflow.services.data_version import data_version
from wasteflow.web.access import books
from wasteflow.web.answers import Answer, Answers
from wasteflow.web.assets import STATIC
from wasteflow_models.engine import Database
from wasteflow_models.migrate import upgrade

KEPT = (
    "/",
    "/map",
    "/map/frame",
    "/map/data",
    "/sankey",
    "/targets",
    "/rates?by=park",
    "/gap",
    "/postings?scope=enterprise:ent.p1",
    "/provenance",
    "/quota",
    "/audit",
    "/flows",
    "/flows?format=csv",
    "/balances",
)
MORE = "doc_no,enterprise,kind,material,date,tonnes\ng9,ent.p1,generation,phosphogypsum,{},{}\n"
Client = Callable[..., FlaskClient]


@pytest.fixture
def client_of() -> Iterator[Client]:
    """``client_of(url)`` gives a client of an application on that database."""
    apps = []

    def make(url: str, **config: object) -> FlaskClient:
        app = create_app(Config(url, accounts=OPEN, **config))  # type: ignore[arg-type]
        apps.append(app)
        return app.test_client(use_cookies=False)

    yield make
    for app in apps:
        books(app).db.dispose()


@pytest.fixture
def url(
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    filled: Callable[..., str],
) -> Iterator[str]:
    """The small books."""
    template = filled(database_kind, (*web_books.REGISTRY, *web_books.LEDGER))
    with new_database(request, database_kind, tmp_path, template) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """A client on small books that nobody changes."""
    folder = tmp_path_factory.mktemp("shared")
    files = (*web_books.REGISTRY, *web_books.LEDGER)
    with web_books.opened(request, request.param, folder, files) as app:
        yield app.test_client(use_cookies=False)


@pytest.fixture
def client(client_of: Client, url: str) -> FlaskClient:
    """A client on the small books."""
    return client_of(url)


def tag(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.headers["ETag"]


def again(client: FlaskClient, address: str, known: str) -> int:
    """Status of an answer to a browser that has the one of tag `known`."""
    return client.get(address, headers={"If-None-Match": known}).status_code


# --- unchanged ----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", KEPT)
def test_the_same_data_are_not_sent_twice(shared: FlaskClient, address: str) -> None:
    first = shared.get(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in first.headers["Vary"]
    answer = shared.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (answer.status_code, answer.get_data()) == (304, b"")
    assert answer.get_etag()[0] == first.get_etag()[0]
    # The browser keeps its page and the policy that came with it: another nonce would break it.
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_known_or_kept_page_is_not_made_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = client.get("/")

    def broken(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("wasteflow.web.pages.overview.made", broken)
    assert again(client, "/", known.headers["ETag"]) == 304
    kept = client.get("/")
    nonces = [
        re.findall(r"nonce-([\w-]+)'", r.headers["Content-Security-Policy"]) for r in (known, kept)
    ]
    assert nonces[0][0] != nonces[1][0]
    old, new = (nonce[0].encode() for nonce in nonces)
    assert known.get_data().replace(old, new) == kept.get_data()


@pytest.mark.parametrize("address", ["/", "/sankey", "/map/frame"])
def test_a_kept_page_carries_the_nonce_of_its_own_policy(shared: FlaskClient, address: str) -> None:
    for _ in range(3):
        response = shared.get(address)
        policy = response.headers["Content-Security-Policy"]
        found = re.search(r"script-src 'nonce-([\w-]+)'", policy)
        tags = re.findall(r"<(?:script|style)\b[^>]*>", response.get_data(as_text=True))
        assert found and all(f'nonce="{found[1]}"' in one for one in tags)


def test_pages_differ_by_their_nonce_and_say_so_while_data_are_the_same_bytes(
    client: FlaskClient,
) -> None:
    assert tag(client, "/sankey").startswith('W/"')
    assert tag(client, "/flows?format=csv").startswith('"')
    assert tag(client, "/map/data").startswith('"')
    bodies = {client.get("/map/data").get_data() for _ in range(3)}
    assert len(bodies) == 1


def test_the_page_made_ready_at_start_is_the_one_that_is_answered(url: str) -> None:
    app = create_app(Config(url, accounts=OPEN))
    warm_up(app)
    kept = app.extensions["wasteflow_answers"].size
    assert kept
    for address in ("/", "/targets", "/targets/part?part=charts"):
        assert app.test_client().get(address).status_code == 200
        assert app.extensions["wasteflow_answers"].size == kept, address
    books(app).db.dispose()


def test_a_new_process_warms_up_after_its_first_answer(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed = Event()
    monkeypatch.setattr(application, "warm_up", lambda _: warmed.set())
    monkeypatch.setattr(application, "keep_house", lambda _: None)
    monkeypatch.setattr(application, "FIRST_PAGE_S", 600.0)
    app = create_app(Config(url, accounts=OPEN), warm=True)
    assert not warmed.wait(0.05)
    assert app.test_client().get("/healthz").status_code == 200
    assert warmed.wait(30)
    books(app).db.dispose()


# --- changed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", KEPT)
def test_an_import_and_a_registry_change_are_answered_anew(
    client: FlaskClient, url: str, tmp_path: Path, address: str
) -> None:
    first = tag(client, address)
    web_books.load(url, tmp_path, [("entries", MORE.format("2026-04-15", "7.000"))])
    second = tag(client, address)
    assert again(client, address, first) == 200
    renamed = web_books.ENTERPRISES.replace("甲化工", "新名化工")
    web_books.load(url, tmp_path, [("enterprises", renamed)])
    assert again(client, address, second) == 200
    assert len({first, second, tag(client, address)}) == 3


def test_what_is_answered_after_a_change_is_the_change(
    client: FlaskClient, url: str, tmp_path: Path
) -> None:
    assert "1,900.0" in client.get("/").get_data(as_text=True)
    web_books.load(url, tmp_path, [("entries", MORE.format("2026-04-15", "100.000"))])
    assert "2,000.0" in client.get("/").get_data(as_text=True)
    renamed = web_books.ENTERPRISES.replace("甲化工", "新名化工")
    web_books.load(url, tmp_path, [("enterprises", renamed)])
    assert "新名化工" in client.get("/flows").get_data(as_text=True)


def test_language_theme_address_and_settings_have_answers_of_their_own(
    client: FlaskClient, client_of: Client, url: str
) -> None:
    basemap = Basemap("https://t0.example.org/{z}/{x}/{y}.png", "示例", "GS(2024)0001号")
    found = [
        client.get("/", headers={"Cookie": cookie}).headers["ETag"]
        for cookie in ("", "wasteflow_lang=en", "wasteflow_theme=dark")
    ]
    found += [tag(client, "/?period=2026"), tag(client, "/?period=2026Q1")]
    found.append(tag(client_of(url, basemap=basemap), "/"))
    assert len(set(found)) == len(found)
    english = client.get("/", headers={"Cookie": "wasteflow_lang=en", "If-None-Match": found[0]})
    assert english.status_code == 200 and "at a glance" in english.get_data(as_text=True)


def test_a_switch_is_kept_in_its_cookie_by_a_304_too(client: FlaskClient) -> None:
    known = tag(client, "/?lang=en")
    answer = client.get("/?lang=en", headers={"If-None-Match": known})
    assert answer.status_code == 304 and "wasteflow_lang=en" in answer.headers["Set-Cookie"]


def test_two_databases_do_not_know_each_others_answers(
    client: FlaskClient, client_of: Client, tmp_path: Path
) -> None:
    other_url = f"sqlite:///{(tmp_path / 'other.sqlite3').as_posix()}"
    upgrade(other_url)
    folder = tmp_path / "other"
    folder.mkdir()
    web_books.load(other_url, folder, (*web_books.REGISTRY, *web_books.LEDGER))
    other = client_of(other_url)
    for address in KEPT:
        assert again(other, address, tag(client, address)) == 200, address


def test_what_is_not_in_the_version_is_never_kept(client: FlaskClient) -> None:
    for address in ("/crosscheck", "/records", "/nowhere", "/?period=2026-13", "/healthz"):
        assert "ETag" not in client.get(address).headers, address
    asked = client.post("/audit", data={"text": "id\n"}, headers={"If-None-Match": "*"})
    assert asked.status_code != 304 and "ETag" not in asked.headers


def test_the_version_follows_every_write_and_only_writes(url: str, tmp_path: Path) -> None:
    """A count that agrees with the books moves nothing; taking it back is a write all the same."""
    db = Database(url)
    count = (
        "doc_no,enterprise,kind,material,date,tonnes,reason\n"
        "k1,ent.use,stocktake,phosphogypsum,2026-06-01,125.000,survey\n"
    )
    found = [data_version(db=db)]
    assert data_version(db=db) == found[0]
    web_books.load(url, tmp_path, [("entries", count)])
    found.append(data_version(db=db))
    reverse(db=db, doc_no="k1", reason="错", now=web_books.NOW)
    found.append(data_version(db=db))
    web_books.load(url, tmp_path, [("parks", web_books.PARKS.replace("甲园区", "新园区"))])
    found.append(data_version(db=db))
    db.dispose()
    assert len(set(found)) == len(found)


# --- room ---------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), max_size=40))
def test_what_is_kept_never_outgrows_its_room(steps: list[tuple[str, int]]) -> None:
    room = Answers(100)
    for name, size in steps:
        answer = Answer((b"x" * size,), ())
        room.put(name, answer)
        assert room.get(name) is answer
        assert room.size <= 100


def test_the_longest_unused_goes_first_and_what_is_too_large_is_not_kept() -> None:
    room = Answers(10)
    for name in "ab":
        room.put(name, Answer((b"12345",), ()))
    assert room.get("a")
    room.put("c", Answer((b"12345",), ()))
    assert room.get("a") and room.get("c") and room.get("b") is None
    room.put("d", Answer((b"x" * 11,), ()))
    assert room.get("d") is None and room.size == 0


def test_without_room_pages_are_the_same(client_of: Client, client: FlaskClient, url: str) -> None:
    bare = client_of(url, kept_mb=0)
    for address in ("/flows?format=csv", "/map/data"):
        assert bare.get(address).get_data() == client.get(address).get_data()
        assert tag(bare, address) == tag(client, address)
    assert bare.application.extensions["wasteflow_answers"].size == 0


def test_threads_with_one_question_compute_it_once() -> None:
    room, made = Answers(100), []

    def ask() -> None:
        with room.alone("tag"):
            if room.get("tag") is None:
                made.append(1)
                room.put("tag", Answer((b"x",), ()))

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    with pytest.raises(RuntimeError), room.alone("tag"):
        raise RuntimeError("a page that fails")
    with room.alone("tag"):
        assert room.get("tag")


# --- packed -------------------------------------------------------------------------------------

PACKED = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("address", ["/flows?format=csv", "/map/data"])
def test_packed_text_is_the_same_text(
    client: FlaskClient, url: str, tmp_path: Path, address: str
) -> None:
    web_books.load(url, tmp_path, web_books.many_links(40))
    plain, packed = client.get(address), client.get(address, headers=PACKED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert int(packed.headers["Content-Length"]) == len(packed.get_data()) < len(plain.get_data())
    for response in (plain, packed):
        assert "Accept-Encoding" in response.headers["Vary"]
    # Other bytes: the tag says "the same meaning" and is known again either way.
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert again(client, address, packed.headers["ETag"]) == 304


def test_pages_errors_and_files_are_packed_but_nothing_small(client: FlaskClient) -> None:
    for address in ("/", "/nowhere", "/map/file"):
        packed = client.get(address, headers=PACKED)
        assert packed.headers["Content-Encoding"] == "gzip", address
        assert b"<!DOCTYPE html>" in gzip.decompress(packed.get_data())[:200]
    assert "Content-Encoding" not in client.get("/healthz", headers=PACKED).headers
    refused = client.get("/", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers


def test_files_for_the_browser_are_packed_once_and_known_again(client: FlaskClient) -> None:
    address = "/static/wasteflow.css"
    packed = client.get(address, headers=PACKED)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == (STATIC / "wasteflow.css").read_bytes()
    known = client.get(address, headers={**PACKED, "If-None-Match": packed.headers["ETag"]})
    assert known.status_code == 304
    with client.get(address) as plain:
        assert plain.get_data() == (STATIC / "wasteflow.css").read_bytes()
        assert "Accept-Encoding" in plain.headers["Vary"]
