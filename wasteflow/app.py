"""The Flask application: wiring of settings, database, pages, health, errors and headers."""

from __future__ import annotations

import logging
from threading import Thread

from flask import Flask

from wasteflow.config import Config, load_config
from wasteflow.services.tracing import warm_tracing
from wasteflow.web import answers, assets, errors, health, packing, security, texts
from wasteflow.web.access import Books, books
from wasteflow.web.pages import blueprint
from wasteflow.web.pages.overview import PARTS


def create_app(config: Config | None = None, *, warm: bool = False) -> Flask:
    """The application for `config` (default: the environment).

    Opens no connection yet, unless `warm`: then tracing and the first page are made ready beside
    the first requests.
    """
    settings = config or load_config()
    app = Flask("wasteflow.web", static_folder=None, template_folder="templates")
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["wasteflow"] = Books(settings)
    app.url_map.strict_slashes = False
    security.install(app)
    texts.install(app)
    assets.install(app)
    answers.install(app)
    packing.install(app)
    errors.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(blueprint)
    if warm:
        Thread(target=warm_up, args=(app,), name="warm-up", daemon=True).start()
    return app


def warm_up(app: Flask) -> None:
    """Trace every material and keep the first page with its parts.

    Readiness tells of troubles with the books.
    """
    try:
        warm_tracing(db=books(app).db)
        for path in ("/", *(f"/overview/part?part={part}" for part in PARTS), "/"):
            with app.test_request_context(path):
                app.full_dispatch_request()
    except Exception:
        logging.getLogger("wasteflow").warning("the first page was not made ready", exc_info=True)
