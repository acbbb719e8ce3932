"""Saved scenarios."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scenario",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("base", sa.String(length=20), nullable=False),
        sa.Column("material", sa.String(length=80), nullable=False),
        sa.Column("years", sa.SmallInteger(), nullable=False),
        sa.Column("fill", sa.Boolean(), nullable=False),
        sa.Column("blocks", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
        sa.UniqueConstraint("uid", name=op.f("uq_scenario_uid")),
    )
    op.create_index(op.f("ix_scenario_scope"), "scenario", ["scope"])


def downgrade() -> None:
    """Drop the table with the scenarios in it."""
    op.drop_table("scenario")
