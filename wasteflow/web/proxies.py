"""As many proxies in front are believed as the setting says."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from wasteflow.web.access import books


def trust(app: Flask) -> None:
    """Believe as many proxies in front as the setting says; none by default."""
    count = books(app).config.accounts.proxies
    if count:
        fixed = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
        app.wsgi_app = fixed  # type: ignore[method-assign]
