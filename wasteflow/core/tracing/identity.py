"""The proof that nothing got lost in tracing: every origin and every place closes.

For every origin (generator, year) at any month end: generated (and opening) = used + disposed +
dumped + lost + outside + weighing loss + stocktake loss + settled + stock anywhere (paper 6,
section 3, corollary).  Cut at 31 December this is the official balance identity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wasteflow.core.tracing.forward import forward
from wasteflow.core.tracing.yearpass import Operators, YearPass

TOLERANCE_KG = 0.5
"""Float error is below 1e-6 kg at 2,000 enterprises; anything near a kilogram is a fault."""


class Residual(NamedTuple):
    """What does not close: month, `origin` or `place`, its key, kilograms missing (signed)."""

    month: int
    what: str
    key: str
    kg: float


def check_identity(
    operators: Operators, passed: YearPass, tolerance_kg: float = TOLERANCE_KG
) -> list[Residual]:
    """Residuals above the tolerance, month by month; [] when the tracing is sound."""
    chain = operators.chain
    found: list[Residual] = []
    known = np.zeros(len(chain.origins))
    for step in forward(operators, passed):
        system = step.system
        for part in (system.opened, system.sources):
            np.add.at(known, part.origin, part.kg)
        gone = np.flatnonzero(system.moves.target < 0)
        exits = step.grouped(gone, np.zeros(len(gone), np.int64), 1)
        known -= np.asarray(exits.sum(axis=0)).ravel()
        closing = step.closing()
        missing = known - np.asarray(closing.sum(axis=0)).ravel()
        for number in np.flatnonzero(np.abs(missing) > tolerance_kg).tolist():
            key = chain.origins[number].key
            found.append(Residual(system.month, "origin", key, float(missing[number])))
        book = np.where(system.circulating, 0, system.closing)
        missing = book - np.asarray(closing.sum(axis=1)).ravel()
        for number in np.flatnonzero(np.abs(missing) > tolerance_kg).tolist():
            key = chain.places[number].key
            found.append(Residual(system.month, "place", key, float(missing[number])))
    return found
