"""The events a new load begins with: its dispatch and, if it has arrived, its decision.

One statement makes them from headers and from the weights that are not plain wet kilograms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wasteflow_models.sql_rows import literal, plain

EVENT_COLUMNS = (
    "shipment_id, seq, batch_id, kind, at, booked_month, kg, input_kg, dry_kg, accepted_kg, "
    "refused_kg, basis, moisture, weighed, evidence, reason, recorded_at"
)
WEIGHT_COLUMNS = {
    "id": "BIGINT",
    "input_kg": "BIGINT",
    "dry_kg": "BIGINT",
    "moisture": "BIGINT",
    "basis": "SMALLINT",
    "weighed": "SMALLINT",
    "r_input_kg": "BIGINT",
    "r_dry_kg": "BIGINT",
    "r_moisture": "BIGINT",
    "reason": "TEXT",
}
"""Columns of the table of weights that events are made with."""


def weights_in_statement(weights: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """`load_weight` as part of the statement, for a few loads; and the reasons it names."""
    count = len(weights["id"])
    rows = [
        {name: column if isinstance(column, (int, str)) else plain(column)[row]
         for name, column in weights.items()}
        for row in range(count)
    ]  # fmt: skip
    reasons = {f"reason_{number}": str(row["reason"]) for number, row in enumerate(rows)}
    selects = [
        ", ".join(
            f"CAST({f':reason_{number}' if name == 'reason' else literal(row[name])} AS {kind})"
            for name, kind in WEIGHT_COLUMNS.items()
        )
        for number, row in enumerate(rows)
    ]
    nothing = ", ".join(f"CAST(NULL AS {kind})" for kind in WEIGHT_COLUMNS.values())
    body = " UNION ALL ".join(f"SELECT {part}" for part in selects)
    names = ", ".join(WEIGHT_COLUMNS)
    return f"WITH load_weight ({names}) AS ({body or f'SELECT {nothing} WHERE 1 = 0'}) ", reasons


EVENT_SOURCES = (
    "dispatched_at",
    "dispatched_month",
    "dispatched_kg",
    "received_at",
    "received_month",
    "received_kg",
    "accepted_kg",
    "refused_kg",
    "evidence",
)
"""Columns of a load that its events are made of."""


def events_from(loads: str, weights: str, joined: str) -> str:
    """Statement that makes the dispatch and the decision of loads; their kinds are 0 and 1.

    loads: a table or query with `id` and `EVENT_SOURCES`, called s; weights: one with the columns
    `WEIGHT_COLUMNS`, called w, joined to it on `joined`.  Parameters `batch` and `now`.
    """
    return f"""
INSERT INTO event ({EVENT_COLUMNS})
SELECT s.id, k.seq, :batch, k.seq - 1,
  CASE k.seq WHEN 1 THEN s.dispatched_at ELSE s.received_at END,
  CASE k.seq WHEN 1 THEN s.dispatched_month ELSE s.received_month END,
  CASE k.seq WHEN 1 THEN s.dispatched_kg ELSE s.received_kg END,
  CASE k.seq WHEN 1 THEN w.input_kg ELSE w.r_input_kg END,
  CASE k.seq WHEN 1 THEN w.dry_kg ELSE w.r_dry_kg END,
  CASE k.seq WHEN 1 THEN 0 ELSE s.accepted_kg END,
  CASE k.seq WHEN 1 THEN 0 ELSE s.refused_kg END,
  coalesce(w.basis, 0),
  CASE k.seq WHEN 1 THEN w.moisture ELSE w.r_moisture END,
  coalesce(w.weighed, 0), s.evidence,
  CASE k.seq WHEN 1 THEN '' ELSE coalesce(w.reason, '') END, :now
FROM {loads} s CROSS JOIN (SELECT 1 AS seq UNION ALL SELECT 2) k
LEFT JOIN {weights} w ON {joined}
WHERE (k.seq = 1 OR s.received_month > 0)"""
