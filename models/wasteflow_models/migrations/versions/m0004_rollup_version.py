"""A version per material's roll-up, so that what is computed from it may be kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; books that are there start at version 1."""
    op.create_table(
        "rollup_version",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name="fk_rollup_version_material_id"
        ),
        sa.PrimaryKeyConstraint("material_id", name="pk_rollup_version"),
    )
    op.execute(
        "INSERT INTO rollup_version (material_id, version) "
        "SELECT DISTINCT material_id, 1 FROM flow_month"
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("rollup_version")
