"""The books as reported at a close: what a page says above its figures, beside today's.

The figures come from the reports; here they are only put side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wasteflow.core.periods import month_from_text
from wasteflow.web.formats import NONE, count, mass, month_words, percent
from wasteflow.web.pages.view import View
from wasteflow.web.texts import lang, name_of, text

NAMED = 6
"""Firms named that have not closed the month; the rest is counted."""


class Compared(Struct, frozen=True):
    """A figure as reported and as it is today, in words; `change` is "" where they agree.

    `then` is "" where only the change says something.
    """

    label: str
    then: str
    now: str
    change: str


class Banner(Struct, frozen=True):
    """What stands above figures as reported: the month, who had not closed it, today's figures."""

    month: str
    missing: tuple[str, ...]
    missing_more: int
    figures: tuple[Compared, ...]

    @property
    def changed(self) -> bool:
        """True if a figure is another one today."""
        return any(item.change for item in self.figures)


def banner_of(view: View, report: Mapping[str, Any], figures: Sequence[Compared]) -> Banner | None:
    """The banner of a report as of a month, None for a report of today."""
    held = report.get("as_reported")
    if not held:
        return None
    firms = view.registry.enterprises
    seen = [code for code in held["not_closed"] if view.opens(f"enterprise:{code}")]
    missing = [name_of(firms[code]) for code in seen]
    return Banner(
        month_words(month_from_text(held["month"]), lang()),
        tuple(missing[:NAMED]),
        max(0, len(missing) - NAMED),
        tuple(figures),
    )


def compare_rate(label: str, then: float | None, now: float | None) -> Compared:
    """A rate (fractions) and its change in percentage points."""
    change = ""
    if then is not None and now is not None and round(now - then, 9):
        points = (now - then) * 100
        size = f"{abs(points):.1f}" if abs(points) >= 0.05 else "<0.1"
        change = text("reported.points", sign=_sign(points), size=size)
    elif (then is None) != (now is None):
        change = text("reported.other")
    return Compared(label, _percent(then), _percent(now), change)


def compare_kg(label: str, then: int | None, now: int | None) -> Compared:
    """A mass in kilograms and its change."""
    change = ""
    if then is not None and now is not None and then != now:
        change = f"{_sign(now - then)}{_mass(abs(now - then))}"
    elif (then is None) != (now is None):
        change = text("reported.other")
    return Compared(label, _mass(then), _mass(now), change)


def compare_count(label: str, whole: int, changed: int) -> Compared:
    """How many of several figures are others today."""
    change = text("reported.of", changed=count(changed), whole=count(whole)) if changed else ""
    return Compared(label, "", "", change)


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{percent(value)} %"


def _mass(kg: int | None) -> str:
    if kg is None:
        return NONE
    amount = mass(kg, lang())
    return f"{amount.number} {amount.unit}"


def _sign(number: float) -> str:
    return "+" if number > 0 else "−"
