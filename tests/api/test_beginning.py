"""A new server: pages before the API is made, everything else as if it had been there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.api.conftest import Api
from wasteflow import app as application
from wasteflow.app import Beginning, create_app
from wasteflow.web.access import books


@pytest.fixture
def begun(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beginning]:
    """A new server over the books of `api` that makes nothing ready by itself."""
    monkeypatch.setattr(application, "_warm_up_after", lambda _: None)
    monkeypatch.setattr(application, "keep_house", lambda _: None)
    made = create_app(books(api.app).config, warm=True)
    assert isinstance(made, Beginning)
    yield made
    books(made).db.dispose()


def test_a_page_comes_before_the_api_is_made(begun: Beginning) -> None:
    answer = begun.test_client().get("/sign-in")
    assert answer.status_code == 200 and begun.answered.is_set()
    assert not any(rule.rule.startswith("/api/") for rule in begun.url_map.iter_rules())
    assert begun._whole is None


def test_pages_of_both_are_the_same(begun: Beginning, api: Api) -> None:
    for path in ("/sign-in", "/healthz", "/readyz", "/nowhere", "/"):
        first, whole = (app.test_client().get(path) for app in (begun, api.app))
        assert first.status_code == whole.status_code, path
        assert set(first.headers.keys()) == set(whole.headers.keys()), path
        assert first.headers.get("Location") == whole.headers.get("Location"), path


def test_whoever_asks_the_api_or_sends_something_first_waits_for_it(
    begun: Beginning, api: Api
) -> None:
    found = Api(begun, api.people).call("admin", "GET", "/parks")
    assert found.status_code == 200
    assert found.get_json() == api.call("admin", "GET", "/parks").get_json()
    whole = begun.whole()
    assert books(whole) is books(begun) and whole is not begun
    assert begun.test_client().get("/api/v1/openapi.json").status_code == 200


def test_a_first_sign_in_is_counted(begun: Beginning) -> None:
    answer = begun.test_client().post("/sign-in", data={"login": "x", "password": "y"})
    assert answer.status_code == 400  # no form token; the whole application looked for it
    assert begun._whole is not None


def test_it_is_made_once_however_many_ask(begun: Beginning) -> None:
    found = []
    asking = [Thread(target=lambda: found.append(begun.whole())) for _ in range(6)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(found) == 6 and len({id(app) for app in found}) == 1


def test_a_start_loads_neither_the_api_nor_the_limits() -> None:
    late = {"wasteflow.web.api.resources", "wasteflow.web.limits", "flask_limiter", "webargs"}
    program = f"import sys, wasteflow.app; print(*sorted(set(sys.modules) & set({late!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
