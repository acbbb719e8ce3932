"""The record of an import: what file, when, how many rows, synthetic or not."""

from __future__ import annotations

from datetime import datetime

from wasteflow_models.ledger import BatchRow


def new_batch(
    *,
    kind: str,
    filename: str = "",
    sha256: str = "",
    now: datetime,
    rounded_rows: int = 0,
    rounded_kg: str = "0",
    synthetic: bool = False,
) -> BatchRow:
    """A batch row, written together with what the import records."""
    return BatchRow(
        kind=kind,
        filename=filename[:500],
        sha256=sha256,
        recorded_at=now,
        taken=0,
        completed=0,
        skipped=0,
        rounded_rows=rounded_rows,
        rounded_kg=rounded_kg,
        synthetic=synthetic,
    )
