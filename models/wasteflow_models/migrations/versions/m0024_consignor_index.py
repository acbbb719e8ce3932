"""Loads by consignor: lists of a firm find its loads on either side without reading the others."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_shipment_consignor", "shipment", ["consignor_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_shipment_consignor", "shipment")
