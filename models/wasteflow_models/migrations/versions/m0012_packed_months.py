"""Months of the roll-up in a second form that is read at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; it fills itself."""
    op.create_table(
        "flow_packed",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("material_id", "month", name="pk_flow_packed"),
    )


def downgrade() -> None:
    """Drop it: everything in it stands in flow_month."""
    op.drop_table("flow_packed")
