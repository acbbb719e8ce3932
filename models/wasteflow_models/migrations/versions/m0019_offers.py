"""Offers of wastes, asks for them and proposed links, with their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    _offers()
    _events()


def _offers() -> None:
    op.create_table(
        "exchange_offer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("giver_id", KEY, nullable=True),
        sa.Column("taker_id", KEY, nullable=True),
        sa.Column("giver_ok", sa.Boolean(), nullable=False),
        sa.Column("taker_ok", sa.Boolean(), nullable=False),
        sa.Column("kg", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("base_month", sa.Integer(), nullable=False),
        sa.Column("base_kg", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name=op.f("fk_exchange_offer_material_id")
        ),
        sa.ForeignKeyConstraint(
            ["giver_id"], ["enterprise.id"], name=op.f("fk_exchange_offer_giver_id")
        ),
        sa.ForeignKeyConstraint(
            ["taker_id"], ["enterprise.id"], name=op.f("fk_exchange_offer_taker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_offer")),
        sa.UniqueConstraint("uid", name=op.f("uq_exchange_offer_uid")),
    )
    op.create_index(
        "ix_exchange_offer_state_material_id", "exchange_offer", ["state", "material_id"]
    )
    op.create_index(op.f("ix_exchange_offer_giver_id"), "exchange_offer", ["giver_id"])
    op.create_index(op.f("ix_exchange_offer_taker_id"), "exchange_offer", ["taker_id"])


def _events() -> None:
    op.create_table(
        "exchange_offer_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("offer_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("move", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("enterprise_id", KEY, nullable=True),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["exchange_offer.id"], name=op.f("fk_exchange_offer_event_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_exchange_offer_event_enterprise_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_offer_event")),
        sa.UniqueConstraint(
            "offer_id", "number", name=op.f("uq_exchange_offer_event_offer_id_number")
        ),
    )


def downgrade() -> None:
    """Drop both tables, offers and all."""
    op.drop_table("exchange_offer_event")
    op.drop_table("exchange_offer")
