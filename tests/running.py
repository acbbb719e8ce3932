"""Which tests run, and in which order; nothing about what they test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SLOW = "WASTEFLOW_TEST_SLOW"
LONG_FIRST = (
    "browser/test_every_page.py",
    "browser/test_load_life.py",
    "test_benchmarks.py",
    "store/test_killed_imports.py",
    "browser/test_pages.py",
    "store/test_bulk_single.py",
    "cli/test_round_trip.py",
    "browser/test_pages_planning.py",
    "browser/test_journeys.py",
    "api/test_fuzz.py",
    "test_web_answers.py",
    "browser/test_pages_links.py",
    "test_permissions.py",
    "store/test_one_kilogram.py",
    "test_web_planning.py",
    "browser/test_accounts.py",
    "api/test_inert.py",
    "store/test_rates_traced.py",
    "test_web.py",
    "test_load_columns.py",
    "browser/test_charts.py",
    "browser/test_firm.py",
    "store/test_killed_uploads.py",
    "store/test_load_reader.py",
    "store/test_closes.py",
    "store/test_entries.py",
    "cli/test_planning_commands.py",
    "accounts/test_account_rows.py",
)
"""Files of more than about ten seconds, the longest first, those with a browser between others.

Each process takes the next file when it has done its own.  A long one taken last would leave the
others waiting at the end.
"""


def left_out(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests marked `slow`: minutes each, so they run only when asked for by name."""
    if os.environ.get(SLOW) == "1" or "slow" in str(config.option.markexpr):
        return []
    return [item for item in items if item.get_closest_marker("slow")]


def long_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests file by file: those of `LONG_FIRST` as it lists them, then all others as found."""
    rank = {HERE / name: number for number, name in enumerate(LONG_FIRST)}
    return sorted(items, key=lambda item: rank.get(item.path, len(rank)))
