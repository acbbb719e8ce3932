"""What is stated once a year: inputs of park indicators, profiles of wastes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "park_input",
        sa.Column("id", KEY, nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("park_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("stated_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("take", sa.SmallInteger(), nullable=False),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_park_input_batch_id"),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name="fk_park_input_park_id"),
        sa.PrimaryKeyConstraint("id", name="pk_park_input"),
        sa.UniqueConstraint(
            "park_id", "name", "year", "take", name="uq_park_input_park_id_name_year_take"
        ),
    )
    op.create_table(
        "waste_profile",
        sa.Column("id", KEY, nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("enterprise_id", KEY, nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("waste_code", sa.String(length=20), nullable=False),
        sa.Column("grade", sa.String(length=8), nullable=False),
        sa.Column("source_step", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("composition", sa.Text(), nullable=False),
        sa.Column("pollution", sa.Text(), nullable=False),
        sa.Column("take", sa.SmallInteger(), nullable=False),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_waste_profile_batch_id"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_waste_profile_enterprise_id"
        ),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name="fk_waste_profile_material_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_waste_profile"),
        sa.UniqueConstraint(
            "enterprise_id",
            "material_id",
            "year",
            "take",
            name="uq_waste_profile_enterprise_id_material_id_year_take",
        ),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("waste_profile")
    op.drop_table("park_input")
