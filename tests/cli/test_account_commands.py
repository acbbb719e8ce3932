"""Commands of accounts: the first admin, roles, tokens; no password as an argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import web_books
from wasteflow.cli import main
from wasteflow.services.acting import actor_of_login, actor_of_token
from wasteflow.services.sign_in import sign_in
from wasteflow_models.engine import Database

PASSWORD = "three slow red buses"


@pytest.fixture
def url(tmp_path: Path, sqlite_books: Callable[..., str]) -> str:
    found = sqlite_books(tmp_path, web_books.REGISTRY)
    return found


def run(url: str, *words: str, typed: str = "", status: int = 0) -> Result:
    done = CliRunner().invoke(main, ["--lang", "en", "--database", url, *words], input=typed)
    assert done.exit_code == status, done.output
    return done


def test_from_the_first_admin_to_a_token(url: str) -> None:
    run(url, "user", "create", "Root", "--role", "system_admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    stdin = ["--password-stdin"]
    run(url, "user", "create", "li", "--name", "Li", *stdin, typed=f"{PASSWORD}\n")
    run(url, "user", "grant", "li", "operator", "ent.p1")
    listed = run(url, "user", "list").output
    assert "root" in listed and "system_admin" in listed and "operator ent.p1" in listed
    made = run(url, "token", "create", "--user", "li", "--scope", "read", "--days", "3")
    secret = made.stdout.strip()
    assert "Shown this once" in made.stderr
    from tests.people import now

    db = Database(url)
    try:
        actor = actor_of_token(db=db, token=secret, now=now())
        assert actor is not None and actor.scopes == frozenset({"read"})
        assert sign_in(db=db, login="li", password=PASSWORD, now=now(), hours=1).must_change
        assert secret not in run(url, "token", "list", "--user", "li").output
        run(url, "token", "revoke", str(actor.token_id))
        assert actor_of_token(db=db, token=secret, now=now()) is None
        run(url, "user", "revoke", "li", "operator", "ent.p1")
        run(url, "user", "password", "li", *stdin, typed="nine quiet green lamps\n")
        run(url, "user", "deactivate", "li")
        assert actor_of_login(db=db, login="li", now=now()) is None
        run(url, "user", "deactivate", "li", "--undo")
        actor = actor_of_login(db=db, login="li", now=now())
        assert actor is not None and actor.memberships == ()
    finally:
        db.dispose()


def test_what_the_commands_refuse(url: str) -> None:
    create = ("user", "create", "root", "--role", "system_admin", "--password-stdin")
    assert "guessed" in run(url, *create, typed="password1234\n", status=2).output
    assert "two ways" in run(url, *create[:-1], typed=f"{PASSWORD}\nother\n", status=2).output
    run(url, *create, typed=f"{PASSWORD}\n")
    assert "last system admin" in run(url, "user", "deactivate", "root", status=1).output
    assert (
        "no enterprise"
        in run(url, "user", "grant", "root", "operator", "ent.none", status=1).output
    )
    assert "no user" in run(url, "token", "create", "--user", "who", status=1).output
    bad = run(url, "token", "create", "--user", "root", "--scope", "everything", status=2)
    assert "permission table" in bad.output


def test_with_open_reading_the_pages_stay_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WASTEFLOW_OPEN_READING", "1")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    refused = run(url, "serve", "--host", "0.0.0.0", status=1).output
    assert "WASTEFLOW_OPEN_READING" in refused and "BYTECODE" not in refused
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    refused = run(url, "serve", "--host", "0.0.0.0", status=1).output
    assert "PYTHONDONTWRITEBYTECODE" in refused, "it says why it starts slowly"
