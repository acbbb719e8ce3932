"""The Flask application: wiring of settings, database, pages, health, errors and headers."""

from __future__ import annotations

import logging
from threading import Thread

from flask import Flask

from wasteflow.config import Config, load_config
from wasteflow.services.tracing import warm_tracing
from wasteflow.web import assets, errors, health, security, texts
from wasteflow.web.access import Books
from wasteflow.web.pages import blueprint


def create_app(config: Config | None = None, *, warm: bool = False) -> Flask:
    """The application for `config` (default: the environment).

    Opens no connection yet, unless `warm`: then tracing is made ready beside the first requests.
    """
    settings = config or load_config()
    app = Flask("wasteflow.web", static_folder=None, template_folder="templates")
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["wasteflow"] = Books(settings)
    app.url_map.strict_slashes = False
    security.install(app)
    texts.install(app)
    assets.install(app)
    errors.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(blueprint)
    if warm:
        books: Books = app.extensions["wasteflow"]
        Thread(target=_warm, args=(books,), name="warm-tracing", daemon=True).start()
    return app


def _warm(books: Books) -> None:
    """Trace every material once, so that the first page need not; readiness tells of troubles."""
    try:
        warm_tracing(db=books.db)
    except Exception:
        logging.getLogger("wasteflow").warning("tracing was not made ready", exc_info=True)
