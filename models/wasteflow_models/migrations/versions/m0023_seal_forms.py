"""The form of a seal: those that are there are of form 1, which does not hash keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("seal", sa.Column("form", sa.SmallInteger(), nullable=False, server_default="1"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("seal", "form")
