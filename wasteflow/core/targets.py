"""Policy targets held against the books: status, projection, gap, pace, trajectory (2-domain 1.5).

Pure and exact (fractions, whole kilograms at the end).  The caller brings the terms of a target's
scope and materials for the months `months_needed` names; nothing is read here.

* `actual` is the year to date; `projected` adds to it what the months left bring at the pace of the
  last 12 months, or of the year so far where the books are younger.
* `met`: reached now and still reached at the year's end; `on_course`: the projection reaches it;
  `at_risk`: the projection falls short by at most 5 points (a rate) or 5 % (an amount; of the
  year's generation where the target is zero), or by more although it is reached now; else `behind`.
  A year that is over is met or behind.  Red: behind two months running.
* `keep` is "not worse than"; without a value it keeps the baseline.
* A target of a later year is held against its trajectory, the straight line from the baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.formulas import Rate, Terms
from wasteflow.core.periods import Period, next_month
from wasteflow.core.registry import Registry, Target
from wasteflow.core.target_values import (
    QUALITATIVE,
    RATE_TERMS,
    YEAR_MONTHS,
    Standing,
    goal_of,
    is_amount,
    is_ceiling,
    projected_terms,
    sum_of,
    trajectory_of,
    value_of,
)
from wasteflow.core.units import tonnes_text

MET, ON_COURSE, AT_RISK, BEHIND = "met", "on_course", "at_risk", "behind"
REFERENCE_LINE, NO_DATA = "reference_line", "no_data"
YEAR_NOT_BEGUN = "year_not_begun"
SHORT_AHEAD = "reached_now_short_ahead"
NEAR: Final = Fraction(5, 100)


class Verdict(Struct, frozen=True):
    """A target held against the books; rates are fractions, amounts kilograms, both exact.

    `goal` is the target's own value, `milestone` what the running year is held against where that
    differs.  `status` is None where nothing is judged (`reason`).
    """

    target: Target
    measured: str
    goal: Fraction | None = None
    milestone: Fraction | None = None
    trajectory: tuple[tuple[int, Fraction], ...] = ()
    actual: Fraction | None = None
    projected: Fraction | None = None
    status: str | None = None
    red: bool = False
    gap_kg: int | None = None
    needed_pace_kg: int | None = None
    reference_line: bool = False
    reason: str = ""
    notes: tuple[str, ...] = ()


# --- which months and which firms ------------------------------------------------------------


def measured_year(target: Target, as_of: int) -> int:
    """The year a target is measured in at the end of month `as_of`: its own, or the running one."""
    running = as_of // 100
    return running if target.year is None else min(target.year, running)


def months_needed(target: Target, as_of: int) -> tuple[int, ...]:
    """Months (yyyymm) whose `Standing` the evaluation reads, the last one first.

    >>> months_needed(Target("t", "all", (), "official", year=2026), 202607)
    (202607, 202606)
    >>> months_needed(Target("t", "all", (), "official", year=2025), 202607)
    (202512,)
    """
    year = measured_year(target, as_of)
    if year < as_of // 100:
        return (year * 100 + YEAR_MONTHS,)
    return (as_of,) if as_of % 100 == 1 else (as_of, as_of - 1)


def to_date_period(month: int) -> Period:
    """January..month, the period of `Standing.to_date`."""
    return Period.of(month // 100 * 100 + 1, month)


def last_year_period(month: int) -> Period:
    """The 12 months that end with `month`, the period of `Standing.last_year`."""
    return Period.of(next_month(month, 1 - YEAR_MONTHS), month)


def target_materials(target: Target, registry: Registry) -> frozenset[str]:
    """Codes of the materials of a target; "*" or none given means every waste."""
    if not target.materials or "*" in target.materials:
        return frozenset(code for code, item in registry.materials.items() if item.is_waste)
    return frozenset(target.materials)


def is_reference(target: Target, *, covered: bool = False) -> bool:
    """True if the target is wider than the books: drawn, not judged.

    covered: the caller knows the books to hold the whole scope.  One enterprise is covered by its
    own ledger; anything wider needs `coverage_complete`.
    """
    if target.metric == QUALITATIVE:
        return False
    return not (target.coverage_complete or covered or target.scope.startswith("enterprise:"))


# --- judgement -------------------------------------------------------------------------------


def evaluate(
    target: Target, standings: Mapping[int, Standing], *, as_of: int, covered: bool = False
) -> Verdict:
    """A target at the end of month `as_of`, from the standings of `months_needed`.

    covered: see `is_reference`.  Never raises; what cannot be judged says why in `reason`:
    `qualitative`, `reference_line`, `no_target_value`, `bad_target_value`, `year_not_begun`,
    `no_data`, or the reason of the formula or standing.
    """
    months = months_needed(target, as_of)
    verdict = Verdict(target, to_date_period(months[0]).text)
    if target.metric == QUALITATIVE:
        return replace(verdict, reason=QUALITATIVE)
    goal, missing = goal_of(target)
    verdict = replace(
        verdict,
        goal=goal,
        trajectory=trajectory_of(target, goal),
        reference_line=is_reference(target, covered=covered),
    )
    standing = standings.get(months[0])
    if standing is None or standing.to_date is None:
        unknown = NO_DATA if standing is None else standing.reason or NO_DATA
        return replace(verdict, reason=REFERENCE_LINE if verdict.reference_line else unknown)
    actual, projected = _values(target, standing)
    verdict = replace(verdict, actual=actual.value, projected=projected.value, notes=standing.notes)
    held = _held_against(target, goal, verdict.trajectory, months[0] // 100)
    reason = ""
    if verdict.reference_line:
        reason = REFERENCE_LINE
    elif held is None:
        reason = missing or YEAR_NOT_BEGUN
    elif projected.value is None:
        reason = projected.not_computable or NO_DATA
    if reason or held is None:
        return replace(verdict, reason=reason)
    judged = _judged(verdict, standing, held, ended=months[0] % 100 == YEAR_MONTHS)
    status = judged.status
    red = status == BEHIND and _behind_before(target, standings, months, as_of, held)
    milestone = held if held != goal else None
    return replace(judged, red=red, milestone=milestone, reason=actual.not_computable or "")


def _values(target: Target, standing: Standing) -> tuple[Rate, Rate]:
    terms, times = projected_terms(standing)
    actual = value_of(target.metric, standing.to_date or Terms())
    return actual, value_of(target.metric, terms, times)


def _held_against(
    target: Target, goal: Fraction | None, line: tuple[tuple[int, Fraction], ...], year: int
) -> Fraction | None:
    """The value the measured year is held against; None if the target says nothing of it."""
    if target.year is None or year >= target.year or target.operator == "keep":
        return goal
    return dict(line).get(year)


def _judged(verdict: Verdict, standing: Standing, held: Fraction, *, ended: bool) -> Verdict:
    """Status, gap and pace of a verdict whose projection is known."""
    target, projected = verdict.target, verdict.projected
    assert projected is not None
    terms, times = projected_terms(standing)
    sign = -1 if is_ceiling(target) else 1
    short = sign * (held - projected)
    now = verdict.actual is not None and sign * (held - verdict.actual) <= 0
    notes = verdict.notes
    if short <= 0:
        status = MET if now else ON_COURSE
    elif not ended and (now or short <= _tolerance(target, held, terms, times)):
        status = AT_RISK
        notes = (*notes, SHORT_AHEAD) if now else notes
    else:
        status = BEHIND
    wanted, reached, so_far = _tonnes_to_go(target, held, standing, projected)
    left = YEAR_MONTHS - standing.month % 100
    pace = None
    if left and is_ceiling(target):
        pace = floor((wanted - so_far) / left)
    elif left:
        pace = ceil(max(Fraction(0), wanted - so_far) / left)
    gap = ceil(max(Fraction(0), sign * (wanted - reached)))
    return replace(verdict, status=status, gap_kg=gap, needed_pace_kg=pace, notes=notes)


def _tolerance(target: Target, held: Fraction, terms: Terms, times: int) -> Fraction:
    """5 points of a rate, 5 % of an amount, 5 % of the year's generation where that is zero."""
    if not is_amount(target.metric):
        return NEAR
    return NEAR * (abs(held) if held else Fraction(terms.generated_kg, times))


