"""Kinds of findings and how urgent each is: words alone, quick to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ALERT, WARN, INFO = "alert", "warn", "info"
SEVERITY: Final[Mapping[str, str]] = {
    "negative_stock": ALERT,
    "unbalanced_month": ALERT,
    "stocktake_stale": WARN,
    "missing_confirmation": WARN,
    "duplicate_ticket": ALERT,
    "outlier_load": WARN,
    "load_over_cap": WARN,
    "over_capacity": ALERT,
    "over_quota": ALERT,
    "permit_expired": ALERT,
    "coefficient_off": WARN,
    "conditional_undocumented": WARN,
    "border_unfiled": ALERT,
    "refused_not_returned": WARN,
    "paper_loop": WARN,
    "declared_then_disposed": WARN,
}
"""Kind → severity; the order is that of the list."""
KINDS: Final = tuple(SEVERITY)
SEVERITIES: Final = (ALERT, WARN, INFO)
