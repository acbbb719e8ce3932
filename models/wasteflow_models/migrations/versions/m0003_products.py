"""Products: output by enterprise, product and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table and its index."""
    op.create_table(
        "product",
        sa.Column("id", KEY, nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("enterprise_id", KEY, nullable=False),
        sa.Column("product", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.Column("p2o5", sa.Integer(), nullable=True),
        sa.Column("take", sa.SmallInteger(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kg > 0", name="ck_product_kg_positive"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_product_batch_id"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_product_enterprise_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product"),
        sa.UniqueConstraint(
            "enterprise_id",
            "product",
            "day",
            "take",
            name="uq_product_enterprise_id_product_day_take",
        ),
    )
    op.create_index("ix_product_month", "product", ["month", "enterprise_id"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("product")
