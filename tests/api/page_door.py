"""The door of the pages: rows typed into the forms of entries and loads as a clerk does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from werkzeug.test import TestResponse

from tests import people
from tests.api.conftest import Api
from wasteflow.web.texts import LANG_COOKIE

Row = dict[str, str]
_TOLD = re.compile(
    r'<p class="entry-error" id="[^"]*">(.*?)</p>|<p class="told told-wrong"[^>]*>(.*?)</p>',
    re.DOTALL,
)


@dataclass
class PageDoor:
    """A clerk of ent.p1 at a browser."""

    api: Api

    def __post_init__(self) -> None:
        self._refused: dict[str, set[str]] = {}
        people.enrol(self.api.db, ["operator.p1"])
        self._browser = people.Visitor(people.sign_in(self.api.app, "operator.p1"))
        self._browser.client.set_cookie(LANG_COOKIE, "en")
        self._mark = self._browser.form_token("/account")

    def send(self, address: str, values: Row) -> TestResponse:
        """A form, with the mark of this browser."""
        return self._browser.client.post(address, data={"csrf_token": self._mark, **values})

    def entries(self, rows: list[Row]) -> dict[str, set[str]]:
        """Each row in the form of entries; number → words of the rows that are refused."""
        self._refused = {}
        for row in rows:
            values = {"entry_doc_no" if name == "doc_no" else name: x for name, x in row.items()}
            self._note(row, self.send("/entries/new", {**values, "step": "save"}))
        return self._refused

    def loads(self, rows: list[Row]) -> dict[str, set[str]]:
        """Each row in the form of loads, issued, then on its way by the form of its page."""
        self._refused = {}
        for row in rows:
            more = {"own": "ent.p1", "side": "consignor", "partner": row["consignee"]}
            left_out = ("consignor", "consignee", "dispatched_at")
            values = {name: x for name, x in row.items() if name not in left_out}
            answer = self.send("/loads/new", {**values, **more, "step": "issue"})
            if self._note(row, answer):
                page = answer.headers["Location"]
                html = self._browser.client.get(page).get_data(as_text=True)
                version = re.search(r'name="version" value="(\d+)"', html)
                assert version, html[-800:]
                moment = row["dispatched_at"][:16]
                told = {"dispatched_at": moment, "dispatched_t": row["dispatched_t"]}
                self._note(row, self.send(f"{page}/dispatch", {**told, "version": version[1]}))
        return self._refused

    def _note(self, row: Row, answer: TestResponse) -> bool:
        """Whether the form was taken; why not, if not."""
        if answer.status_code == 303:
            return True
        assert answer.status_code in (409, 422), (row, answer.status_code)
        html = answer.get_data(as_text=True)
        told = {unescape("".join(one)).strip() for one in _TOLD.findall(html)}
        assert told, html
        self._refused[row["doc_no"]] = told
        return False


def agree(answer: dict[str, Any], told: set[str]) -> bool:
    """Whether a page says one of the reasons of a problem of the API.

    Behind a colon the known words follow, on a page with their Chinese names.
    """
    reasons = [fault["message"] for fault in answer.get("errors") or []] or [answer["detail"]]
    return any(reason.partition(":")[0] in words for reason in reasons for words in told)
