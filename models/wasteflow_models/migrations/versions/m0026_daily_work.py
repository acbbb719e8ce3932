"""Daily work that is done, for all processes of a server; whose own file an import of loads was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "daily_work",
        sa.Column("work", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_daily_work")),
    )
    op.create_table(
        "batch_signer",
        sa.Column("batch_id", KEY, autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_batch_signer_batch_id_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch_signer")),
    )


def downgrade() -> None:
    """Drop the tables; loads keep the grades that the files gave them."""
    op.drop_table("batch_signer")
    op.drop_table("daily_work")
