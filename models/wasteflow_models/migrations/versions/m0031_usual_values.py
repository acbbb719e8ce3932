"""On PostgreSQL, defaults for what nearly all loads have in common: a COPY need not send it."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

USUAL = {
    "shipment": {
        "kind": "0",
        "from_outside": "false",
        "to_outside": "false",
        "trips": "1",
        "mode": "0",
        "vehicle": "''",
        "carrier": "''",
        "handler": "''",
        "ticket_no": "''",
        "remark": "''",
        "lost_month": "0",
        "reversed": "false",
    },
    "event": {"basis": "0", "weighed": "0", "reason": "''"},
}


def upgrade() -> None:
    """Give them, to the partitions too; SQLite is told the values in its statements."""
    _set({table: {name: f"SET DEFAULT {value}" for name, value in columns.items()}
          for table, columns in USUAL.items()})  # fmt: skip


def downgrade() -> None:
    """Take them away again."""
    _set({table: dict.fromkeys(columns, "DROP DEFAULT") for table, columns in USUAL.items()})


def _set(wanted: dict[str, dict[str, str]]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in wanted.items():
        parts = ", ".join(f"ALTER COLUMN {name} {change}" for name, change in columns.items())
        op.execute(f"ALTER TABLE {table} {parts}")
