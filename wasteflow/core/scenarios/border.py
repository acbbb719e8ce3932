"""What links that exist take of the quotas of cross-province filings in years ahead; pure.

A filing is worn by the links of today that cross its border before anything new is put on it.  A
link that outlives its filing is kept, since a new one is applied for; the scenario says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wasteflow.core.columns import Ints
from wasteflow.core.periods import Period
from wasteflow.core.scenarios.columns import KeptLinks
from wasteflow.core.symbiosis.books import end_of
from wasteflow.core.symbiosis.filings import Filings
from wasteflow.core.symbiosis.today import Today

ENDED, SHORT = "filing_ended", "filing_short"
"""Remarks: the filing ends before the year does; its quota is less than what crosses under it."""


def crossing(today: Today) -> dict[str, Ints]:
    """Filing → positions of the links of today that cross a border under it."""
    if not today.registry.filings:
        return {}
    filings = Filings(today.registry, end_of(today.period))
    rows: dict[str, list[int]] = {}
    for number, link in enumerate(today.links):
        if link.generator != link.receiver:
            code = filings.of(link.generator, link.receiver, link.material)
            if code:
                rows.setdefault(code, []).append(number)
    return {code: np.array(some, np.int64) for code, some in sorted(rows.items())}


def wear(
    today: Today,
    rows: Mapping[str, Ints],
    links: KeptLinks,
    period: Period,
    quotas: dict[str, int],
) -> list[tuple[str, str]]:
    """Take what crosses in a year ahead out of `quotas`; remarks as (code, filing)."""
    notes = []
    day = end_of(period)
    for code, some in rows.items():
        kg = sum(links.kg[some].tolist())
        ends = today.registry.filings[code].valid_to
        if kg and ends is not None and ends < day:
            notes.append((ENDED, code))
        elif code in quotas:
            if kg > quotas[code]:
                notes.append((SHORT, code))
            quotas[code] = max(0, quotas[code] - kg)
    return notes
