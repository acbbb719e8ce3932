"""The months and days of a synthetic ledger, counted from its first day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from msgspec import Struct

from wasteflow.synthetic.dice import Ints


class Calendar(Struct, frozen=True):
    """`months` whole months that end with `last` = (year, month)."""

    months: int
    last: tuple[int, int]

    def month(self, index: int) -> tuple[int, int]:
        """(year, month) of the month with this index; index 0 is the first.

        >>> Calendar(24, (2025, 12)).month(0)
        (2024, 1)
        """
        count = self.last[0] * 12 + self.last[1] - 1 - (self.months - 1 - index)
        return count // 12, count % 12 + 1

    def first_day(self, index: int = 0) -> date:
        """First day of a month; `index` may be `months`, the day after the end."""
        year, month = self.month(index)
        return date(year, month, 1)

    def length(self, index: int) -> int:
        """Days of a month."""
        return (self.first_day(index + 1) - self.first_day(index)).days

    def day_texts(self) -> list[str]:
        """ISO dates of all days in order."""
        first = self.first_day()
        count = (self.first_day(self.months) - first).days
        return [(first + timedelta(days=step)).isoformat() for step in range(count)]

    def month_of_days(self) -> Ints:
        """Index of the month of every day."""
        lengths = [self.length(index) for index in range(self.months)]
        return np.repeat(np.arange(self.months, dtype=np.int64), lengths)
