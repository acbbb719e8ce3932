"""Attacks put into every text the books can hold, and the proof that an answer is inert.

`poison` writes an attack into every text column of every table but those named here, so that a
new column is attacked without being listed.  `check` reads an answer as a browser, a spreadsheet
or an XML reader would and names what came alive.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, Final
from xml.etree import ElementTree

import openpyxl
from sqlalchemy import Column, String, Table, Text, bindparam, select, update
from werkzeug.test import TestResponse

from wasteflow_models.base import Base
from wasteflow_models.engine import Database

MARK: Final = "wfattack"
POLYGLOT: Final = (
    f"javascript:window.wf=1//{MARK}'\"></title></textarea></script><script>window.wf=1</script>"
    "<img src=x onerror=window.wf=1><svg onload=window.wf=1><base href=//evil.example/>"
    "<iframe srcdoc='<script>parent.wf=1</script>'></iframe>"
    "`${window.wf=1}`wf{{1337*7331}}wf{%x%}&lt;\u2028𠮷🚛" + "长" * 60
)
FORMULAS: Final = tuple(f'{sign}HYPERLINK("http://evil.example","{MARK}")' for sign in "=+-@\t")
FREE: Final = "free text of a test"
"""What the tests write wherever a JSON column keeps words; `poison` replaces it there."""

KEPT: Final[dict[str, str]] = {
    "account": "login password_hash lang oidc_subject",
    "account_event": "action",
    "attachment": "uid kind ref sha256 media_type organisation",
    "attribution_month": "basis fate",
    "batch": "kind sha256 rounded_kg",
    "batch_signer": "organisation",
    "change": "kind ref action organisations",
    "column_map": "organisation kind header columns",
    "event_actor": "organisation on_behalf_of side channel",
    "external_id": "organisation kind ref",
    "finding": "key kind enterprise material ref_kind",
    "finding_state": "name value",
    "idempotency": "key digest headers body",
    "job": "uid subject kind step state organisation login options error lease",
    "load_draft": "organisation",
    "load_handed": "carrier",
    "load_number": "doc_no",
    "material": "code",
    "month_close": "kind digest figures",
    "region": "code",
    "revision": "status organisation",
    "revision_answer": "organisation answer",
    "route": "code materials fate",
    "scenario": "uid scope base material",
    "seal": "prev_head root head counts bounds",
    "secret": "name value",
    "sign_in_guard": "key",
    "stamp": "name",
    "target": "code scope materials metric operator value baseline_value binding",
    "webhook": "uid scope secret kinds",
    "coefficient": "code kind driver low typical high",
    "daily_work": "work",
    "delegation": "enterprise organisation families",
    "job_file": "role media_type sha256",
    "membership": "role organisation",
    "park": "code level boundary lon_given lat_given crs precision_km",
    "sign_in": "digest",
    "token": "digest prefix scopes",
    "enterprise": "code lon_given lat_given crs precision_km",
    "park_input": "name value",
    "park_outline": "geometry system sha256 notes",
    "exchange_offer": "uid kind state",
    "facility": "code kind materials routes status lon_given lat_given crs precision_km",
    "filing": "code materials",
    "product": "product",
    "waste_profile": "waste_code grade",
    "entry": "kind basis weighed compartment",
    "exchange_offer_event": "move state",
    "entry_actor": "organisation on_behalf_of channel",
}
"""Table → its columns of codes, words of closed lists, numbers, keys and digests: no free text."""
SHORT: Final = {"scenario.name": 119}
"""Column → characters, where a longer text is refused when it is read again."""
JSON: Final[dict[str, str]] = {
    "event_actor": "details",
    "finding": "params",
    "job": "result error_params",
    "load_draft": "content",
    "revision": "before after",
    "scenario": "blocks",
}
"""Table → its columns that hold JSON: the words in it are attacked where they say FREE."""


def text_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every column of plain text, by table."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if type(column.type) in (Text, String):
                yield table, column


def free_columns() -> list[tuple[Table, Column[Any]]]:
    """Those that hold free text."""
    return [
        (table, column)
        for table, column in text_columns()
        if column.name not in KEPT.get(table.name, "").split()
        and column.name not in JSON.get(table.name, "").split()
    ]


def unknown_names() -> list[str]:
    """What KEPT and JSON name and no table has."""
    there = {(table.name, column.name) for table, column in text_columns()}
    named = [(table, name) for part in (KEPT, JSON) for table, names in part.items()
             for name in names.split()]  # fmt: skip
    return [f"{table}.{name}" for table, name in named if (table, name) not in there]


def poison(db: Database, attacks: tuple[str, ...]) -> set[str]:
    """Attack every free text; the names of the columns that no row gave a chance."""
    untouched = set()
    with db.write() as session:
        for number, (table, column) in enumerate(free_columns()):
            keys = list(table.primary_key.columns)
            rows = session.execute(select(*keys).order_by(*keys)).all()
            if not rows:
                untouched.add(f"{table.name}.{column.name}")
            where = [key == bindparam(f"k{i}") for i, key in enumerate(keys)]
            change = update(table).where(*where).values({column.name: bindparam("told")})
            unique = column.unique or column.primary_key or column.name in ("doc_no", "external_id")
            for i, row in enumerate(rows):
                told = attacks[(i + number) % len(attacks)] + (f"#{i}" if unique else "")
                told = told[: SHORT.get(f"{table.name}.{column.name}")]
                values = {f"k{j}": value for j, value in enumerate(row)}
                session.connection().execute(change, {**values, "told": told})
        for table_name, names in JSON.items():
            _poison_json(session, Base.metadata.tables[table_name], names.split(), attacks[0])
    return untouched


def _poison_json(session: Any, table: Table, names: list[str], attack: str) -> None:
    keys = list(table.primary_key.columns)
    for name in names:
        column = table.columns[name]
        for *key, held in session.execute(select(*keys, column).order_by(*keys)).all():
            if held and FREE in held:
                told = held.replace(FREE, json.dumps(attack)[1:-1])
                where = [item == value for item, value in zip(keys, key, strict=True)]
                session.execute(update(table).where(*where).values({name: told}))


# --- what a reader makes of an answer ---------------------------------------------------------


class _Reader(HTMLParser):
    """A browser's view of a page as far as something could run."""

    LINKS = frozenset({"href", "src", "action", "formaction", "xlink:href", "data", "poster"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.scripts: list[str] = []
        self.bare = 0
        self.forms: list[tuple[dict[str, str], list[dict[str, str]]]] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if MARK in tag or any(MARK in name for name in told):
            self.wrong.append(f"markup made of text: <{tag} {told}")
        for name, value in told.items():
            plain = re.sub(r"[\x00-\x20]", "", value).lower()
            if name.startswith("on"):
                self.wrong.append(f"handler: <{tag} {name}={value[:80]}")
            if name in self.LINKS and plain.startswith(("javascript:", "vbscript:", "data:text")):
                self.wrong.append(f"link that runs: <{tag} {name}={value[:80]}")
            if name in self.LINKS and plain.startswith(("//evil", "http://evil")):
                self.wrong.append(f"foreign link: <{tag} {name}={value[:80]}")
            if name == "srcdoc":
                self.wrong += of_html(value).wrong
        if tag == "script":
            self._script = True
            self.scripts.append("")
            self.bare += "nonce" not in told and told.get("type") != "application/json"
        if tag in ("base", "object", "embed"):
            self.wrong.append(f"<{tag}>")
        if tag == "form":
            self.forms.append((told, []))
        if tag in ("input", "textarea", "select") and told.get("name") and self.forms:
            self.forms[-1][1].append({"tag": tag, **told})

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = False
            if self.scripts and self.scripts[-1].strip() in ("window.wf=1", "parent.wf=1"):
                self.wrong.append("a script made of text")

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data


def of_html(html: str) -> _Reader:
    """A page read; templates of JavaScript that hold markup are read as markup too."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    for script in reader.scripts:
        for popup in re.findall(r"`[^`]*<[^`]*`", script):
            inner = _Reader()
            inner.feed(re.sub(r"\$\{[^}]*\}", "", popup))
            reader.wrong += inner.wrong
    return reader


def typed(field: Mapping[str, str]) -> str:
    """What an attacker leaves in a field of a form: an attack where one can type."""
    by_hand = field["tag"] != "select" and field.get("type", "text") not in (
        "hidden", "checkbox", "radio", "submit", "file", "date", "datetime-local", "number",
    )  # fmt: skip
    return POLYGLOT if by_hand else field.get("value", "")


def check(response: TestResponse) -> list[str]:
    """What came alive in an answer, and what would: nothing in a good one."""
    kind, body = response.mimetype or "", response.get_data()
    wrong = []
    if b"wf9801547wf" in body:
        wrong.append("a template in data was run")
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        wrong.append("may be sniffed")
    if kind == "text/html":
        page = of_html(body.decode())
        wrong += page.wrong
        if "attachment" in response.headers.get("Content-Disposition", ""):
            return wrong  # a map to keep runs its own scripts, and no page of ours
        wrong += ["a script of nobody"] * page.bare
        if "script-src 'nonce-" not in response.headers.get("Content-Security-Policy", ""):
            wrong.append("no policy")
    elif kind in ("application/json", "application/problem+json", "application/geo+json"):
        json.loads(body)
    elif kind == "text/csv":
        wrong += _of_cells(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    elif "spreadsheet" in kind:
        wrong += _of_book(body)
    elif "xml" in kind:
        wrong += [f"<{e.tag}>" for e in ElementTree.fromstring(body).iter() if "script" in e.tag]
    return wrong


def _of_cells(rows: Any) -> list[str]:
    return [
        f"formula: {cell[:60]!r}"
        for row in rows
        for cell in row
        if cell[:1] in ("=", "+", "-", "@", "\t") and MARK in cell
    ]


def _of_book(body: bytes) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(body))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    wrong = [f"formula: {c.value}" for c in cells if c.data_type == "f" and MARK in str(c.value)]
    return wrong + [f"link: {cell.hyperlink.target}" for cell in cells if cell.hyperlink]
