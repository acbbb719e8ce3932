"""Clients that retry under broken connections, and parties that write at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from benchmarks.http_writes import free_port
from tests.api.conftest import Api
from tests.api.cutting import cutting
from tests.api.loads import LOAD, accepted
from wasteflow.client import ApiError, Client, Conflict, Stale
from wasteflow.services.checking import check_books

CLIENTS = 8


def many(live: tuple[Api, str], loads: int, seed: int, share: float = 0.4) -> None:
    """Every client makes loads under cuts and moves each on; the books hold each exactly once."""
    api, address = live
    before = len(loads_of(api))

    def work(number: int) -> list[str]:
        made = []
        token = api.people["op-p1"].token
        for step in range(loads):  # a connection each: a server may keep one open for many
            with Client(
                cutter.address, token=token, tries=60, pause_s=0.001, timeout_s=20
            ) as client:
                load = client.create_load(LOAD, issue=True, key=f"k-{number}-{step}")
                load = client.move(load, "dispatch", key=f"d-{number}-{step}")
                made.append(load["id"])
        return made

    with cutting(address, share=share, seed=seed) as cutter, ThreadPoolExecutor(CLIENTS) as pool:
        made = [item for found in pool.map(work, range(CLIENTS)) for item in found]
        assert cutter.cuts > CLIENTS
    assert len(set(made)) == len(made) == CLIENTS * loads
    found = loads_of(api)
    assert len(found) - before == len(made)
    assert {item["id"] for item in found if item["state"] == "in_transit"} >= set(made)
    assert check_books(db=api.db).ok


def loads_of(api: Api) -> list[dict[str, Any]]:
    """Every load of the sender."""
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = api.get("op-p1", f"/shipments?limit=200{cursor}").get_json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_each_load_is_made_once_under_connection_cuts(live: tuple[Api, str]) -> None:
    many(live, 2, seed=7)


@pytest.fixture
def workers(api_anywhere: Api) -> Iterator[tuple[Api, str]]:
    """`wasteflow serve` with two workers over the books, on both databases, and its address."""
    command = [sys.executable, "-c", "from wasteflow.cli import main; main()", "serve"]
    told = {"WASTEFLOW_DATABASE_URL": api_anywhere.db.url, "WASTEFLOW_LIMIT_API": ""}
    with free_port() as port:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "2"],
            env={**os.environ, **told},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    httpx.get(f"{address}/readyz", timeout=5).raise_for_status()
                    break
                except httpx.HTTPError:
                    assert server.poll() is None
                    time.sleep(0.1)
            yield api_anywhere, address
        finally:
            server.terminate()
            server.wait(30)


def test_several_processes_make_each_load_once_and_one_of_two_revisions(
    workers: tuple[Api, str],
) -> None:
    many(workers, 2, seed=11, share=0.5)
    revised_at_once(workers)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_each_load_is_made_once_for_long(live: tuple[Api, str], seed: int) -> None:
    many(live, 25, seed=seed)


def test_the_same_request_at_the_same_moment_is_done_once(live: tuple[Api, str]) -> None:
    api, address = live
    together = Barrier(CLIENTS)

    def ask(_: int) -> str:
        with Client(address, token=api.people["op-p1"].token) as client:
            together.wait(30)
            return str(client.create_load(LOAD, issue=True, key="same")["id"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert len(set(pool.map(ask, range(CLIENTS)))) == 1


def test_two_parties_revise_at_once_and_one_is_told(live: tuple[Api, str]) -> None:
    revised_at_once(live)


def revised_at_once(live: tuple[Api, str]) -> None:
    """Two parties revise a load at the same moment: one wins, the other is told."""
    api, address = live
    load = accepted(api)
    together = Barrier(2)

    def revise(who: str) -> str:
        body = {"changes": {"remark": f"by {who}", "received_t": "29.9"}, "reason": "x"}
        with Client(address, token=api.people[who].token) as client:
            together.wait(30)
            try:
                path = f"/shipments/{load['id']}/revisions"
                client.post(path, body, version=load["version"])
            except (Stale, Conflict) as error:
                return f"told: {error.code}"
            return "won"

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(revise, ("op-p1", "op-use")))
    assert results in (["told: version_stale", "won"], ["told: illegal_move", "won"])


def test_the_client_tells_problems_by_their_kind(live: tuple[Api, str]) -> None:
    api, address = live
    with Client(address, token=api.people["op-p1"].token, lang="en") as client:
        load = client.create_load(LOAD, issue=True, external_id="X")
        with pytest.raises(Stale) as stale:
            client.move({**load, "version": 1}, "dispatch")
        assert stale.value.etag == f'"{load["version"]}"'
        with pytest.raises(Conflict) as conflict:
            client.move(load, "receive", received_t="1")
        assert {"move": "dispatch", "who": ["carrier", "consignor"]} in (
            conflict.value.problem["moves"]
        )
        with pytest.raises(ApiError) as invalid:
            client.create_load({**LOAD, "mode": "rocket"}, issue=True)
        assert invalid.value.errors[0].pointer == "/mode"
        load = client.move(load, "dispatch")
        assert [event["event"] for event in client.events(load)] == ["issued", "dispatched"]
        assert client.attach(load, "票.pdf", b"%PDF-1", "application/pdf")["size"] == 6
        assert next(client.loads(external_id="X"))["id"] == load["id"]
        draft = client.edit(client.create_load(LOAD), remark="later")
        client.delete(f"/shipments/{draft['id']}", version=draft["version"])
        assert len(list(client.items("/enterprises", limit=1))) == 4
        assert [item["action"] for item in client.changes()][-1] == "deleted"


def test_the_client_keeps_product_output(live: tuple[Api, str]) -> None:
    api, address = live
    fields = {"enterprise": "ent.p1", "product": "p2o5", "date": "2026-03-31", "tonnes": "20"}
    with Client(address, token=api.people["op-p1"].token, lang="en") as client:
        made = client.create_product(fields, key="march")
        assert client.create_product(fields, key="march") == made
        assert [item["id"] for item in client.products(scope="enterprise:ent.p1")] == [made["id"]]
        assert client.reverse_product(made, "wrong month")["state"] == "reversed"
