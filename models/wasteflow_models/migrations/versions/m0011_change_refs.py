"""Changes name records whose public name is longer than an id: output of a product, a close."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SHORT = 80


def upgrade() -> None:
    """Let the name of a record be of any length."""
    with op.batch_alter_table("change") as table:
        table.alter_column("ref", existing_type=sa.String(SHORT), type_=sa.Text(), nullable=False)


def downgrade() -> None:
    """Back to 80 characters; changes with longer names, which nobody could write before, go."""
    op.execute(sa.text(f"DELETE FROM change WHERE length(ref) > {SHORT}"))
    with op.batch_alter_table("change") as table:
        table.alter_column("ref", existing_type=sa.Text(), type_=sa.String(SHORT), nullable=False)
