"""Months can be closed: the closes, late postings, the stored attribution.

An event is booked in the first open month from the earliest month it changes.  Nothing was closed
before, so a reversal, and a decision that changed the evidence of its dispatch, was booked in the
month of the dispatch.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

_DECIDED, _REVERSED = 1, 3
_RE_KEYED = (
    f"kind = {_REVERSED} OR (kind = {_DECIDED} AND evidence <> (SELECT d.evidence FROM event d "
    "WHERE d.shipment_id = event.shipment_id AND d.seq = 1))"
)


def upgrade() -> None:
    """Make the tables and bring the booked months of events in line."""
    _create_month_close()
    _create_flow_late()
    _create_attribution_month()
    op.execute(
        "UPDATE event SET booked_month = (SELECT s.dispatched_month FROM shipment s "
        f"WHERE s.id = event.shipment_id) WHERE {_RE_KEYED}"
    )


def downgrade() -> None:
    """Drop the tables; every record is booked in its month again, as the program before wants it.

    Which months were closed is lost with the tables.
    """
    if op.get_bind().dialect.name == "postgresql":
        month = "CAST(to_char(to_timestamp(at) AT TIME ZONE 'Asia/Shanghai', 'YYYYMM') AS INTEGER)"
    else:
        month = "CAST(strftime('%Y%m', at, 'unixepoch', '+8 hours') AS INTEGER)"
    op.execute(f"UPDATE event SET booked_month = {month} WHERE booked_month <> {month}")
    op.execute("UPDATE entry SET booked_month = month WHERE booked_month <> month")
    op.drop_table("attribution_month")
    op.drop_table("flow_late")
    op.drop_table("month_close")


def _create_month_close() -> None:
    op.create_table(
        "month_close",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("take", sa.SmallInteger(), nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.Column("park_close_id", KEY, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("closed_by", sa.String(length=200), nullable=False),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reopened_at", MOMENT, nullable=True),
        sa.Column("reopened_by", sa.String(length=200), nullable=False),
        sa.Column("reopened_user_id", KEY, nullable=True),
        sa.Column("reopened_reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_month_close"),
        sa.UniqueConstraint(
            "kind",
            "organisation_id",
            "month",
            "take",
            name="uq_month_close_kind_organisation_id_month_take",
        ),
    )
    op.create_index("ix_month_close_park", "month_close", ["park_close_id"], unique=False)


def _create_flow_late() -> None:
    key = ["material_id", "month", "booked_month", "source_id", "target_id", "route_id", "evidence"]
    op.create_table(
        "flow_late",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.Column("n", KEY, nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_flow_late"),
        sqlite_with_rowid=False,
    )


def _create_attribution_month() -> None:
    key = [
        "close_id",
        "month",
        "material_id",
        "generator_id",
        "year",
        "basis",
        "fate",
        "route_id",
        "evidence",
    ]
    op.create_table(
        "attribution_month",
        sa.Column("close_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("generator_id", KEY, nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("basis", sa.String(length=10), nullable=False),
        sa.Column("fate", sa.String(length=20), nullable=False),
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_attribution_month"),
        sqlite_with_rowid=False,
    )