def _tonnes_to_go(
    target: Target, held: Fraction, standing: Standing, projected: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    """(wanted at the year's end, projected there, so far) in kilograms.

    For a rate these are kilograms above the line: wanted = target × what stands below the line at
    the projected year's end, so the tonnes missing are taken from the year's own stored waste.
    """
    to_date = standing.to_date or Terms()
    if is_amount(target.metric):
        so_far = value_of(target.metric, to_date).value
        return held, projected, so_far or Fraction(0)
    terms, times = projected_terms(standing)
    above, below = RATE_TERMS[target.metric]
    return (
        held * sum_of(terms, below) / times,
        sum_of(terms, above) / times,
        sum_of(to_date, above),
    )


def _behind_before(
    target: Target,
    standings: Mapping[int, Standing],
    months: tuple[int, ...],
    as_of: int,
    held: Fraction,
) -> bool:
    """True if the target was behind at the end of the month before `as_of` too."""
    if months[0] < as_of:  # the year ended before this month: nothing has changed since
        return True
    earlier = standings.get(months[1]) if len(months) > 1 else None
    if earlier is None or earlier.to_date is None:
        return False
    actual, projected = _values(target, earlier)
    if projected.value is None:
        return False
    before = Verdict(target, "", actual=actual.value, projected=projected.value)
    return _judged(before, earlier, held, ended=False).status == BEHIND


# --- rows ------------------------------------------------------------------------------------


def target_row(verdict: Verdict, verified: Verdict | None = None) -> dict[str, Any]:
    """`targets` of the contract: one row, with what stands beside it.

    Rates are fractions, amounts and tonnes strings.  verified: the same target on the verified
    basis, shown beside, never judged for the declared one.
    """
    target = verdict.target
    shown = _shown(target.metric)
    return {
        "code": target.code,
        "scope": target.scope,
        "materials": list(target.materials),
        "metric": target.metric,
        "operator": target.operator or None,
        "target": shown(verdict.goal),
        "year": target.year,
        "measured": verdict.measured,
        "actual": shown(verdict.actual),
        "projected": shown(verdict.projected),
        "verified_actual": shown(verified.actual) if verified else None,
        "verified_projected": shown(verified.projected) if verified else None,
        "verified_status": verified.status if verified else None,
        "status": verdict.status,
        "red": verdict.red,
        "gap_t": _tonnes(verdict.gap_kg),
        "needed_pace_t_per_month": _tonnes(verdict.needed_pace_kg),
        "milestone": shown(verdict.milestone),
        "trajectory": [{"year": year, "value": shown(value)} for year, value in verdict.trajectory],
        "reference_line": verdict.reference_line,
        "binding": target.binding or None,
        "reason": verdict.reason or None,
        "notes": list(verdict.notes),
        "source": target.source,
    }


def _shown(metric: str) -> Callable[[Fraction | None], str | float | None]:
    """How a value of a metric is written in JSON."""

    def mass(value: Fraction | None) -> str | float | None:
        return None if value is None else tonnes_text(round(value))

    def rate(value: Fraction | None) -> str | float | None:
        return None if value is None else round(float(value), 9)

    return mass if is_amount(metric) else rate


def _tonnes(kg: int | None) -> str | None:
    return None if kg is None else tonnes_text(kg)
