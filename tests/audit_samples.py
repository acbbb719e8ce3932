"""Builders of published figures for the auditor's tests; no test and no rule of the auditor."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from wasteflow.core.audit import Audit, Figure


def figure_of(
    amounts: Mapping[str, object],
    decimals: int | None = 1,
    rate: str = "",
    rate_decimals: int | None = None,
    **words: str,
) -> Figure:
    """A figure from amounts as printed; the rate's decimals are those of its print."""
    printed = Decimal(rate) if rate else None
    if printed is not None and rate_decimals is None:
        rate_decimals = -int(printed.as_tuple().exponent)
    return Figure(
        id=words.pop("id", "x"),
        amounts={name: Decimal(str(value)) for name, value in amounts.items()},
        decimals=decimals,
        published_rate=printed,
        rate_decimals=rate_decimals,
        **words,
    )


def codes(audit: Audit) -> list[str]:
    """Codes of the findings."""
    return [finding.code for finding in audit.findings]
