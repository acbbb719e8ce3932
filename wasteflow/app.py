"""The Flask application: wiring of settings, database, pages, health, errors and headers."""

from __future__ import annotations

from flask import Flask

from wasteflow.config import Config, load_config
from wasteflow.web import assets, errors, health, security, texts
from wasteflow.web.access import Books
from wasteflow.web.pages import blueprint


def create_app(config: Config | None = None) -> Flask:
    """The application for `config` (default: the environment). Opens no connection yet."""
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
    return app
