"""The findings list before it is shown: brought up to date, or its age told, or begun beside."""

from __future__ import annotations

import logging
from threading import Lock, Thread
from typing import Final

from flask import current_app

from wasteflow.core.errors import WasteflowError
from wasteflow.core.lifecycle import Waits
from wasteflow.services.finding_digests import ListState, list_state
from wasteflow.services.finding_list import refresh_findings
from wasteflow.web.access import books
from wasteflow.web.identity import now
from wasteflow_models.engine import Database

_KEY: Final = "wasteflow_findings_begun"
_begin: Final = Lock()


def list_as_it_stands() -> ListState:
    """Of small books up to date, of large ones as the server last made it.

    Raises WasteflowError `findings_being_made` where it was never made and nobody may wait for it;
    it is then begun beside, unless it was.
    """
    held = books()
    waits = held.config.waits
    refresh_findings(db=held.db, now=now(), waits=waits, small=True)
    state = list_state(db=held.db, now=now())
    if state is None:
        _make_beside(held.db, waits)
        raise WasteflowError("findings_being_made")
    return state


def _make_beside(db: Database, waits: Waits) -> None:
    """Make the list in a thread, of which a process has one; other processes are kept out by turn.

    A server that keeps house would do it by itself; others have nobody else who does.
    """
    with _begin:
        running = current_app.extensions.get(_KEY)
        if running is None or not running.is_alive():
            told = {"db": db, "waits": waits}
            running = Thread(target=_make, kwargs=told, name="findings", daemon=True)
            current_app.extensions[_KEY] = running
            running.start()


def _make(db: Database, waits: Waits) -> None:
    try:
        refresh_findings(db=db, now=now(), waits=waits)
    except Exception:  # asked again, it is begun again
        logging.getLogger("wasteflow").warning("the findings were not made", exc_info=True)
