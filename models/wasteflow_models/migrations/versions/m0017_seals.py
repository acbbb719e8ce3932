"""The seal: one row per seal, its leaves in blocks; the findings list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "seal",
        sa.Column("number", KEY, nullable=False, autoincrement=False),
        sa.Column("prev_head", sa.String(length=64), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("count", KEY, nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("bounds", sa.Text(), nullable=False),
        sa.Column("sealed_at", MOMENT, nullable=False),
        sa.Column("sealed_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_seal"),
        sa.UniqueConstraint("head", name="uq_seal_head"),
    )
    op.create_table(
        "seal_block",
        sa.Column("number", KEY, nullable=False, autoincrement=False),
        sa.Column("block", KEY, nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.SmallInteger(), nullable=False),
        sa.Column("first_id", KEY, nullable=False),
        sa.Column("last_id", KEY, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", "block", name="pk_seal_block"),
    )
    op.create_index("ix_seal_block_first", "seal_block", ["kind", "first_id", "last_id"])
    _findings()


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("enterprise", sa.String(length=80), nullable=False),
        sa.Column("material", sa.String(length=80), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("ref_kind", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("snoozed_at", MOMENT, nullable=True),
        sa.Column("snoozed_by", sa.String(length=80), nullable=False),
        sa.Column("snooze_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint("key", name="uq_finding_key"),
    )
    op.create_index("ix_finding_enterprise", "finding", ["enterprise", "kind"])
    op.create_index("ix_finding_source", "finding", ["source"])
    op.create_table(
        "finding_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("open_loads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_finding_state"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("finding_state")
    op.drop_table("finding")
    op.drop_table("seal_block")
    op.drop_table("seal")
