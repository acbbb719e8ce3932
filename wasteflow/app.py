"""The Flask application: wiring of settings, database, pages, health, errors and headers."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from importlib import import_module
from threading import Thread
from typing import Final

from flask import Flask

from wasteflow.config import Config, load_config
from wasteflow.services.housekeeping import Housekeeping
from wasteflow.services.month_sheet import month_sheet
from wasteflow.services.reports import flows_report, overview
from wasteflow.services.standing import warm_today
from wasteflow.services.target_status import targets_report
from wasteflow.services.tracing import warm_tracing
from wasteflow.web import (
    accounts,
    answers,
    api,
    assets,
    bell,
    carried,
    errors,
    health,
    identity,
    late,
    limits,
    outlines_in,
    packing,
    permits,
    security,
    texts,
    uploading,
)
from wasteflow.web.access import READY, Books, books
from wasteflow.web.pages import blueprint
from wasteflow.web.pages.boundaries_pages import blueprint as boundaries_blueprint
from wasteflow.web.pages.exports_pages import blueprint as exports_blueprint
from wasteflow.web.pages.loads_routes import blueprint as loads_blueprint
from wasteflow.web.pages.overview import PARTS
from wasteflow.web.pages.target_page import PARTS as TARGET_PARTS
from wasteflow.web.pages.uploads import blueprint as uploads_blueprint
from wasteflow.web.pages.view import default_period

HOUSEKEEPING_EVERY_S: Final = 2.0


def create_app(config: Config | None = None, *, warm: bool = False) -> Flask:
    """The application for `config` (default: the environment).

    Opens no connection yet, unless `warm`: then tracing and the first page are made ready beside
    the first requests, and webhooks are told of changes as long as the process lives.
    """
    settings = config or load_config()
    app = Flask("wasteflow.web", static_folder=None, template_folder="templates")
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["wasteflow"] = Books(settings)
    app.url_map.strict_slashes = False
    limits.trust_proxies(app)
    identity.install(app)
    security.install(app)
    texts.install(app)
    assets.install(app)
    answers.install(app)
    bell.install(app)
    packing.install(app)
    outlines_in.install(app)
    uploading.install(app)  # before the form token is looked for
    late.install(app)
    carried.install(app)
    permits.install(app)
    errors.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(loads_blueprint)
    app.register_blueprint(uploads_blueprint)
    app.register_blueprint(exports_blueprint)
    app.register_blueprint(boundaries_blueprint)
    api.install(app)
    app.register_blueprint(accounts.blueprint)
    limits.install(app)
    if warm:
        Thread(target=warm_up, args=(app,), name="warm-up", daemon=True).start()
        Thread(target=keep_house, args=(app,), name="housekeeping", daemon=True).start()
    return app


def warm_up(app: Flask) -> None:
    """Trace every material, keep the first pages and what the dearest rest on, load the solver.

    Readiness tells of troubles with the books.
    """
    db = books(app).db
    try:
        warm_tracing(db=db)
        first = ("/", *(f"/overview/part?part={part}" for part in PARTS), "/")
        for path in (*first, *(f"/targets/part?part={part}" for part in TARGET_PARTS), "/targets"):
            with app.test_request_context(path):
                app.full_dispatch_request()
        found = overview(db=db)
        period = default_period(found)
        if found.last and period:
            month_sheet(db=db, month=found.last)
            targets_report(db=db)
            flows_report(db=db, period=period)
        warm_today(db=db)
        import_module("scipy.optimize")  # half a second that the first allocation need not wait
    except Exception:
        logging.getLogger("wasteflow").warning("the first page was not made ready", exc_info=True)


def keep_house(app: Flask) -> None:
    """Tell webhooks of changes, one server process at a time, until the process ends."""
    held = books(app)
    api_config = held.config.api
    rounds = Housekeeping(
        held.db,
        lambda: datetime.now(UTC),
        private=api_config.webhook_private,
        answer_days=api_config.idempotency_days,
        seal_hours=api_config.seal_hours,
        finding_days=api_config.finding_days,
        waits=held.config.waits,
    )
    while True:
        try:
            if held.usable() == READY:
                rounds.round()
        except Exception:
            logging.getLogger("wasteflow").warning("webhooks were not told", exc_info=True)
        time.sleep(HOUSEKEEPING_EVERY_S)
