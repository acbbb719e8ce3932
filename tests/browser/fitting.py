"""Whether an open page fits the screens it may be looked at on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from playwright.sync_api import Page

WIDTHS: Final = (390, 768, 1440)
"""A phone, a tablet and a desk."""
PAINTED: Final = (
    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
)
"""Waits for the next frame but one: a page may answer to its new width before it is painted."""


def too_wide(page: Page, widths: Iterable[int] = WIDTHS) -> list[str]:
    """Where the page that is open is wider than its screen, tried at one width after the other."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(PAINTED)
        there = page.evaluate("document.documentElement.scrollWidth")
        if there > width:
            found.append(f"{there} px at {width}: {page.url}")
    return found
