"""Alembic scripts; run through `wasteflow_models.migrate`."""
