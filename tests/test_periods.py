"""Months and periods: every text of the contract, reporting days in Shanghai, additivity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import (
    Period,
    day_from_text,
    moment_from_text,
    month_from_text,
    month_of_day,
    month_text,
    next_month,
    shanghai_day,
)

years = st.integers(1951, 2099)
months = st.builds(lambda year, month: year * 100 + month, years, st.integers(1, 12))


@given(months, st.integers(-600, 600))
def test_steps_of_months_go_back_the_way_they_came(month: int, steps: int) -> None:
    """Law: next_month is addition on the count of months."""
    there = next_month(month, steps)
    assert 1 <= there % 100 <= 12
    assert next_month(there, -steps) == month
    count = (there // 100 - month // 100) * 12 + there % 100 - month % 100
    assert count == steps


@given(months, st.integers(0, 40))
def test_a_period_survives_its_own_name(first: int, length: int) -> None:
    """Law: the shortest name of two months parses to the same two months."""
    last = next_month(first, length)
    if last >= 210001:
        return
    period = Period.of(first, last)
    assert Period.parse(period.text) == period
    assert Period.parse(f"{month_text(first)}..{month_text(last)}") == period
    found = list(period.months())
    assert (found[0], found[-1], len(found)) == (first, last, length + 1)
    assert all(next_month(a) == b for a, b in pairwise(found))


@given(years)
def test_parts_of_a_year_add_up_to_it(year: int) -> None:
    """Law: twelve months, four quarters and two halves each cover the year once."""
    whole = list(Period.parse(str(year)).months())
    for parts in (
        [f"{year}-{month:02d}" for month in range(1, 13)],
        [f"{year}Q{quarter}" for quarter in range(1, 5)],
        [f"{year}H1", f"{year}H2"],
    ):
        assert [month for part in parts for month in Period.parse(part).months()] == whole


@pytest.mark.parametrize(
    ("text", "name", "first", "last"),
    [
        ("2024", "2024", 202401, 202412),
        ("2024h2", "2024H2", 202407, 202412),
        (" 2024Q3 ", "2024Q3", 202407, 202409),
        ("2024-07", "2024-07", 202407, 202407),
        ("2024-01..2024-12", "2024", 202401, 202412),
        ("2024-04..2024-06", "2024Q2", 202404, 202406),
        ("2024-05..2024-05", "2024-05", 202405, 202405),
        ("2024-11..2025-02", "2024-11..2025-02", 202411, 202502),
    ],
)
def test_period_texts(text: str, name: str, first: int, last: int) -> None:
    assert Period.parse(text) == Period(name, first, last)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "24",
        "2024-13",
        "2024-00",
        "2024Q5",
        "2024H3",
        "2024-1",
        "2024-06..2024-01",
        "1949",
        "2024..2025",
        "2024-01..",
        "..",
        "2101",
        "2024-01-01",
        "2024Q1..2024Q2",
        "二〇二四",
    ),
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Period.parse(text)
    assert caught.value.code == "bad_period"


@pytest.mark.parametrize("text", ["2024-13", "2024", "2024-7", "", "202407", "1949-12"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        month_from_text(text)
    assert caught.value.code == "bad_month"


@given(st.dates(date(1950, 1, 1), date(2100, 12, 31)))
def test_ways_to_write_a_day(day: date) -> None:
    """Law: ISO, slashes, dots and Chinese name the same day, and its noon in Shanghai."""
    year, month, number = day.year, day.month, day.day
    for text in (
        day.isoformat(),
        f"{year}/{month}/{number}",
        f"{year}.{month:02d}.{number:02d}",
        f"{year}年{month}月{number}日",
    ):
        assert day_from_text(text) == day
        assert shanghai_day(moment_from_text(text)) == day
    assert month_from_text(month_text(month_of_day(day))) == month_of_day(day)


@pytest.mark.parametrize("text", ["", "2024-02-30", "2024-13-01", "02.03.2024", "2024", "1949-1-1"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        day_from_text(text)
    assert caught.value.code == "bad_date"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02 08:30", "2024-01-02T08:30:00+08:00"),
        ("2024/1/2 08:30:15", "2024-01-02T08:30:15+08:00"),
        ("2024-01-02T08:30+09:00", "2024-01-02T08:30:00+09:00"),
        ("2024-01-02T00:30Z", "2024-01-02T00:30:00+00:00"),
        ("2024-01-02", "2024-01-02T12:00:00+08:00"),
    ],
)
def test_moments_without_offset_are_shanghai(text: str, expected: str) -> None:
    assert moment_from_text(text).isoformat() == expected


@pytest.mark.parametrize("text", ["", "2024-01-02 25:00", "08:30", "2024-02-30 08:00", "morgen"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        moment_from_text(text)
    assert caught.value.code == "bad_time"


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1)),
    st.integers(-14, 14),
)
def test_the_reporting_day_is_that_of_shanghai_whatever_the_offset(
    at: datetime, hours: int
) -> None:
    """Law: one moment has one reporting day, +08:00, however its offset is written."""
    here = at.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(hours=hours)))
    assert shanghai_day(there) == shanghai_day(here) == (at + timedelta(hours=8)).date()


def test_new_year_falls_at_sixteen_hours_utc() -> None:
    """A load of 16:00 UTC on 31 December belongs to January."""
    before = datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert month_of_day(shanghai_day(before)) == 202412
    assert month_of_day(shanghai_day(before + timedelta(seconds=1))) == 202501
