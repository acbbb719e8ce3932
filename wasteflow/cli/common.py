"""What commands share: settings, the database at its head, errors told in the user's language."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click
from msgspec import Struct

from wasteflow.core.errors import InvalidValue, RowsRefused, UnusableFile, WasteflowError
from wasteflow.core.periods import Period, month_from_text

if TYPE_CHECKING:
    from wasteflow_models.engine import Database

SHOWN_ISSUES = 50
SHOWN_FIRMS = 8
EXIT_REFUSED, EXIT_UNUSABLE = 1, 2
P = ParamSpec("P")
R = TypeVar("R")


class Settings(Struct, frozen=True):
    """Language and database of this call."""

    lang: str = "zh"
    database: str = ""

    def url(self) -> str:
        """Database URL in force."""
        from wasteflow.config import database_url

        return self.database or database_url()

    def say(self, zh: str, en: str, *, err: bool = False) -> None:
        """One line in the user's language."""
        click.echo(zh if self.lang == "zh" else en, err=err)


def now() -> datetime:
    """The moment, with offset."""
    return datetime.now(UTC)


def open_database(settings: Settings, *, create: bool = False) -> Database:
    """The database, made if it is new (with `create`); an older one must be upgraded by hand."""
    from wasteflow_models import migrate
    from wasteflow_models.engine import Database

    url = settings.url()
    found = migrate.current(url)
    if found is None and create:
        migrate.upgrade(url)
    elif found is None:
        raise WasteflowError("database_empty", url=shown(url))
    elif found != migrate.head():
        raise WasteflowError("database_old", found=found, wanted=migrate.head())
    database = Database(url)
    click.get_current_context().call_on_close(database.dispose)
    return database


def shown(url: str) -> str:
    """The URL without its password."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into messages and the exit codes of the contract."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        settings = click.get_current_context().find_object(Settings) or Settings()
        try:
            return function(*args, **kwargs)
        except RowsRefused as error:
            _tell_rows(error, settings)
            sys.exit(EXIT_REFUSED)
        except UnusableFile as error:
            fail(error, settings, EXIT_UNUSABLE)
        except InvalidValue as error:
            fail(error, settings, EXIT_UNUSABLE)
        except WasteflowError as error:
            fail(error, settings, EXIT_REFUSED)

    return wrapper


def fail(error: WasteflowError, settings: Settings, code: int) -> NoReturn:
    """Print an error and leave with `code`."""
    click.echo(error.text(settings.lang), err=True)
    sys.exit(code)


def _tell_rows(error: RowsRefused, settings: Settings) -> None:
    for issue in error.issues[:SHOWN_ISSUES]:
        click.echo(issue.text(settings.lang), err=True)
    rest = len(error.issues) - SHOWN_ISSUES
    if rest > 0:
        settings.say(f"… 另有 {rest} 行", f"… and {rest} more rows", err=True)
    click.echo(error.text(settings.lang), err=True)


def period_of(text: str | None, settings: Settings) -> Period | None:
    """The period of an option, None if it was not given."""
    return Period.parse(text) if text else None


as_of_option = click.option(
    "--as-of", default="", help="按某月结账时的账 · As reported at the close of a month, 2026-06."
)


def month_of(text: str) -> int:
    """The month (yyyymm) of an option, 0 if it was not given; InvalidValue `bad_month`."""
    return month_from_text(text) if text else 0


def say_reported(report: dict[str, Any], settings: Settings) -> None:
    """Say as of which close a report is, and which firms have not closed that month."""
    held = report.get("as_reported")
    if not held:
        return
    month, missing = held["month"], held["not_closed"]
    settings.say(f"按 {month} 结账时的账", f"as reported at the close of {month}")
    if missing:
        shown = ", ".join(missing[:SHOWN_FIRMS]) + (" …" if len(missing) > SHOWN_FIRMS else "")
        settings.say(
            f"其中 {len(missing)} 家尚未结该月的账：{shown}",
            f"{len(missing)} firms have not closed it: {shown}",
        )


def default_period(db: Any) -> Period:
    """The last year of the books; the current year if they are empty."""
    from wasteflow.services.reports import overview

    last = overview(db=db).last
    return Period.parse(str(last // 100 if last else now().year))


def emit(text: str, out: Path | None) -> None:
    """Write a text to a file (UTF-8, LF) or to standard output."""
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="\n")


def json_text(data: Any) -> str:
    """JSON for people and programs: UTF-8, two spaces."""
    return json.dumps(data, ensure_ascii=False, indent=2)


def csv_of(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """Objects of a report as CSV for programs: the names of the JSON, blank = not known.

    Lists are joined by `;`, objects written `name=value`, both inside one cell.
    """
    from wasteflow.exporting.tables import csv_text

    text: str = csv_text(columns, [[_cell(row.get(name)) for name in columns] for row in rows])
    return text


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return " ".join(f"{key}={_cell(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ";".join(str(_cell(item)) for item in value)
    return value


def table_text(columns: list[str], rows: list[list[str]]) -> str:
    """A plain table with aligned columns (wide characters count double)."""
    from unicodedata import east_asian_width

    def width(text: str) -> int:
        return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)

    widths = [
        max([width(columns[i]), *(width(row[i]) for row in rows)]) for i in range(len(columns))
    ]
    numeric = [
        all(row[i] == "" or row[i].lstrip("-")[:1].isdigit() for row in rows) and bool(rows)
        for i in range(len(columns))
    ]

    def line(cells: list[str]) -> str:
        parts = []
        for i, cell in enumerate(cells):
            pad = " " * (widths[i] - width(cell))
            parts.append(pad + cell if numeric[i] else cell + pad)
        return "  ".join(parts).rstrip()

    return "\n".join([line(columns), line(["-" * w for w in widths]), *(line(r) for r in rows)])


def emit_bytes(content: bytes | str, path: Path) -> None:
    """Write what an exporter made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
