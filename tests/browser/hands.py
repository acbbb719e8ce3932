"""Clicks of a journey: tried at the other width first, then made at one's own.

A journey made once in each language, one on a phone and one at a desk, is so walked in both
languages at both widths: every button is reached, seen and hit at either, and no page is wider.
"""

from __future__ import annotations

from playwright.sync_api import Locator, ViewportSize

PHONE, DESK = 390, 1440


def press(target: Locator, finger: bool = False) -> None:
    """A click, or a tap of a finger; AssertionError where the other width is overrun."""
    page = target.page
    own = page.viewport_size
    assert own is not None
    there = DESK if own["width"] == PHONE else PHONE
    page.set_viewport_size(ViewportSize(width=there, height=own["height"]))
    target.click(trial=True)
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, (page.url, there)
    page.set_viewport_size(own)
    target.tap() if finger else target.click()
