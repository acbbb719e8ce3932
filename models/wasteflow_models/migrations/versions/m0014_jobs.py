"""Background work: jobs, their files in pieces, and remembered column mappings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _create_job()
    _create_files()
    op.create_table(
        "column_map",
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("header", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organisation", "kind", "header", name=op.f("pk_column_map")),
    )


def downgrade() -> None:
    """Drop the tables; uploads that were not published, and the list of them, are lost."""
    for table in ("column_map", "job_chunk", "job_file", "job"):
        op.drop_table(table)


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=500), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.String(length=60), nullable=False),
        sa.Column("error_params", sa.Text(), nullable=False),
        sa.Column("done", KEY, nullable=False),
        sa.Column("total", KEY, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("heartbeat_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("batch_id", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("uid", name=op.f("uq_job_uid")),
    )
    op.create_index("ix_job_state", "job", ["state", "id"])
    op.create_index("ix_job_owner", "job", ["organisation", "id"])
    op.create_index(op.f("ix_job_expires_at"), "job", ["expires_at"])


def _create_files() -> None:
    op.create_table(
        "job_file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("job_id", KEY, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("filename", sa.String(length=500), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_job_file_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_file")),
        sa.UniqueConstraint("job_id", "role", name=op.f("uq_job_file_job_id_role")),
    )
    op.create_index(op.f("ix_job_file_job_id"), "job_file", ["job_id"])
    op.create_table(
        "job_chunk",
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("seq", KEY, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["job_file.id"], name=op.f("fk_job_chunk_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "seq", name=op.f("pk_job_chunk")),
    )
