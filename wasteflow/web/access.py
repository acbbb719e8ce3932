"""What a request may reach: the settings and the database, with its state; opens no transaction."""

from __future__ import annotations

from flask import Flask, current_app, g
from werkzeug.exceptions import ServiceUnavailable

from wasteflow.config import Config
from wasteflow.services.reports import Overview, overview
from wasteflow_models import migrate
from wasteflow_models.engine import Database

READY, UNREACHABLE, EMPTY, OUTDATED = "ready", "unreachable", "empty", "outdated"


class Books:
    """Settings and database of one application; remembers once the database was found ready.

    `warming`: a new server that has made nothing ready yet, so that nothing is quick.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.db = Database(config.database_url)
        self._ready = False
        self.warming = False

    def state(self) -> str:
        """READY, or why not: UNREACHABLE, EMPTY (no tables) or OUTDATED (migrations missing)."""
        try:
            found = migrate.current(self.config.database_url)
        except Exception:  # every driver has its own error; which one does not matter here
            return UNREACHABLE
        if found is None:
            return EMPTY
        return READY if found == migrate.head() else OUTDATED

    def usable(self) -> str:
        """Like `state`, but asks the database no more once it was ready."""
        if self._ready:
            return READY
        state = self.state()
        self._ready = state == READY
        return state


def books(app: Flask | None = None) -> Books:
    """The books of an application, by default the current one."""
    found = (app or current_app).extensions["wasteflow"]
    assert isinstance(found, Books)
    return found


def books_seen() -> Overview:
    """Span and registry of the books; kept for the request."""
    if "overview" not in g:
        g.overview = overview(db=books().db)
    held: Overview = g.overview
    return held


def check_database() -> None:
    """503 before any page is tried while the database cannot serve it."""
    if books().usable() != READY:
        raise ServiceUnavailable
