"""Daily work that is done: once for all processes of a server, whenever they were started."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "daily_work",
        sa.Column("work", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_daily_work")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("daily_work")
