"""The roll-up by material and month, a version for each of them, and stamps of what is read whole.

Reports read whole months of a material and keep them by version, so `flow_month` is ordered by
material and month and needs no second index; `check` proves its references.  Versions and stamps
are random: equal ones mean equal rows, also in another database or a restored copy.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = "material_id, month, source_id, target_id, route_id, evidence"
OLD_COLUMNS = "month, source_id, target_id, material_id, route_id, evidence"
RANDOM_BITS = 62


def upgrade() -> None:
    """Rewrite `flow_month` in its new order; every month of a material gets a version."""
    _set_aside()
    _create_flow_month(COLUMNS)
    _fill_and_drop(COLUMNS)
    op.drop_table("rollup_version")
    versions = op.create_table(
        "rollup_month",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name="fk_rollup_month_material_id"
        ),
        sa.PrimaryKeyConstraint("material_id", "month", name="pk_rollup_month"),
    )
    months = op.get_bind().execute(
        sa.text("SELECT DISTINCT material_id, month FROM flow_month ORDER BY material_id, month")
    )
    op.bulk_insert(
        versions,
        [
            {"material_id": row.material_id, "month": row.month, "version": _random()}
            for row in months
        ],
    )
    stamps = op.create_table(
        "stamp",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stamp"),
    )
    op.bulk_insert(stamps, [{"name": name, "version": _random()} for name in ("place", "registry")])


def downgrade() -> None:
    """Back to one order by month, two indices, and a version per material."""
    op.drop_table("stamp")
    op.drop_table("rollup_month")
    _set_aside()
    _create_flow_month(
        OLD_COLUMNS,
        sa.ForeignKeyConstraint(["material_id"], ["material.id"], name="fk_flow_month_material_id"),
        sa.ForeignKeyConstraint(["source_id"], ["place.id"], name="fk_flow_month_source_id"),
        sa.ForeignKeyConstraint(["target_id"], ["place.id"], name="fk_flow_month_target_id"),
    )
    _fill_and_drop(OLD_COLUMNS)
    for end in ("source", "target"):
        columns = [f"{end}_id", "material_id", "month"]
        op.create_index(f"ix_flow_month_{end}", "flow_month", columns, unique=False)
    op.create_table(
        "rollup_version",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name="fk_rollup_version_material_id"
        ),
        sa.PrimaryKeyConstraint("material_id", name="pk_rollup_version"),
    )
    op.execute(
        "INSERT INTO rollup_version (material_id, version) "
        "SELECT DISTINCT material_id, 1 FROM flow_month"
    )


def _set_aside() -> None:
    """Rename the table; on PostgreSQL its key keeps its name otherwise, which must be free."""
    op.rename_table("flow_month", "flow_month_old")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE flow_month_old DROP CONSTRAINT pk_flow_month")


def _create_flow_month(key: str, *constraints: sa.ForeignKeyConstraint) -> None:
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
        *constraints,
        sa.PrimaryKeyConstraint(*key.split(", "), name="pk_flow_month"),
        sqlite_with_rowid=False,
    )


def _fill_and_drop(key: str) -> None:
    """Every row in order of the key, so that a month lies together; the indices go with the old."""
    op.execute(
        f"INSERT INTO flow_month ({key}, kg, n) SELECT {key}, kg, n FROM flow_month_old "
        f"ORDER BY {key}"
    )
    op.drop_table("flow_month_old")


def _random() -> int:
    return secrets.randbits(RANDOM_BITS)
