"""Alembic environment: runs on the connection handed over by `wasteflow_models.migrate`."""

from __future__ import annotations

from alembic import context

import wasteflow_models.accounts
import wasteflow_models.apart
import wasteflow_models.api
import wasteflow_models.closes
import wasteflow_models.jobs
import wasteflow_models.ledger
import wasteflow_models.live
import wasteflow_models.outlines
import wasteflow_models.registry
import wasteflow_models.signing_due
import wasteflow_models.statements  # noqa: F401  (tables must be known)
from wasteflow_models.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
