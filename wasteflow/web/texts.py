"""Language and theme of a request, and every text of the pages by key; no page is made here.

The texts stand in translations/*.json as {key: [Chinese, English]}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, g, has_request_context, request

from wasteflow.config import LANGS
from wasteflow.core.messages import MESSAGES, render
from wasteflow.web.access import books

FOLDER: Final = Path(__file__).resolve().parent / "translations"
THEMES: Final = ("auto", "light", "dark")
LANG_COOKIE, THEME_COOKIE = "wasteflow_lang", "wasteflow_theme"
YEAR_S: Final = 365 * 24 * 3600


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """Key → (Chinese, English); ValueError if two files have one key."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        for key, (zh, en) in json.loads(path.read_text(encoding="utf-8")).items():
            if key in found:
                raise ValueError(f"{path.name}: {key} stands twice")
            found[key] = (zh, en)
    return found


_CHINESE: Final = ("name_zh", "name_en", "code")
_ENGLISH: Final = ("name_en", "name_zh", "code")


def lang() -> str:
    """Language of this request: URL, else Accept-Language (API) or cookie, else the setting."""
    found = g.get("lang")
    if found is None:
        wanted = [request.args.get("lang", ""), request.cookies.get(LANG_COOKIE, "")]
        if request.path.startswith("/api/v1/"):
            wanted[1:] = [request.accept_languages.best_match(LANGS, "")]
        found = g.lang = next((word for word in wanted if word in LANGS), books().config.lang)
    return str(found)


def theme() -> str:
    """`light`, `dark`, or `auto` (what the system prefers): URL, else cookie."""
    wanted = (request.args.get("theme", ""), request.cookies.get(THEME_COOKIE, ""))
    return next((word for word in wanted if word in THEMES), "auto")


def text(key: str, language: str | None = None, **params: object) -> str:
    """The text of `key` in the language of the request; `{name}` takes a parameter.

    Raises KeyError for a key that is not in the catalogue.
    """
    pair = catalogue()[key]
    chosen = pair[1 if (language or lang()) == "en" else 0]
    if not params and "{" not in chosen:
        return chosen
    return chosen.format_map({name: str(value) for name, value in params.items()})


def has_text(key: str) -> bool:
    """Whether the catalogue knows `key`."""
    return key in catalogue()


def unit_of(unit: str) -> str:
    """A unit of the contract ("t", "CNY/t") as the reader's language writes it."""
    return text(f"unit.{unit}") if has_text(f"unit.{unit}") else unit


def reason(code: str | None) -> str:
    """Why there is no figure, in words."""
    if not code:
        return ""
    return text(f"reason.{code}") if has_text(f"reason.{code}") else render(code, lang(), {})


def short_reason(code: str | None) -> str:
    """The reason in a few words, for a cell of a table."""
    if not code:
        return ""
    head = "ledger_starts" if code.startswith("ledger_starts_") else code
    if has_text(f"why.{head}"):
        return text(f"why.{head}", month=code.removeprefix("ledger_starts_"))
    return render(code, lang(), {}) if code in MESSAGES else code


def name_of(item: Any) -> str:
    """Name of a registry object, or a dict with name_zh and name_en, in the request's language."""
    order = _ENGLISH if lang() == "en" else _CHINESE
    if isinstance(item, Mapping):
        return str(next((item[key] for key in order if item.get(key)), ""))
    return str(next((found for key in order if (found := getattr(item, key, ""))), ""))


def install(app: Flask) -> None:
    """Templates know `t`, `lang`, `theme`, `reason`; a switch in the URL is kept in a cookie."""
    app.context_processor(_context)
    app.after_request(_keep_switches)


def _context() -> dict[str, Any]:
    if not has_request_context():
        return {}
    return {
        "t": text,
        "lang": lang(),
        "theme": theme(),
        "unit_of": unit_of,
        "reason": reason,
        "short_reason": short_reason,
        "name_of": name_of,
    }


def _keep_switches(response: Response) -> Response:
    if request.path.startswith("/api/v1/"):
        return response
    for name, cookie, allowed in (
        ("lang", LANG_COOKIE, LANGS),
        ("theme", THEME_COOKIE, THEMES),
    ):
        value = request.args.get(name, "")
        if value in allowed:
            response.set_cookie(
                cookie, value, max_age=YEAR_S, httponly=True, samesite="Lax", path="/"
            )
    return response
