"""What a page looks at: scope, period and material out of the URL, and the choices of its form.

Everything that changes a page stands in its address, so that it can be sent to a colleague.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import quote_plus

from flask import request, url_for
from msgspec import Struct

from wasteflow.core.actors import Subject
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period, month_from_text, month_text, next_month
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import ALL, Reach, subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.services.close_rows import closed_months
from wasteflow.services.reported import cut_period
from wasteflow.services.reports import Overview, check_material
from wasteflow.web.access import READY, books, books_seen
from wasteflow.web.formats import month_words, period_words
from wasteflow.web.identity import current_actor, reach, this_month
from wasteflow.web.report_files import FORMATS
from wasteflow.web.texts import lang, name_of, text

KEPT: Final = ("scope", "period", "material", "products")
REPORTED: Final = ("balances", "rates", "targets")
"""Pages that can show the books as they were reported at a close (`as_of` in their address)."""
FIRMS_LISTED: Final = 300
MIN_MONTHS: Final = 3
UNQUOTED: Final = "!$'()*,/:;?@"
"""What stands as it is in the query of an address, as `url_for` writes it."""
Choice = tuple[str, str]


class Form(Struct, frozen=True):
    """Raw values of the filter form, as typed, and what may be chosen.

    `closes`: months that can be shown as reported; none on pages that show today's books only.
    """

    scope: str
    period: str
    material: str
    scopes: list[tuple[str, list[Choice]]]
    periods: list[tuple[str, list[Choice]]]
    materials: list[Choice]
    firms_left_out: int = 0
    whole: bool = True
    as_of: str = ""
    closes: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class View:
    """The books' span and registry, and the scope, period and material asked for.

    `as_of` (yyyymm): the figures are those reported when that month was closed, 0 for today's.
    """

    books: Overview
    scope: str
    period: Period | None
    material: str
    products: bool
    reach: Reach
    as_of: int = 0

    @property
    def registry(self) -> Registry:
        """Registry snapshot."""
        return self.books.registry

    @property
    def empty(self) -> bool:
        """True if the books hold no movement at all."""
        return self.books.last is None

    @property
    def span(self) -> Period:
        """The period; only for books that are not empty."""
        assert self.period is not None
        return self.period

    @cached_property
    def firms(self) -> frozenset[str]:
        """Enterprises in scope."""
        return self.registry.in_scope(self.scope)

    def opens(self, scope: str) -> bool:
        """Whether the asker may open the pages of a scope."""
        return self.reach.holds(self.registry, scope)

    def open_nodes(self, nodes: Iterable[str]) -> bool:
        """Whether everything that stands in these nodes of a graph is the asker's to read."""
        return self.reach.everything or all(self.opens(node) for node in nodes)

    @property
    def period_words(self) -> str:
        """The period in words."""
        return period_words(self.span, lang()) if self.period else ""

    @property
    def scope_name(self) -> str:
        """The scope in words."""
        return scope_name(self.registry, self.scope)

    @property
    def material_name(self) -> str:
        """The material in words."""
        if not self.material:
            return text("filter.all_materials")
        return name_of(self.registry.materials[self.material])

    def material_names(self, codes: Iterable[str], limit: int = 99) -> str:
        """Names of materials as a list in words, at most `limit` of them."""
        names = [name_of(self.registry.materials[c]) for c in codes if c in self.registry.materials]
        shown = text("list.comma").join(names[:limit])
        return f"{shown}…" if len(names) > limit else shown

    def scope_words(self, scope: str) -> str:
        """The area of a target in words; `all` is the whole country."""
        return text("targets.national") if scope == "all" else scope_name(self.registry, scope)

    def address(self, endpoint: str, **changes: Any) -> str:
        """Address of a page with this view, `changes` made; blank values are left out."""
        if self.as_of and endpoint in REPORTED:
            changes = {"as_of": month_text(self.as_of), **changes}
        path = self._paths.get(endpoint)
        if path is None:  # a table asks for thousands of addresses, and url_for takes its time
            path = url_for(f"pages.{endpoint}").partition("?")[0]  # what it carries follows
            self._paths[endpoint] = path
        query = "&".join(
            f"{name}={_quoted(str(value))}"
            for name, value in (self._kept | changes).items()
            if value not in ("", None)
        )
        return f"{path}?{query}" if query else path

    def link(self, endpoint: str, **changes: Any) -> str:
        """The same for a cell of a table; "" where that is asked for as a file, without links."""
        return "" if self._in_file else self.address(endpoint, **changes)

    @cached_property
    def _in_file(self) -> bool:
        return request.args.get("format") in FORMATS

    @cached_property
    def _paths(self) -> dict[str, str]:
        return {}

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return {
            "scope": self.scope if self.scope != self.reach.default else "",
            "period": self.period.text if self.period else "",
            "material": self.material,
            "products": "1" if self.products else "",
            "lang": request.args.get("lang", ""),
        }

    @cached_property
    def form(self) -> Form:
        """The filter form filled with this view."""
        period = self.period.text if self.period else ""
        as_of = month_text(self.as_of) if self.as_of else ""
        return form_of(self.books, self.reach, self.scope, period, self.material, as_of)


