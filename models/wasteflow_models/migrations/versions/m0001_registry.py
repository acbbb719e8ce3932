"""Registry: regions, parks, enterprises, facilities, materials, routes, targets and more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables in order of reference."""
    _create_material()
    _create_region()
    _create_route()
    _create_target()
    _create_coefficient()
    _create_park()
    _create_enterprise()
    _create_facility()
    _create_filing()


def downgrade() -> None:
    """Drop them, last first."""
    for name in (
        "filing",
        "facility",
        "enterprise",
        "park",
        "coefficient",
        "target",
        "route",
        "region",
        "material",
    ):
        op.drop_table(name)


def _create_material() -> None:
    op.create_table(
        "material",
        sa.Column("waste_code", sa.String(length=20), nullable=False),
        sa.Column("waste_class", sa.Text(), nullable=False),
        sa.Column("is_waste", sa.Boolean(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("name_zh", sa.String(length=500), nullable=False),
        sa.Column("name_en", sa.String(length=500), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_material"),
        sa.UniqueConstraint("code", name="uq_material_code"),
    )


def _create_region() -> None:
    op.create_table(
        "region",
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column("name_zh", sa.String(length=500), nullable=False),
        sa.Column("name_en", sa.String(length=500), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name="fk_region_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_region"),
        sa.UniqueConstraint("code", name="uq_region_code"),
    )
    op.create_index("ix_region_parent_id", "region", ["parent_id"], unique=False)


def _create_route() -> None:
    op.create_table(
        "route",
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("fate", sa.String(length=20), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("conditional", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.String(length=500), nullable=False),
        sa.Column("name_en", sa.String(length=500), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_route"),
        sa.UniqueConstraint("code", name="uq_route_code"),
    )


def _create_target() -> None:
    op.create_table(
        "target",
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("metric", sa.String(length=40), nullable=False),
        sa.Column("operator", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("baseline_year", sa.Integer(), nullable=True),
        sa.Column("baseline_value", sa.Text(), nullable=False),
        sa.Column("binding", sa.String(length=20), nullable=False),
        sa.Column("coverage_complete", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_target"),
        sa.UniqueConstraint("code", name="uq_target_code"),
    )


def _create_coefficient() -> None:
    op.create_table(
        "coefficient",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("material_id", KEY, nullable=True),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("low", sa.Text(), nullable=False),
        sa.Column("typical", sa.Text(), nullable=False),
        sa.Column("high", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name="fk_coefficient_material_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coefficient"),
        sa.UniqueConstraint("code", name="uq_coefficient_code"),
    )


def _create_park() -> None:
    op.create_table(
        "park",
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column("region_id", KEY, nullable=True),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("boundary", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.String(length=500), nullable=False),
        sa.Column("name_en", sa.String(length=500), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon_given", sa.Text(), nullable=False),
        sa.Column("lat_given", sa.Text(), nullable=False),
        sa.Column("crs", sa.String(length=10), nullable=False),
        sa.Column("precision_km", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["park.id"], name="fk_park_parent_id"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="fk_park_region_id"),
        sa.PrimaryKeyConstraint("id", name="pk_park"),
        sa.UniqueConstraint("code", name="uq_park_code"),
    )
    op.create_index("ix_park_parent_id", "park", ["parent_id"], unique=False)
    op.create_index("ix_park_region_id", "park", ["region_id"], unique=False)


def _create_enterprise() -> None:
    op.create_table(
        "enterprise",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("park_id", KEY, nullable=True),
        sa.Column("region_id", KEY, nullable=True),
        sa.Column("industry", sa.String(length=500), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.String(length=500), nullable=False),
        sa.Column("name_en", sa.String(length=500), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon_given", sa.Text(), nullable=False),
        sa.Column("lat_given", sa.Text(), nullable=False),
        sa.Column("crs", sa.String(length=10), nullable=False),
        sa.Column("precision_km", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name="fk_enterprise_park_id"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="fk_enterprise_region_id"),
        sa.PrimaryKeyConstraint("id", name="pk_enterprise"),
        sa.UniqueConstraint("code", name="uq_enterprise_code"),
    )
    op.create_index("ix_enterprise_name_en", "enterprise", ["name_en"], unique=False)
    op.create_index("ix_enterprise_name_zh", "enterprise", ["name_zh"], unique=False)
    op.create_index("ix_enterprise_park_id", "enterprise", ["park_id"], unique=False)
    op.create_index("ix_enterprise_region_id", "enterprise", ["region_id"], unique=False)
    op.create_index("ix_enterprise_uscc", "enterprise", ["uscc"], unique=False)


def _create_facility() -> None:
    op.create_table(
        "facility",
        sa.Column("enterprise_id", KEY, nullable=True),
        sa.Column("park_id", KEY, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("routes", sa.Text(), nullable=False),
        sa.Column(
            "capacity_kg_per_year",
            KEY,
            nullable=True,
        ),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon_given", sa.Text(), nullable=False),
        sa.Column("lat_given", sa.Text(), nullable=False),
        sa.Column("crs", sa.String(length=10), nullable=False),
        sa.Column("precision_km", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_facility_enterprise_id"
        ),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name="fk_facility_park_id"),
        sa.PrimaryKeyConstraint("id", name="pk_facility"),
        sa.UniqueConstraint("code", name="uq_facility_code"),
    )
    op.create_index("ix_facility_enterprise_id", "facility", ["enterprise_id"], unique=False)
    op.create_index("ix_facility_park_id", "facility", ["park_id"], unique=False)


def _create_filing() -> None:
    op.create_table(
        "filing",
        sa.Column("from_region_id", KEY, nullable=True),
        sa.Column("to_region_id", KEY, nullable=True),
        sa.Column("enterprise_id", KEY, nullable=True),
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("quota_kg", KEY, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_filing_enterprise_id"
        ),
        sa.ForeignKeyConstraint(["from_region_id"], ["region.id"], name="fk_filing_from_region_id"),
        sa.ForeignKeyConstraint(["to_region_id"], ["region.id"], name="fk_filing_to_region_id"),
        sa.PrimaryKeyConstraint("id", name="pk_filing"),
        sa.UniqueConstraint("code", name="uq_filing_code"),
    )
    op.create_index("ix_filing_enterprise_id", "filing", ["enterprise_id"], unique=False)
