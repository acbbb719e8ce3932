"""Which carrier has handed which load over, by carrier: it stood in the details of events alone."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HANDED_OVER = 5
"""Number of the kind of event."""


def upgrade() -> None:
    """Make the table and fill it from the events."""
    table = op.create_table(
        "load_handed",
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("shipment_id", KEY, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("carrier", "shipment_id", name=op.f("pk_load_handed")),
        sqlite_with_rowid=False,
    )
    told = op.get_bind().execute(
        sa.text(
            "SELECT a.shipment_id, a.details FROM event_actor a JOIN event e "
            "ON e.shipment_id = a.shipment_id AND e.seq = a.seq "
            f"WHERE e.kind = {_HANDED_OVER} AND a.details <> '' ORDER BY a.shipment_id, a.seq"
        )
    )
    pairs = {(json.loads(details).get("from") or "", key) for key, details in told}
    rows = [{"carrier": name, "shipment_id": key} for name, key in sorted(pairs) if name]
    if rows:
        op.bulk_insert(table, rows)


def downgrade() -> None:
    """Drop it; the events say the same."""
    op.drop_table("load_handed")
