"""Loads by the million: slim rows keyed by month, numbers and children apart, staged batches.

Ids become the month of dispatch and eight digits; PostgreSQL keeps a partition per month in the
schema `wasteflow_months`.  Foreign keys of loads and events go (`check` proves the references).
Going down keeps every load; the ids stay, content hashes are lost, so that a file that is sent in
again is refused instead of skipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STEP = 100_000_000
MONTHS_SCHEMA = "wasteflow_months"

KINDS = ("delivery", "return", "redirect")
STATES = (
    "draft",
    "issued",
    "in_transit",
    "received",
    "accepted",
    "partly_accepted",
    "refused",
    "cancelled",
    "lost",
)
EVENTS = ("dispatched", "decided", "lost", "reversed")
MODES = ("", "road", "rail", "water", "conveyor", "pipeline")
BASES = ("wet", "dry")
WEIGHED = ("measured", "estimated")

_SAME_SHIPMENT = (
    "batch_id, doc_no, consignor_id, consignee_id, holder_id, parent_consignee_id, material_id, "
    "route_id, from_facility_id, to_facility_id, from_outside, to_outside, trips, vehicle, "
    "carrier, handler, ticket_no, remark, dispatched_month, dispatched_kg, received_month, "
    "received_kg, accepted_kg, refused_kg, lost_month, evidence, reversed"
)
_SAME_EVENT = (
    "seq, batch_id, booked_month, kg, input_kg, dry_kg, accepted_kg, refused_kg, moisture, "
    "evidence, reason"
)


def upgrade() -> None:
    """Copy the loads aside, make the new tables, fill them again."""
    op.add_column(
        "batch", sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.execute("CREATE TABLE old_shipment AS SELECT * FROM shipment")
    op.execute("CREATE TABLE old_event AS SELECT * FROM event")
    op.drop_table("event")
    op.drop_table("shipment")
    op.execute(
        "CREATE TABLE load_key AS SELECT id AS old_id, dispatched_month * CAST("
        f"{STEP} AS BIGINT) + row_number() OVER (PARTITION BY dispatched_month ORDER BY id) "
        "AS new_id FROM old_shipment"
    )
    op.execute("CREATE UNIQUE INDEX load_key_old ON load_key (old_id)")
    op.execute("CREATE UNIQUE INDEX old_event_key ON old_event (shipment_id, seq)")
    _create_new()
    _partition_known_months()
    _fill_new()
    for name in ("load_key", "old_event", "old_shipment"):
        op.drop_table(name)


def downgrade() -> None:
    """Copy the loads aside, make the tables of 0002, fill them again."""
    op.execute("CREATE TABLE new_shipment AS SELECT * FROM shipment")
    op.execute("CREATE TABLE new_event AS SELECT * FROM event")
    for name in ("flow_staged", "staged", "load_child", "load_number", "event", "shipment"):
        op.drop_table(name)
    if _postgresql():
        op.execute(f"DROP SCHEMA {MONTHS_SCHEMA}")
        op.execute("DROP SEQUENCE load_no")
    from wasteflow_models.migrations.versions import m0002_ledger as old

    old._create_shipment()
    old._create_event()
    _fill_old()
    op.drop_table("new_event")
    op.drop_table("new_shipment")
    with op.batch_alter_table("batch") as batch:
        batch.drop_column("published")


def _postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _create_new() -> None:
    op.create_table(
        "shipment",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("batch_id", KEY),
        sa.Column("doc_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        *_keys("consignor_id", "consignee_id", "holder_id"),
        *_keys("parent_id", "parent_consignee_id", nullable=True),
        *_keys("material_id", "route_id"),
        *_keys("from_facility_id", "to_facility_id", nullable=True),
        sa.Column("from_outside", sa.Boolean(), nullable=False),
        sa.Column("to_outside", sa.Boolean(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        *_texts("vehicle", "carrier", "handler", "ticket_no", "remark"),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("dispatched_at", KEY),
        sa.Column("dispatched_month", sa.Integer(), nullable=False),
        sa.Column("dispatched_kg", KEY, nullable=False),
        sa.Column("received_at", KEY),
        sa.Column("received_month", sa.Integer(), nullable=False),
        *_keys("received_kg", "accepted_kg", "refused_kg"),
        sa.Column("lost_month", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shipment"),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_shipment_consignee", "shipment", ["consignee_id"])
    op.create_table(
        "event",
        sa.Column("shipment_id", KEY, nullable=False, autoincrement=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("batch_id", KEY),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        *_keys("input_kg", "dry_kg", nullable=True),
        *_keys("accepted_kg", "refused_kg"),
        sa.Column("basis", sa.SmallInteger(), nullable=False),
        sa.Column("moisture", sa.Integer()),
        sa.Column("weighed", sa.SmallInteger(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name="pk_event"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (shipment_id)",
    )
    _create_beside()


def _create_beside() -> None:
    """The tables beside the loads: numbers, children, staged ranges."""
    op.create_table(
        "load_number",
        *_texts("doc_no"),
        *_keys("consignor_id", "shipment_id"),
        sa.PrimaryKeyConstraint("doc_no", "consignor_id", name="pk_load_number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "load_child",
        *_keys("parent_id", "child_id"),
        sa.PrimaryKeyConstraint("parent_id", "child_id", name="pk_load_child"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "staged",
        *_keys("batch_id", "first_id", "last_id"),
        sa.PrimaryKeyConstraint("batch_id", "first_id", name="pk_staged"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "flow_staged",
        *_keys("batch_id", "material_id"),
        sa.Column("month", sa.Integer(), nullable=False),
        *_keys("source_id", "target_id", "route_id"),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        *_keys("kg", "n"),
        sa.PrimaryKeyConstraint(
            "batch_id", "material_id", "month", "source_id", "target_id", "route_id", "evidence",
            name="pk_flow_staged",
        ),
        sqlite_with_rowid=False,
    )  # fmt: skip
    if _postgresql():
        op.execute(f"CREATE SCHEMA {MONTHS_SCHEMA}")
        op.execute(f"CREATE SEQUENCE load_no MAXVALUE {STEP - 1} CYCLE")


def _keys(*names: str, nullable: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, KEY, nullable=nullable, autoincrement=False) for name in names]


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _partition_known_months() -> None:
    if not _postgresql():
        return
    months = op.get_bind().execute(
        sa.text("SELECT DISTINCT dispatched_month FROM old_shipment ORDER BY 1")
    )
    for (month,) in months.all():
        for table in ("shipment", "event"):
            op.execute(
                f"CREATE TABLE {MONTHS_SCHEMA}.{table}_{month} PARTITION OF {table} "
                f"FOR VALUES FROM ({month * STEP}) TO ({(month + 1) * STEP})"
            )
    op.execute("SELECT setval('load_no', greatest(1, (SELECT count(*) FROM old_shipment)))")


def _fill_new() -> None:
    at = _seconds("at")
    moments = ", ".join(
        f"(SELECT {at} FROM old_event e WHERE e.shipment_id = s.id AND e.kind = '{kind}') AS {name}"
        for kind, name in (("dispatched", "dispatched_at"), ("decided", "received_at"))
    )
    op.execute(
        f"INSERT INTO shipment (id, parent_id, kind, mode, state, dispatched_at, received_at, "
        f"{_SAME_SHIPMENT}) SELECT k.new_id, p.new_id, {_code('kind', KINDS)}, "
        f"{_code('mode', MODES)}, {_code('state', STATES)}, {moments}, {_SAME_SHIPMENT} "
        "FROM old_shipment s JOIN load_key k ON k.old_id = s.id "
        "LEFT JOIN load_key p ON p.old_id = s.parent_id"
    )
    op.execute(
        f"INSERT INTO event (shipment_id, kind, at, basis, weighed, recorded_at, {_SAME_EVENT}) "
        f"SELECT k.new_id, {_code('kind', EVENTS)}, {at}, {_code('basis', BASES)}, "
        f"{_code('weighed', WEIGHED)}, {_seconds('recorded_at')}, {_SAME_EVENT} "
        "FROM old_event e JOIN load_key k ON k.old_id = e.shipment_id"
    )
    op.execute("INSERT INTO load_number SELECT doc_no, consignor_id, id FROM shipment")
    op.execute(
        "INSERT INTO load_child SELECT parent_id, id FROM shipment WHERE parent_id IS NOT NULL"
    )


def _fill_old() -> None:
    uid = "gen_random_uuid()" if _postgresql() else "lower(hex(randomblob(16)))"
    op.execute(
        "INSERT INTO shipment (id, uid, parent_id, kind, mode, state, dispatch_content, "
        f"receipt_content, {_SAME_SHIPMENT}) SELECT id, {uid}, parent_id, "
        f"{_word('kind', KINDS)}, {_word('mode', MODES)}, {_word('state', STATES)}, 0, "
        f"CASE WHEN received_month > 0 THEN 0 END, {_SAME_SHIPMENT} FROM new_shipment"
    )
    same = _SAME_EVENT.replace("input_kg", "coalesce(input_kg, kg)")
    op.execute(
        f"INSERT INTO event (shipment_id, kind, at, basis, weighed, recorded_at, {_SAME_EVENT}) "
        f"SELECT shipment_id, {_word('kind', EVENTS)}, {_moment('at')}, {_word('basis', BASES)}, "
        f"{_word('weighed', WEIGHED)}, {_moment('recorded_at')}, {same} FROM new_event"
    )


def _code(column: str, words: Sequence[str]) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    table = "e" if words in (EVENTS, BASES, WEIGHED) else "s"
    return f"CASE {table}.{column} {cases} END"


def _word(column: str, words: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {number} THEN '{word}'" for number, word in enumerate(words))
    return f"CASE {column} {cases} END"


def _seconds(column: str) -> str:
    if _postgresql():
        return f"CAST(floor(extract(epoch FROM e.{column})) AS BIGINT)"
    return f"CAST(strftime('%s', e.{column}) AS INTEGER)"


def _moment(column: str) -> str:
    if _postgresql():
        return f"to_timestamp({column})"
    return f"strftime('%Y-%m-%d %H:%M:%S', {column}, 'unixepoch') || '.000000'"
