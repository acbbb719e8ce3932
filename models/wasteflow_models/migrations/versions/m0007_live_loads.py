"""Loads kept by hand: drafts, who did what, revisions with their answers, the list of changes.

Only tables are added; the words of events grow in the program.  Going down is refused while there
are loads that the program before does not understand (drafts, issued or cancelled loads, events of
the new kinds): it would have to throw them away.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wasteflow.core.errors import WasteflowError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OLD_KINDS = 4
"""Kinds of events the program before knows."""
NEW_STATES = (0, 1, 3, 7)
"""draft, issued, received, cancelled: no file brings them."""


def upgrade() -> None:
    """Add the tables beside the loads."""
    op.create_table(
        "load_draft",
        _key("shipment_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _key("consignor_id"),
        _key("consignee_id"),
        _text("organisation", 80),
        _text("content"),
        _key("created_at"),
        sa.PrimaryKeyConstraint("shipment_id", name="pk_load_draft"),
    )
    for side in ("consignor_id", "consignee_id"):
        op.create_index(f"ix_load_draft_{side}", "load_draft", [side, "shipment_id"])
    op.create_table(
        "event_actor",
        _key("shipment_id"),
        _small("seq"),
        *_who(),
        _text("side", 80),
        _text("channel", 20),
        _text("details"),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name="pk_event_actor"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_actor",
        _key("entry_id"),
        *_who(),
        _text("channel", 20),
        sa.PrimaryKeyConstraint("entry_id", name="pk_entry_actor"),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_entry_actor_entry_id"),
    )
    _create_revisions()
    op.create_table(
        "change",
        sa.Column("id", KEY, nullable=False),
        _key("at"),
        _text("kind", 20),
        _key("record_id"),
        _text("ref", 80),
        _text("action", 40),
        _text("organisations"),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
    )
    op.create_index("ix_change_record_id", "change", ["kind", "record_id"])
    op.create_index("ix_change_at", "change", ["at"])


def _create_revisions() -> None:
    op.create_table(
        "revision",
        _key("shipment_id"),
        _small("number"),
        _key("pending_of", nullable=True),
        _text("status", 10),
        sa.Column("annuls", sa.Boolean(), nullable=False),
        _text("organisation", 80),
        _key("user_id"),
        _key("token_id"),
        *(_text(name) for name in ("reason", "before", "after")),
        _key("proposed_at"),
        _key("closed_at", nullable=True),
        _small("event_seq", nullable=True),
        sa.PrimaryKeyConstraint("shipment_id", "number", name="pk_revision"),
        sa.UniqueConstraint("pending_of", name="uq_revision_pending_of"),
    )
    op.create_table(
        "revision_answer",
        _key("shipment_id"),
        _small("number"),
        _text("organisation", 80),
        _text("answer", 10),
        _key("user_id"),
        _key("token_id"),
        _text("reason"),
        _key("at", nullable=True),
        sa.PrimaryKeyConstraint("shipment_id", "number", "organisation", name="pk_revision_answer"),
    )


def downgrade() -> None:
    """Drop the tables, unless a load would be lost with them."""
    states = ", ".join(map(str, NEW_STATES))
    count = sa.text(
        f"SELECT (SELECT count(*) FROM shipment WHERE state IN ({states})) + "
        f"(SELECT count(*) FROM event WHERE kind >= {OLD_KINDS}) + "
        "(SELECT count(*) FROM revision)"
    )
    left = int(op.get_bind().execute(count).scalar_one())
    if left:
        raise WasteflowError("downgrade_loses_loads", count=left, revision=down_revision)
    for table in ("change", "revision_answer", "revision", "entry_actor", "event_actor"):
        op.drop_table(table)
    op.drop_table("load_draft")


def _key(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, KEY, nullable=nullable, autoincrement=False)


def _small(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.SmallInteger(), nullable=nullable, autoincrement=False)


def _text(name: str, length: int | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=False)


def _who() -> list[sa.Column[object]]:
    return [_key("user_id"), _key("token_id"), _text("organisation"), _text("on_behalf_of", 80)]
