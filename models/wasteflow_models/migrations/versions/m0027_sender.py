"""SQLite finds the loads of a firm by one index and the table of who ever sent to whom, not by two.

A large import spends a fifth of its time on the second index.  PostgreSQL keeps both and no rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and, on SQLite, fill it and change the indices."""
    op.create_table(
        "sender",
        sa.Column("consignee_id", KEY, autoincrement=False, nullable=False),
        sa.Column("consignor_id", KEY, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("consignee_id", "consignor_id", name=op.f("pk_sender")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sender_consignor", "sender", ["consignor_id"])
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_shipment_link", "shipment", ["consignor_id", "consignee_id"])
        op.execute(
            "INSERT INTO sender (consignee_id, consignor_id) "
            "SELECT DISTINCT consignee_id, consignor_id FROM shipment"
        )
        op.drop_index("ix_shipment_consignor", "shipment")
        op.drop_index("ix_shipment_consignee", "shipment")


def downgrade() -> None:
    """Give every database the two indices again."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_shipment_consignor", "shipment", ["consignor_id"])
        op.create_index("ix_shipment_consignee", "shipment", ["consignee_id"])
        op.drop_index("ix_shipment_link", "shipment")
    op.drop_table("sender")
