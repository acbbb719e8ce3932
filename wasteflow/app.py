"""The Flask application: wiring of settings, database, pages, health, errors and headers."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from threading import Event, Lock, Thread
from typing import Any, Final, TypeVar

from flask import Flask

from wasteflow.config import Config, load_config
from wasteflow.core.collecting import collect_seldom, leave_alone
from wasteflow.services.daily_mail import DailyMail
from wasteflow.services.housekeeping import Housekeeping
from wasteflow.services.mailing import MailServer, sender_by
from wasteflow.services.month_sheet import month_sheet
from wasteflow.services.reports import flows_report, overview
from wasteflow.services.standing import warm_today
from wasteflow.services.target_status import targets_report
from wasteflow.services.tracing import warm_tracing
from wasteflow.web import (
    accounts,
    answers,
    assets,
    bell,
    carried,
    errors,
    health,
    identity,
    late,
    outlines_in,
    packing,
    permits,
    proxies,
    security,
    starting,
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
FIRST_PAGE_S: Final = 3.0
"""How long a new process waits for its first request before it makes things ready by itself."""
SHORT_TURN_S: Final = 0.001
"""Turns of threads while it does: a page takes dozens of them, each after one of the warm-up."""
MAIL_EVERY_S: Final = 30.0
_T = TypeVar("_T")
_App = TypeVar("_App", bound="Application")


class Application(Flask):
    """Flask without coroutines: it would ask of every hook of every request whether it is one."""

    def ensure_sync(self, func: _T) -> _T:
        """The function itself."""
        return func


class Beginning(Application):
    """What a new server answers with until the whole application is made: pages, no API.

    Loading the API and the limits of requests is a tenth of a start, and the first page needs
    neither. Whoever sends something or asks the API before they are there waits for them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answered = Event()
        self._making = Lock()
        self._whole: Flask | None = None

    def whole(self) -> Flask:
        """The application with everything, over the same books; made once."""
        with self._making:
            if self._whole is None:
                self._whole = _made(Application, books(self), whole=True)
            return self._whole

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer with the whole application, or without it what can be."""
        page = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        early = self._whole is None and page and not environ["PATH_INFO"].startswith("/api/")
        try:
            if early:
                return super().__call__(environ, start_response)
            return self.whole()(environ, start_response)
        finally:
            self.answered.set()


def create_app(config: Config | None = None, *, warm: bool = False) -> Flask:
    """The application for `config` (default: the environment).

    Opens no connection yet. `warm`: that of a new server, which makes tracing, the API and the
    first page ready after its first answer and tells webhooks of changes as long as it lives.
    """
    held = Books(config or load_config())
    if not warm:
        return _made(Application, held, whole=True)
    app = _made(Beginning, held, whole=False)
    collect_seldom()
    held.warming = True
    Thread(target=_warm_up_after, args=(app,), name="warm-up", daemon=True).start()
    Thread(target=keep_house, args=(app,), name="housekeeping", daemon=True).start()
    mail = daily_mail(held)
    if mail is not None:
        Thread(target=keep_mailing, args=(app, mail), name="mail", daemon=True).start()
    return app


def _made(kind: type[_App], held: Books, *, whole: bool) -> _App:
    app = kind("wasteflow.web", static_folder=None, template_folder="templates")
    starting.install(app)
    app.extensions["wasteflow"] = held
    app.url_map.strict_slashes = False
    proxies.trust(app)
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
    if whole:
        from wasteflow.web.api import resources

        resources.install(app)
    app.register_blueprint(accounts.blueprint)
    if whole:
        from wasteflow.web import limits

        limits.install(app)
    return app


def _warm_up_after(app: Beginning) -> None:
    """Warm up once somebody has the first page, who would share the processor with it."""
    app.answered.wait(FIRST_PAGE_S)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN_S)
    try:
        warm_up(app.whole())
        leave_alone()
    finally:
        books(app).warming = False
        sys.setswitchinterval(usual)


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


def keep_house(app: Beginning) -> None:
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
    app.answered.wait(FIRST_PAGE_S)
    while True:
        try:
            if held.usable() == READY:
                rounds.round()
        except Exception:
            logging.getLogger("wasteflow").warning("webhooks were not told", exc_info=True)
        time.sleep(HOUSEKEEPING_EVERY_S)


def daily_mail(held: Books) -> DailyMail | None:
    """What mails the reminders of the day; None where no mail can leave or it is switched off."""
    smtp, hour = held.config.api.smtp, held.config.api.remind_hour
    if not smtp.usable or hour is None:
        return None
    server = MailServer(smtp.host, smtp.port, smtp.tls, smtp.user, smtp.password, smtp.sender)
    return DailyMail(
        held.db,
        lambda: datetime.now(UTC),
        send=sender_by(server),
        sender=smtp.sender,
        hour=hour,
        site=held.config.api.url,
        lang=held.config.lang,
    )


def keep_mailing(app: Beginning, mail: DailyMail) -> None:
    """Mail reminders in their time, one server process at a time, until the process ends.

    Beside the housekeeping: a mail server that does not answer must not hold up webhooks.
    """
    held = books(app)
    app.answered.wait(FIRST_PAGE_S)
    while True:
        try:
            if held.usable() == READY:
                mail.round()
        except Exception:
            logging.getLogger("wasteflow").warning("reminders were not mailed", exc_info=True)
        time.sleep(MAIL_EVERY_S)
