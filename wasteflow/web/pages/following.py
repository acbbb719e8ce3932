"""Pages whose figures take seconds with large books: the page first, its figures after it.

The same address with `parts=all` is the whole page; `static/parts.js` takes the slot from it, and
a browser without scripts is given it as a link.
"""

from __future__ import annotations

from collections.abc import Hashable

from flask import request

from wasteflow.services.reports import Overview
from wasteflow.web.answers import known, unfinish
from wasteflow.web.pages.overview import SMALL_PLACES
from wasteflow.web.pages.tables import wants_file


def follows(held: Overview, key: Hashable) -> bool:
    """Whether what `once` keeps under a key is shown after the page: large books, not made yet."""
    whole = held.places <= SMALL_PLACES or request.args.get("parts") == "all" or wants_file()
    if whole or known(key) is not None:
        return False
    unfinish()
    return True
