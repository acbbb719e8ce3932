"""Migrations up and down with data in the tables, drift, and the foreign-keys trap of SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.store.books import Books, child, entry, load
from tests.store.databases import row_counts
from wasteflow_models import migrate
from wasteflow_models.base import Base
from wasteflow_models.engine import Database
from wasteflow_models.load_copy import USUAL
from wasteflow_models.partitions import ensure_partitions
from wasteflow_models.sql_rows import literal


def tables(url: str) -> set[str]:
    """Names of the tables, the version table of Alembic aside."""
    engine = sa.create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def revisions() -> list[str]:
    """Revisions of this program, first to last."""
    script = ScriptDirectory.from_config(migrate._config())
    return [item.revision for item in reversed(list(script.walk_revisions()))]


def test_the_revisions_are_read_as_alembic_reads_them() -> None:
    script = ScriptDirectory.from_config(migrate._config())
    before = {item.revision: item.down_revision or "" for item in script.walk_revisions()}
    assert migrate._revisions() == before
    assert migrate.known("0001") and not migrate.known("9999")


def fill(db: Database, folder: Path) -> Books:
    """Books with something in every table but the few without a service."""
    books = Books(db, folder)
    books.register()
    books.entries(entry("O", "opening", "50.000"), entry("G", "generation", "90.000"))
    books.loads(
        load("P", "30.000", "20.000", refused_t="10.000"), child("R", "P", "6.000"), load("T")
    )
    return books


def test_up_down_and_up_again_with_data(raw_database_url: str, tmp_path: Path) -> None:
    url = raw_database_url
    assert migrate.current(url) is None
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head() == revisions()[-1]
    assert migrate.drift(url) == []  # imports every module of tables
    assert tables(url) == set(Base.metadata.tables)

    db = Database(url)
    books = fill(db, tmp_path)
    before, rollup = row_counts(db), books.rollup()
    assert before["event"] == 5 and before["flow_month"] > 5
    migrate.upgrade(url)  # nothing to do, nothing lost
    assert row_counts(db) == before
    db.dispose()

    for below in [*reversed(revisions()[:-1]), "base"]:
        migrate.downgrade(url, below)
        assert migrate.current(url) == (None if below == "base" else below)
    assert tables(url) == set()

    for revision in revisions():
        migrate.upgrade(url, revision)
    assert migrate.drift(url) == []
    db = Database(url)
    assert fill(db, tmp_path).rollup() == rollup
    assert row_counts(db) == before
    db.dispose()


def test_the_ledger_goes_and_the_registry_stays(raw_database_url: str, tmp_path: Path) -> None:
    """One step down with data in all tables: the rows of the tables that stay are all there."""
    url = raw_database_url
    migrate.upgrade(url)
    db = Database(url)
    fill(db, tmp_path)
    before = row_counts(db)
    db.dispose()
    migrate.downgrade(url, revisions()[0])
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for name in sorted(tables(url)):
            found = connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            assert found == before[name], name
    engine.dispose()
    assert tables(url) and "event" not in tables(url)
    migrate.upgrade(url)
    assert migrate.drift(url) == []


def test_drift_is_named(raw_database_url: str) -> None:
    migrate.upgrade(raw_database_url)
    engine = sa.create_engine(raw_database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE batch ADD COLUMN extra INTEGER"))
        connection.execute(sa.text("DROP INDEX ix_entry_place"))
    engine.dispose()
    found = migrate.drift(raw_database_url)
    assert any("extra" in item for item in found)
    assert any("ix_entry_place" in item for item in found)


def _rebuild_enterprise(url: str, *, foreign_keys: bool) -> tuple[int, int]:
    """(parents, children) after Alembic's table copy, with or without SQLite's hook."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        connection.commit()
        with connection.begin():
            connection.execute(sa.text("CREATE TABLE firm (id INTEGER PRIMARY KEY, name TEXT)"))
            connection.execute(
                sa.text(
                    "CREATE TABLE truck (id INTEGER PRIMARY KEY, firm_id INTEGER "
                    "REFERENCES firm (id) ON DELETE CASCADE)"
                )
            )
            connection.execute(sa.text("INSERT INTO firm VALUES (1, 'a')"))
            connection.execute(sa.text("INSERT INTO truck VALUES (1, 1), (2, 1)"))
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table("firm", recreate="always") as batch:
                batch.alter_column("name", existing_type=sa.Text(), nullable=False)
        count = "SELECT count(*) FROM "
        parents = connection.execute(sa.text(count + "firm")).scalar_one()
        children = connection.execute(sa.text(count + "truck")).scalar_one()
    engine.dispose()
    return int(parents), int(children)


def test_the_foreign_keys_trap_is_real_and_migrations_step_around_it(tmp_path: Path) -> None:
    """ALTER by table copy deletes the children of a CASCADE where foreign_keys is ON."""
    assert _rebuild_enterprise(f"sqlite:///{tmp_path / 'on.sqlite3'}", foreign_keys=True) == (1, 0)
    assert _rebuild_enterprise(f"sqlite:///{tmp_path / 'off.sqlite3'}", foreign_keys=False) == (
        1,
        2,
    )
    url = f"sqlite:///{tmp_path / 'ours.sqlite3'}"
    migrate.upgrade(url)
    with migrate._connection(url) as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 0
    db = Database(url)
    with db.write() as session, pytest.raises(sa.exc.IntegrityError):
        session.execute(sa.text("INSERT INTO event (shipment_id, seq) VALUES (1, 1)"))
    db.dispose()


def test_a_migration_that_loses_rows_is_rolled_back(
    raw_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = raw_database_url
    migrate.upgrade(url)
    db = Database(url)
    fill(db, tmp_path)
    before = row_counts(db)
    db.dispose()

    def lossy(config: object, revision: str) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        connection.execute(sa.text("DELETE FROM event WHERE seq = 2"))

    monkeypatch.setattr(command, "upgrade", lossy)
    with pytest.raises(migrate.RowsLost, match="event"):
        migrate.upgrade(url)
    db = Database(url)
    assert row_counts(db) == before
    db.dispose()


def test_what_a_copy_leaves_out_is_the_default_of_its_column(db: Database) -> None:
    """In the table, in its partitions, and whatever month is made later."""
    if db.is_sqlite:
        pytest.skip("SQLite is told every value")
    with db.write() as session:
        ensure_partitions(session, [202601])
    query = sa.text(
        "SELECT c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d "
        "JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum "
        "JOIN pg_class c ON c.oid = d.adrelid WHERE c.relname LIKE :like"
    )
    for table, usual in USUAL.items():
        with db.read() as session:
            found = session.execute(query, {"like": f"{table}%"}).all()
        given = {(name, column): text.partition("::")[0] for name, column, text in found}
        names = {name for name, _ in given}
        assert len(names) > 3 and table in names, "the table, a month and those ahead of it"
        assert given == {
            (name, column): literal(value, postgresql=True).lower()
            for name in names
            for column, value in usual.items()
        }
