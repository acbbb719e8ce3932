"""What large imports add to the roll-up is one packed value per month: nothing lies aside any more.

Rows that a published import still had aside become parts; those of one that died go.
"""

from __future__ import annotations

import secrets
from itertools import groupby

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAMES = ("source_id", "target_id", "route_id", "evidence", "kg", "n")
_FORMS = ("<i4", "<i4", "<i4", "<i1", "<i8", "<i8")
"""A part: these columns, one whole column after the other."""


def upgrade() -> None:
    """Pack what lies aside and let go of its table."""
    op.create_table(
        "flow_part",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("material_id", "month", name="pk_flow_part"),
    )
    if op.get_bind().dialect.name == "postgresql":  # numbers do not shrink, and are read often
        op.execute("ALTER TABLE flow_part ALTER COLUMN data SET STORAGE EXTERNAL")
    key = "material_id, month, source_id, target_id, route_id, evidence"
    aside = op.get_bind().execute(
        sa.text(
            f"SELECT {key}, CAST(sum(kg) AS BIGINT), CAST(sum(n) AS BIGINT) FROM flow_staged "
            "WHERE batch_id IN (SELECT id FROM batch WHERE published) "
            f"GROUP BY {key} HAVING sum(kg) <> 0 OR sum(n) <> 0 ORDER BY {key}"
        )
    )
    add = sa.text("INSERT INTO flow_part VALUES (:material, :month, :version, :data)")
    for (material, month), rows in groupby(aside.all(), key=lambda row: (row[0], row[1])):
        columns = zip(*(row[2:] for row in rows), strict=True)
        data = b"".join(
            np.array(column, form).tobytes() for column, form in zip(columns, _FORMS, strict=True)
        )
        told = {"material": material, "month": month, "data": data}
        # At random: a version tells contents apart in whatever database they lie.
        op.get_bind().execute(add, {**told, "version": secrets.randbits(62)})
    op.drop_table("flow_staged")


def downgrade() -> None:
    """Lay parts aside as rows of a published import, which the older program folds."""
    op.create_table(
        "flow_staged",
        *(sa.Column(name, KEY, nullable=False) for name in ("batch_id", "material_id")),
        sa.Column("month", sa.Integer(), nullable=False),
        *(sa.Column(name, KEY, nullable=False) for name in _NAMES[:3]),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, KEY, nullable=False) for name in _NAMES[4:]),
        sa.PrimaryKeyConstraint(
            "batch_id", "material_id", "month", *_NAMES[:4], name="pk_flow_staged"
        ),
        sqlite_with_rowid=False,
    )
    bind = op.get_bind()
    batch = bind.scalar(sa.text("SELECT max(id) FROM batch WHERE published"))
    parts = sa.text("SELECT material_id, month, data FROM flow_part ORDER BY material_id, month")
    for material, month, data in bind.execute(parts).all():
        rows = [
            dict(zip(_NAMES, row, strict=True)) for row in zip(*_columns(bytes(data)), strict=True)
        ]
        add = (
            f"INSERT INTO flow_staged (batch_id, material_id, month, {', '.join(_NAMES)}) VALUES "
            f"({int(batch)}, {int(material)}, {int(month)}, {', '.join(f':{n}' for n in _NAMES)})"
        )
        if rows:
            bind.execute(sa.text(add), rows)
    op.drop_table("flow_part")


def _columns(data: bytes) -> list[list[int]]:
    count = len(data) // sum(np.dtype(form).itemsize for form in _FORMS)
    found, at = [], 0
    for form in _FORMS:
        column = np.frombuffer(data, form, count, at)
        at += column.nbytes
        found.append(column.tolist())
    return found
