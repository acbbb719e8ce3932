"""The gallery of `./run screenshots` shows every page there is."""

from __future__ import annotations

from pathlib import Path

from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from tests.browser import gallery_pages as gallery
from wasteflow.app import create_app
from wasteflow.config import Config


def test_every_page_is_in_the_gallery(tmp_path: Path) -> None:
    app = create_app(Config(f"sqlite:///{tmp_path / 'none.sqlite3'}"))
    where = app.url_map.bind("localhost")
    pictured = {page for found in gallery.INSIDE.values() for page, *_ in found}
    for _, address in gallery.pages():
        try:
            pictured.add(where.match(address.partition("?")[0])[0])
        except (NotFound, RequestRedirect):
            assert address in ("/nowhere", gallery.FAULT), address
    there = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.rule.startswith(("/api/v1", "/static", "/vendor"))
    }
    assert there - pictured - gallery.PARTS == set()
    assert there >= gallery.PARTS
