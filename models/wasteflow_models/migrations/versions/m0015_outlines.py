"""Versions of the outlines of parks, with source, date and licence note."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table; outlines that are there stay in `park.boundary`, without a version."""
    op.create_table(
        "park_outline",
        sa.Column("id", KEY, nullable=False),
        sa.Column("park_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=False),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=True),
        sa.Column("filename", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name=op.f("fk_park_outline_park_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_park_outline")),
        sa.UniqueConstraint("park_id", "number", name=op.f("uq_park_outline_park_id_number")),
    )
    op.create_index(op.f("ix_park_outline_park_id"), "park_outline", ["park_id"])


def downgrade() -> None:
    """Drop the table; the newest outline of each park stays in `park.boundary`."""
    op.drop_table("park_outline")
