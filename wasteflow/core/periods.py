"""Months as integers yyyymm and the period texts of the contract (2024, 2024H1, 2024Q3, …).

Reporting days and months are Asia/Shanghai (fixed +08:00 since 1991); no clock is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

from msgspec import Struct

from wasteflow.core.errors import InvalidValue

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MIN_YEAR, MAX_YEAR = 1950, 2100

_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")
_PERIOD = re.compile(r"(\d{4})(?:(H[12])|(Q[1-4])|-(\d{2}))?\Z")


def month_of_day(day: date) -> int:
    """yyyymm of a reporting day."""
    return day.year * 100 + day.month


def shanghai_day(moment: datetime) -> date:
    """The reporting day of a moment with offset."""
    return moment.astimezone(SHANGHAI).date()


def next_month(month: int, steps: int = 1) -> int:
    """The month `steps` after `month` (negative goes back).

    >>> next_month(202612), next_month(202601, -1)
    (202701, 202512)
    """
    index = (month // 100) * 12 + month % 100 - 1 + steps
    return index // 12 * 100 + index % 12 + 1


def month_text(month: int) -> str:
    """ "2026-07" of 202607."""
    return f"{month // 100:04d}-{month % 100:02d}"


def month_from_text(text: str) -> int:
    """202607 of "2026-07"; InvalidValue `bad_month` otherwise."""
    match = _MONTH.match(text.strip())
    if not match or not 1 <= int(match[2]) <= 12 or not MIN_YEAR <= int(match[1]) <= MAX_YEAR:
        raise InvalidValue("bad_month", value=text)
    return int(match[1]) * 100 + int(match[2])


class Period(Struct, frozen=True):
    """Whole months `first`..`last` (yyyymm, inclusive) and the text that names them."""

    text: str
    first: int
    last: int

    def months(self) -> Iterator[int]:
        """Every month of the period in order."""
        month = self.first
        while month <= self.last:
            yield month
            month = next_month(month)

    @classmethod
    def of(cls, first: int, last: int) -> Period:
        """The period of two months, named in the shortest way the contract knows."""
        year, start, end = first // 100, first % 100, last % 100
        if year == last // 100:
            if (start, end) == (1, 12):
                return cls(str(year), first, last)
            if start == end:
                return cls(month_text(first), first, last)
            if (start - 1) % 3 == 0 and end == start + 2:
                return cls(f"{year}Q{(start + 2) // 3}", first, last)
            if (start, end) in {(1, 6), (7, 12)}:
                return cls(f"{year}H{1 if start == 1 else 2}", first, last)
        return cls(f"{month_text(first)}..{month_text(last)}", first, last)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Period of `2024`, `2024H1`, `2024Q3`, `2024-07` or `2024-01..2024-06`.

        >>> Period.parse("2024Q3").first, Period.parse("2024-01..2024-06").text
        (202407, '2024H1')

        Raises InvalidValue `bad_period` with the accepted forms.
        """
        clean = text.strip().upper()
        if ".." in clean:
            left, right = clean.split("..", 1)
            try:
                first, last = month_from_text(left), month_from_text(right)
            except InvalidValue as error:
                raise InvalidValue("bad_period", value=text) from error
            if last < first:
                raise InvalidValue("bad_period", value=text)
            return cls.of(first, last)
        match = _PERIOD.match(clean)
        if not match or not MIN_YEAR <= int(match[1]) <= MAX_YEAR:
            raise InvalidValue("bad_period", value=text)
        year = int(match[1]) * 100
        if match[2]:
            start = 1 if match[2] == "H1" else 7
            return cls.of(year + start, year + start + 5)
        if match[3]:
            start = int(match[3][1]) * 3 - 2
            return cls.of(year + start, year + start + 2)
        if match[4]:
            if not 1 <= int(match[4]) <= 12:
                raise InvalidValue("bad_period", value=text)
            return cls.of(year + int(match[4]), year + int(match[4]))
        return cls.of(year + 1, year + 12)


_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z")


def day_from_text(text: str) -> date:
    """A reporting day from `2026-01-02`, `2026/1/2` or `2026年1月2日`; InvalidValue `bad_date`."""
    match = _DAY.match(text.strip())
    try:
        if match:
            day = date(int(match[1]), int(match[2]), int(match[3]))
            if MIN_YEAR <= day.year <= MAX_YEAR:
                return day
    except ValueError:
        pass
    raise InvalidValue("bad_date", value=text)


def moment_words(at: datetime) -> str:
    """A moment as messages name it: the clock of Asia/Shanghai, seconds only where there are any.

    >>> moment_words(datetime.fromisoformat("2026-11-27T00:00:00+00:00"))
    '2026-11-27 08:00'
    """
    here = at.astimezone(SHANGHAI)
    return here.strftime("%Y-%m-%d %H:%M:%S" if here.second else "%Y-%m-%d %H:%M")


def moment_from_text(text: str) -> datetime:
    """A moment with offset; without one, and for bare dates, Asia/Shanghai (noon for a date).

    >>> moment_from_text("2026-01-02 08:30").isoformat()
    '2026-01-02T08:30:00+08:00'

    Raises InvalidValue `bad_time`.
    """
    clean = text.strip()
    try:
        day = day_from_text(clean)
        return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
    except InvalidValue:
        pass
    try:
        head, _, tail = clean.replace("T", " ").partition(" ")
        if _DAY.match(head):
            hour = tail.strip()
            clean = f"{day_from_text(head).isoformat()}T{'0' + hour if hour[1:2] == ':' else hour}"
        moment = datetime.fromisoformat(clean)
    except (ValueError, InvalidValue) as error:
        raise InvalidValue("bad_time", value=text) from error
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise InvalidValue("bad_time", value=text)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
