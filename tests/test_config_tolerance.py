"""Tolerances out of the environment: percentages, exact, never a dispute below a reason."""

from __future__ import annotations

import pytest

from wasteflow.config import load_config
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance

REASON, DISPUTE = "WASTEFLOW_TOLERANCE_REASON_PCT", "WASTEFLOW_TOLERANCE_DISPUTE_PCT"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, USUAL_TOLERANCE),
        ({REASON: "0.5", DISPUTE: "3"}, Tolerance(500, 3_000)),
        ({REASON: "20"}, Tolerance(20_000, 20_000)),
        ({REASON: "-1", DISPUTE: "many"}, USUAL_TOLERANCE),
        ({DISPUTE: "NaN"}, USUAL_TOLERANCE),
        ({DISPUTE: "101"}, USUAL_TOLERANCE),
    ],
)
def test_tolerances(env: dict[str, str], expected: Tolerance) -> None:
    assert load_config(env).tolerance == expected
