"""Signatures that a published file of loads still owes, until they are written part by part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "signing_due",
        sa.Column("batch_id", KEY, autoincrement=False, nullable=False),
        sa.Column("shipment_id", KEY, autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_signing_due_batch_id_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", "shipment_id", name=op.f("pk_signing_due")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop it; what was not signed by then is signed by sending the file again."""
    op.drop_table("signing_due")
