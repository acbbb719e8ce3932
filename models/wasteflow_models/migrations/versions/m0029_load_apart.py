"""Marks of the few loads that are not over, and the months in which a carrier has loads.

Both follow from the loads: what a question reads must not grow with those that are over.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FIRMS = "s.id, s.consignor_id, s.consignee_id FROM shipment s"
_MOVED = (
    "coalesce((SELECT sum(c.dispatched_kg) FROM load_child l JOIN shipment c ON c.id = l.child_id "
    "WHERE l.parent_id = s.id AND NOT c.reversed AND (coalesce(c.batch_id, 0) NOT IN "
    "(SELECT id FROM batch WHERE NOT published) OR c.batch_id = s.batch_id)), 0)"
)
_STEP = 100_000_000


def upgrade() -> None:
    """Make the tables and fill them from the loads: draft is state 0, accepted 4, disputed 4."""
    op.create_table(
        "load_apart",
        sa.Column("mark", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("shipment_id", KEY, autoincrement=False, nullable=False),
        sa.Column("consignor_id", KEY, nullable=False),
        sa.Column("consignee_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("mark", "shipment_id", name=op.f("pk_load_apart")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carrier_month",
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("carrier", "month", name=op.f("pk_carrier_month")),
        sqlite_with_rowid=False,
    )
    into = "INSERT INTO load_apart (mark, shipment_id, consignor_id, consignee_id)"
    op.execute(f"{into} SELECT s.state, {_FIRMS} WHERE s.state NOT IN (0, 4)")
    op.execute(f"{into} SELECT 16, {_FIRMS} WHERE s.evidence = 4")
    op.execute(
        f"{into} SELECT 17, {_FIRMS} WHERE s.refused_kg > 0 AND NOT s.reversed "
        f"AND s.refused_kg > {_MOVED}"
    )
    op.execute(
        f"{into} SELECT 18, s.id, s.holder_id, s.consignee_id FROM shipment s "
        "WHERE s.state <> 0 AND s.holder_id NOT IN (s.consignor_id, s.consignee_id)"
    )
    op.execute(
        "INSERT INTO carrier_month (carrier, month) "
        f"SELECT DISTINCT carrier, id / {_STEP} FROM shipment WHERE carrier <> ''"
    )
    for side in ("consignor", "consignee"):
        columns = [f"{side}_id", "mark", "shipment_id"]
        op.create_index(f"ix_load_apart_{side}", "load_apart", columns)


def downgrade() -> None:
    """Drop them; the loads say the same."""
    op.drop_table("carrier_month")
    op.drop_table("load_apart")