@lru_cache(maxsize=16_384)
def _quoted(value: str) -> str:
    return quote_plus(value, safe=UNQUOTED)


def asked_scope() -> str:
    """The scope of the address, by default the widest of one's own; "" if there is none."""
    return request.args.get("scope", "").strip() or reach().default


def may_read() -> bool:
    """Whether the asker may read any report at all, for menus; False without readable books."""
    try:
        return books().usable() == READY and bool(reach().scopes)
    except Exception:  # the error page must come even if the database does not answer
        return False


def page_subject(**_: object) -> Subject:
    """What a page of reports is about, for the permission table.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`; Denied where the asker has no scope.
    """
    scope = asked_scope()
    if not scope:
        actor = current_actor()
        verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_RIGHT
        raise Denied(verdict, "report.read")
    return subject_of_scope(books_seen().registry, scope)


def read_view() -> View:
    """The view of the current request.

    Raises InvalidValue `bad_period`, `bad_scope`, `bad_month`, `as_of_before_period`; NotFound
    `unknown_code`.
    """
    held = books_seen()
    scope = asked_scope() or ALL
    held.registry.in_scope(scope)
    material = request.args.get("material", "").strip()
    check_material(held.registry, material)
    asked = request.args.get("period_text", "").strip() or request.args.get("period", "").strip()
    as_of = month_from_text(_as_of()) if _as_of() else 0
    period = Period.parse(asked) if asked else default_period(held)
    if as_of and not asked and period and period.first > as_of:
        period = Period.of(as_of // 100 * 100 + 1, as_of)
    if period:
        period = cut_period(period, as_of)
    products = request.args.get("products") == "1"
    return View(held, scope, period, material, products, reach(), as_of)


def _as_of() -> str:
    """The month of the address, "" on pages that show today's books only."""
    return request.args.get("as_of", "").strip() if _can_be_reported() else ""


def _can_be_reported() -> bool:
    return (request.endpoint or "").removeprefix("pages.") in REPORTED


def default_period(held: Overview) -> Period | None:
    """Year to date, or the latest full year while the new one is shorter than three months.

    The period never begins before the books do, so that rates stay computable, and leaves out the
    running month, whose records are still coming, unless there is no other.
    """
    if held.first is None or held.last is None:
        return None
    last, running = held.last, this_month()
    if held.first < running <= last:
        last = next_month(running, -1)
    january = last // 100 * 100 + 1
    if last % 100 == 12:
        return Period.of(january, last)
    if last % 100 < MIN_MONTHS and held.first <= next_month(january, -12):
        return Period.of(next_month(january, -12), next_month(january, -1))
    return Period.of(max(january, held.first), last)


def raw_form() -> Form | None:
    """The form of a request whose values cannot be used, as typed; None without readable books."""
    try:
        held = books_seen()
        seen = reach()
    except Exception:  # the error page must come even if the database does not answer
        return None
    if not seen.scopes:
        return None
    args = request.args
    typed = args.get("period_text", "").strip() or args.get("period", "").strip()
    scope = args.get("scope", "") or seen.default
    return form_of(held, seen, scope, typed, args.get("material", ""), _as_of())


def form_of(
    held: Overview, seen: Reach, scope: str, period: str, material: str, as_of: str = ""
) -> Form:
    """Form with choices from the registry and the span of the books, as far as one may read."""
    registry = held.registry
    firms = [
        (f"enterprise:{code}", name_of(firm))
        for code, firm in registry.enterprises.items()
        if seen.holds(registry, f"enterprise:{code}")
    ]
    left_out = len(firms) if len(firms) > FIRMS_LISTED else 0
    if left_out:
        firms = [choice for choice in firms if choice[0] == scope]
    regions = [(f"region:{code}", label) for code, label in _tree(registry.regions)]
    parks = [(f"park:{code}", label) for code, label in _tree(registry.parks)]
    regions, parks = (
        [choice for choice in choices if seen.holds(registry, choice[0])]
        for choices in (regions, parks)
    )
    groups = [("filter.regions", regions), ("filter.parks", parks), ("filter.firms", firms)]
    stuff = registry.materials.values()
    return Form(
        scope,
        period,
        material,
        [(key, choices) for key, choices in groups if choices],
        list(_periods(held, period)),
        [(item.code, name_of(item)) for item in stuff],
        left_out,
        seen.everything,
        as_of,
        tuple(_closes(as_of)) if _can_be_reported() else (),
    )


def _closes(chosen: str) -> Iterator[Choice]:
    """Closed months, newest first; a chosen other one leads."""
    months = [month_text(month) for month in closed_months(db=books().db)]
    if chosen and chosen not in months:
        with suppress(InvalidValue):
            yield chosen, month_words(month_from_text(chosen), lang())
    for month in months:
        yield month, month_words(month_from_text(month), lang())


def _tree(table: Any) -> Iterator[Choice]:
    """(code, indented name) of parks or regions, children below their parents."""
    children: dict[str, list[str]] = {}
    for code, item in table.items():
        children.setdefault(item.parent if item.parent in table else "", []).append(code)

    def walk(parent: str, depth: int) -> Iterator[Choice]:
        for code in children.get(parent, []):
            yield code, "\u3000" * depth + name_of(table[code])
            yield from walk(code, depth + 1)

    return walk("", 0)


def _periods(held: Overview, chosen: str) -> Iterator[tuple[str, list[Choice]]]:
    """Years, quarters and months of the books, newest first; a chosen other one leads."""
    if held.first is None or held.last is None:
        return
    months = list(Period.of(held.first, held.last).months())[::-1]
    years = list(dict.fromkeys(month // 100 for month in months))
    to_date = default_period(held)
    first = [to_date] if to_date and to_date.text not in {str(year) for year in years} else []
    quarters = list(dict.fromkeys((month // 100, (month % 100 + 2) // 3) for month in months))
    groups = [
        ("filter.years", [*first, *(Period.parse(str(year)) for year in years)]),
        ("filter.quarters", [Period.parse(f"{year}Q{number}") for year, number in quarters]),
        ("filter.months", [Period.of(month, month) for month in months]),
    ]
    known = {period.text for _, periods in groups for period in periods}
    if chosen and chosen not in known:
        with suppress(InvalidValue):  # one that cannot be used is no choice
            yield "filter.chosen_period", [(chosen, period_words(Period.parse(chosen), lang()))]
    for key, periods in groups:
        yield key, [(period.text, period_words(period, lang())) for period in periods]


def scope_name(registry: Registry, scope: str) -> str:
    """The words for a scope; its text if it names nothing registered."""
    word, _, code = scope.partition(":")
    tables: dict[str, Any] = {
        "region": registry.regions,
        "park": registry.parks,
        "enterprise": registry.enterprises,
    }
    if scope == "all":
        return text("filter.all_scope")
    item = tables.get(word, {}).get(code)
    return name_of(item) if item else scope
