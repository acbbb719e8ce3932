"""A firm that sends, one that receives, their park: three browsers over small books, for pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import people, web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

FACILITIES = (
    "code,enterprise,park,kind,name,material,route,capacity_t_per_year,status,valid_to\n"
    "f.use,ent.use,park.b,use,缓凝剂线,phosphogypsum,pg_use,100000,operating,\n"
)
BOOKS = (*web_books.REGISTRY, ("facilities", FACILITIES), *web_books.LEDGER)
CAST = ("operator.p1", "operator.use", "park.b", "gate.p1", "driver", "nobody", "admin.use")
NEW = {
    "own": "ent.p1",
    "side": "consignor",
    "partner": "丁建材",
    "material": "phosphogypsum",
    "route": "pg_use",
    "mode": "road",
    "dispatched_t": "31.480",
    "vehicle": "云A·12345",
    "carrier": "快运物流",
    "basis": "wet",
    "weighed": "measured",
}
"""What a clerk of ent.p1 types for 31.48 t to ent.use."""


@contextmanager
def staffed(url: str, cast: Sequence[str] = CAST) -> Iterator[Flask]:
    """The application on a database, with its cast enrolled."""
    made = create_app(Config(url))
    people.enrol(books(made).db, cast)
    yield made
    books(made).db.dispose()


def words(html: str) -> str:
    """Text of a page without tags, single spaces."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip())


@dataclass
class Clerk:
    """One signed-in browser that fills in the forms of the pages as they stand."""

    client: FlaskClient
    html: str = ""
    status: int = 0
    _last: str = field(default="", repr=False)

    def see(self, address: str, status: int = 200) -> str:
        """The words of a page."""
        return words(self.look(address, status))

    def look(self, address: str, status: int = 200) -> str:
        """The page itself."""
        return self._take(self.client.get(address), address, status)

    def _take(self, response: TestResponse, address: str, status: int) -> str:
        self.html, self.status = response.get_data(as_text=True), response.status_code
        self._last = address
        assert self.status == status, (address, self.status, words(self.html)[-600:])
        return self.html

    def hidden(self, action: str) -> dict[str, str]:
        """Hidden fields of the form of the page that goes to `action`."""
        for form in re.findall(r"<form\b.*?</form>", self.html, flags=re.DOTALL):
            if re.search(rf'action="{re.escape(action)}"', form):
                names = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
                return {name: unescape(value) for name, value in names}
        raise AssertionError(f"no form to {action} on {self._last}: {words(self.html)[-500:]}")

    def send(
        self, page: str, action: str, values: Mapping[str, object], status: int = 303
    ) -> TestResponse:
        """Open `page`, fill in its form to `action` and send it."""
        self.look(page)
        return self.again(action, values, status)

    def again(self, action: str, values: Mapping[str, object], status: int = 303) -> TestResponse:
        """Send the form to `action` of the page that is open."""
        data = {**self.hidden(action), **values}
        response = self.client.post(action, data=data)
        self._take(response, action, status)
        return response

    def load(self, step: str, status: int = 303, **more: object) -> str:
        """A new load as far as `step` (draft, issue, dispatch); its address."""
        answer = self.send("/loads/new", "/loads/new", {**NEW, "step": step, **more}, status)
        return answer.headers.get("Location", "")

    def move(self, load: str, move: str, status: int = 303, **values: object) -> TestResponse:
        """Make a move of a load through its form."""
        return self.send(load, f"{load}/{move}", values, status)


def clerk(app: Flask, login: str) -> Clerk:
    """Somebody of the cast at a browser."""
    return Clerk(people.sign_in(app, login))
