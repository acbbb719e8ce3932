"""Ledger: batch, place, entry, shipment, event and the monthly roll-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables in order of reference."""
    _create_batch()
    _create_place()
    _create_flow_month()
    _create_entry()
    _create_shipment()
    _create_event()


def downgrade() -> None:
    """Drop them, last first."""
    for name in ("event", "shipment", "entry", "flow_month", "place", "batch"):
        op.drop_table(name)


def _create_batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("filename", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("rounded_rows", sa.Integer(), nullable=False),
        sa.Column("rounded_kg", sa.String(length=40), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
    )


def _create_place() -> None:
    op.create_table(
        "place",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("a", KEY, nullable=False),
        sa.Column("b", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_place"),
        sa.UniqueConstraint("kind", "a", "b", name="uq_place_kind_a_b"),
    )


def _create_flow_month() -> None:
    op.create_table(
        "flow_month",
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.Column("n", KEY, nullable=False),
        sa.ForeignKeyConstraint(["material_id"], ["material.id"], name="fk_flow_month_material_id"),
        sa.ForeignKeyConstraint(["source_id"], ["place.id"], name="fk_flow_month_source_id"),
        sa.ForeignKeyConstraint(["target_id"], ["place.id"], name="fk_flow_month_target_id"),
        sa.PrimaryKeyConstraint(
            "month",
            "source_id",
            "target_id",
            "material_id",
            "route_id",
            "evidence",
            name="pk_flow_month",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_flow_month_source", "flow_month", ["source_id", "material_id", "month"], unique=False
    )
    op.create_index(
        "ix_flow_month_target", "flow_month", ["target_id", "material_id", "month"], unique=False
    )


def _create_entry() -> None:
    op.create_table(
        "entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("doc_no", sa.String(length=100), nullable=False),
        sa.Column("enterprise_id", KEY, nullable=False),
        sa.Column("facility_id", KEY, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("route_id", KEY, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.Column("input_kg", KEY, nullable=False),
        sa.Column("dry_kg", KEY, nullable=True),
        sa.Column("basis", sa.String(length=3), nullable=False),
        sa.Column("moisture", sa.Integer(), nullable=True),
        sa.Column("weighed", sa.String(length=10), nullable=False),
        sa.Column("compartment", sa.String(length=4), nullable=False),
        sa.Column("generator_id", KEY, nullable=True),
        sa.Column("year_generated", sa.SmallInteger(), nullable=True),
        sa.Column("from_use", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("book_kg", KEY, nullable=True),
        sa.Column("difference_kg", KEY, nullable=False),
        sa.Column("reverses_id", KEY, nullable=True),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("content", KEY, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kg >= 0", name="ck_entry_kg_not_negative"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_entry_batch_id"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_entry_enterprise_id"
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_entry_facility_id"),
        sa.ForeignKeyConstraint(["generator_id"], ["enterprise.id"], name="fk_entry_generator_id"),
        sa.ForeignKeyConstraint(["material_id"], ["material.id"], name="fk_entry_material_id"),
        sa.ForeignKeyConstraint(["reverses_id"], ["entry.id"], name="fk_entry_reverses_id"),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name="fk_entry_route_id"),
        sa.PrimaryKeyConstraint("id", name="pk_entry"),
        sa.UniqueConstraint("enterprise_id", "doc_no", name="uq_entry_enterprise_id_doc_no"),
        sa.UniqueConstraint("reverses_id", name="uq_entry_reverses_id"),
        sa.UniqueConstraint("uid", name="uq_entry_uid"),
    )
    op.create_index(
        "ix_entry_place", "entry", ["enterprise_id", "material_id", "day"], unique=False
    )


def _create_shipment() -> None:
    op.create_table(
        "shipment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("doc_no", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("consignor_id", KEY, nullable=False),
        sa.Column("consignee_id", KEY, nullable=False),
        sa.Column("holder_id", KEY, nullable=False),
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column(
            "parent_consignee_id",
            KEY,
            nullable=True,
        ),
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("from_facility_id", KEY, nullable=True),
        sa.Column("to_facility_id", KEY, nullable=True),
        sa.Column("from_outside", sa.Boolean(), nullable=False),
        sa.Column("to_outside", sa.Boolean(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("vehicle", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("dispatch_content", KEY, nullable=False),
        sa.Column("receipt_content", KEY, nullable=True),
        *_status_columns(),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_shipment_batch_id"),
        sa.ForeignKeyConstraint(
            ["consignee_id"], ["enterprise.id"], name="fk_shipment_consignee_id"
        ),
        sa.ForeignKeyConstraint(
            ["consignor_id"], ["enterprise.id"], name="fk_shipment_consignor_id"
        ),
        sa.ForeignKeyConstraint(
            ["from_facility_id"], ["facility.id"], name="fk_shipment_from_facility_id"
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["enterprise.id"], name="fk_shipment_holder_id"),
        sa.ForeignKeyConstraint(["material_id"], ["material.id"], name="fk_shipment_material_id"),
        sa.ForeignKeyConstraint(
            ["parent_consignee_id"], ["enterprise.id"], name="fk_shipment_parent_consignee_id"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["shipment.id"], name="fk_shipment_parent_id"),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name="fk_shipment_route_id"),
        sa.ForeignKeyConstraint(
            ["to_facility_id"], ["facility.id"], name="fk_shipment_to_facility_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shipment"),
        sa.UniqueConstraint("consignor_id", "doc_no", name="uq_shipment_consignor_id_doc_no"),
        sa.UniqueConstraint("uid", name="uq_shipment_uid"),
    )
    _index_shipment()


def _status_columns() -> list[sa.Column[object]]:
    """The cache of the fold of a shipment's events."""
    return [
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("dispatched_month", sa.Integer(), nullable=False),
        sa.Column("dispatched_kg", KEY, nullable=False),
        sa.Column("received_month", sa.Integer(), nullable=False),
        sa.Column("received_kg", KEY, nullable=False),
        sa.Column("accepted_kg", KEY, nullable=False),
        sa.Column("refused_kg", KEY, nullable=False),
        sa.Column("lost_month", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
    ]


def _index_shipment() -> None:
    op.create_index(
        "ix_shipment_consignee",
        "shipment",
        ["consignee_id", "material_id", "received_month"],
        unique=False,
    )
    op.create_index(
        "ix_shipment_holder",
        "shipment",
        ["holder_id", "material_id", "dispatched_month"],
        unique=False,
    )
    op.create_index("ix_shipment_parent_id", "shipment", ["parent_id"], unique=False)


def _create_event() -> None:
    op.create_table(
        "event",
        sa.Column("shipment_id", KEY, nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("kg", KEY, nullable=False),
        sa.Column("input_kg", KEY, nullable=False),
        sa.Column("dry_kg", KEY, nullable=True),
        sa.Column("accepted_kg", KEY, nullable=False),
        sa.Column("refused_kg", KEY, nullable=False),
        sa.Column("basis", sa.String(length=3), nullable=False),
        sa.Column("moisture", sa.Integer(), nullable=True),
        sa.Column("weighed", sa.String(length=10), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_event_batch_id"),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name="fk_event_shipment_id"),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name="pk_event"),
    )
