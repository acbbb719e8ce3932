"""What a close stores: digests of the rows it rests on, figures per material, the attribution.

Computed from the books as of the month that is closed, so that `check` can compute it again.
Nothing is written here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.balances import Balance, balances
from wasteflow.core.periods import Period
from wasteflow.core.places import HOLDING
from wasteflow.core.rates import FirmTerms, term_tonnes
from wasteflow.core.targets import to_date_period
from wasteflow.core.tracing.attribution import FATES, Basis
from wasteflow.core.tracing.monthly import ClosedMonth, attribution_months
from wasteflow.core.tracing.months import Chain
from wasteflow.services.rating import firm_terms
from wasteflow.services.reports import balance_row
from wasteflow.services.tracing import Traced, traced
from wasteflow_models import flow_columns, queries
from wasteflow_models.convert import Keys

Ints = NDArray[np.int64]


class CreditKey(NamedTuple):
    """Key of a row of `attribution_month` within its close."""

    month: int
    material_id: int
    generator_id: int
    year: int
    basis: str
    fate: str
    route_id: int
    evidence: int


class FirmClose(Struct):
    """What closing `months` stores for one firm, by month; attribution with the last of them."""

    enterprise: str
    months: list[int]
    digests: dict[int, str] = field(default_factory=dict)
    figures: dict[int, dict[str, Any]] = field(default_factory=dict)
    credits: dict[CreditKey, int] = field(default_factory=dict)
    lines: list[tuple[int, Balance]] = field(default_factory=list)


class OwnedRows:
    """The roll-up as of a month by the firms whose places its rows touch."""

    def __init__(self, session: Session, as_of: int) -> None:
        places = flow_columns.place_columns(session)
        owner = np.where(np.isin(places.kind, [int(kind) for kind in HOLDING]), places.a, 0)
        parts = []
        for material_id in sorted(flow_columns.versions(session)):
            months = flow_columns.months(session, material_id, as_of=as_of)
            for month, part in sorted(months.items()):
                same = np.ones((len(part.kg), 2), np.int64) * [material_id, month]
                rest = [column.astype(np.int64) for column in part]
                parts.append(np.column_stack([same, *rest]))
        self._rows = np.concatenate(parts) if parts else np.zeros((0, 8), np.int64)
        ends = [owner[places.positions(self._rows[:, column])] for column in (2, 3)]
        number = np.arange(len(self._rows))
        second = ends[1] != ends[0]
        firms = np.concatenate([ends[0], ends[1][second]])
        rows = np.concatenate([number, number[second]])
        order = np.lexsort((rows, firms))
        self._firms, self._numbers = firms[order], rows[order]

    def of(self, firm_id: int) -> Ints:
        """Rows of a firm (material, month, source, target, route, evidence, kg, n) in key order."""
        first, last = np.searchsorted(self._firms, [firm_id, firm_id + 1])
        rows: Ints = self._rows[self._numbers[first:last]]
        return rows

    def digest(self, firm_id: int) -> str:
        """SHA-256 of the rows of a firm as little-endian int64."""
        return sha256(self.of(firm_id).astype("<i8").tobytes()).hexdigest()


def material_digest(session: Session, keys: Keys, material: str, as_of: int) -> str:
    """SHA-256 of all rows of a material as of a month and of the fates of the routes.

    Equal digests mean equal traced figures.
    """
    found = sha256(json.dumps(sorted(_fates(keys).items())).encode())
    material_id = keys.id_of("material", material)
    for month, part in sorted(flow_columns.months(session, material_id, as_of=as_of).items()):
        rows = np.column_stack([np.full(len(part.kg), month), *part])
        found.update(np.ascontiguousarray(rows).astype("<i8").tobytes())
    return found.hexdigest()


def _fates(keys: Keys) -> dict[str, str]:
    return {code: route.fate for code, route in keys.registry.routes.items()}


def firm_closes(
    session: Session,
    keys: Keys,
    wanted: Mapping[str, Sequence[int]],
    through: int,
    *,
    with_traced: bool = True,
) -> list[FirmClose]:
    """What is stored when each firm of `wanted` (code → months in order) is closed to `through`.

    Digest and balance of a month rest on the rows of the firm as of that month.  Traced figures and
    attribution rest on the whole books as of `through`; they are stored with the digest of those.
    """
    found = {code: FirmClose(code, list(months)) for code, months in sorted(wanted.items())}
    for month in sorted({month for item in found.values() for month in item.months}):
        mine = {code: item for code, item in found.items() if month in item.months}
        rows = OwnedRows(session, month)
        for code, item in mine.items():
            item.digests[month] = rows.digest(keys.id_of("enterprise", code))
        _balance(session, keys, mine, month)
    if with_traced and found:
        _terms(session, keys, found, through)
        _attribution(session, keys, found, through)
    return list(found.values())


def _balance(session: Session, keys: Keys, firms: Mapping[str, FirmClose], month: int) -> None:
    books = queries.period_books(session, keys, Period.of(month, month), as_of=month)
    for item in firms.values():
        item.figures[month] = dict(balance=[], month={}, to_date={}, books={}, open_kg={})
    for line in balances(books, firms):
        firms[line.enterprise].lines.append((month, line))
        row = balance_row(line)
        del row["enterprise"]
        firms[line.enterprise].figures[month]["balance"].append(row)


def _attribution(
    session: Session, keys: Keys, firms: Mapping[str, FirmClose], through: int
) -> None:
    versions = queries.rollup_versions(session, keys, through)
    code = keys.codes["enterprise"]
    for material in sorted(versions):
        books = traced(session, keys, material, versions, through)
        credits, stocks = attribution(keys, books, firms)
        digest = material_digest(session, keys, material, through)
        for key, kg in credits.items():
            firms[code[key.generator_id]].credits[key] = kg
        for firm in sorted(stocks.keys() | {code[key.generator_id] for key in credits}):
            item = firms[firm]
            for month in item.months:
                item.figures[month]["books"][material] = digest
            item.figures[item.months[-1]]["open_kg"][material] = stocks.get(firm, {})


def _terms(
    session: Session,
    keys: Keys,
    firms: Mapping[str, FirmClose],
    through: int,
) -> None:
    """Terms of every generator for each month, and for the year to its end, on both bases."""
    months = sorted({month for item in firms.values() for month in item.months})
    spans = [Period.of(month, month) for month in months]
    to_date = [to_date_period(month) for month in months]
    asked = list(dict.fromkeys([*spans, *to_date]))
    for basis in Basis:
        items = firm_terms(session, keys, asked, basis.value, as_of=through)[0]
        by_period: dict[str, list[FirmTerms]] = {}
        for item in items:
            if item.enterprise in firms:
                by_period.setdefault(item.period, []).append(item)
        for month, span, year in zip(months, spans, to_date, strict=True):
            for name, period in (("month", span), ("to_date", year)):
                for item in by_period.get(period.text, []):
                    figures = firms[item.enterprise].figures.get(month)
                    if figures is not None:
                        row = {**term_tonnes(item.terms), "ledger_starts": item.late or None}
                        figures[name].setdefault(item.material, {})[basis.value] = row


class _Credited(NamedTuple):
    """Credits of a material on one basis as columns, to the end of `last`; all of them or some."""

    rows: Ints
    """month, origin, fate, route (-1 = none), evidence (0 = none), kg"""
    last: ClosedMonth | None
    chain: Chain

    def fitted(self, chain: Chain) -> ClosedMonth | None:
        """The last month, to go on from with a chain that is the same so far; None if it is not.

        In the same numbering, so that what follows is the same to the kilogram.
        """
        if self.last is None or any(
            getattr(self.chain, name) != getattr(chain, name)
            for name in ("places", "origins", "routes")
        ):
            return None
        state = replace(self.last.state, places=chain.places, origins=chain.origins)
        return replace(self.last, state=state)


_EVER = Period("ever", 0, queries.MAX_MONTH)
_GO_ON = 4
"""How many of the last months can be gone on from when a later one was written."""


def _credited(books: Traced, basis: Basis) -> _Credited:
    """Kept with the chain: one pass serves every firm that closes on the same books.

    What is known to the end of one of the last months outlives a change of a later one.
    """

    def make(missing: list[Period]) -> list[_Credited]:
        chain = books.chain
        position = {origin: number for number, origin in enumerate(chain.origins)}
        routes = {code: number for number, code in enumerate(chain.routes)}
        stops = {system.month for system in chain.months[-_GO_ON:]}
        rows, last = _known_credits(books, basis)
        months = attribution_months(books.operators, books.passed, basis, after=last)
        for closed in months:
            credits = [
                (
                    credit.month,
                    position[credit.origin],
                    FATES.index(credit.fate),
                    routes[credit.route] if credit.route else -1,
                    int(credit.evidence or 0),
                    credit.kg,
                )
                for credit in closed.credits
            ]
            rows.append(np.array(credits, np.int64).reshape(len(credits), 6))
            last = replace(closed, credits=())
            if last.month in stops:
                so_far = _Credited(np.concatenate(rows), last, chain)
                rows = [so_far.rows]
                books.results.put((_until(last.month), ("credited", basis)), so_far)
        return [_Credited(np.concatenate(rows), last, chain)] * len(missing)

    return books.each(("credited", basis), [_EVER], make)[0]


def _until(month: int) -> Period:
    return Period(f"until {month}", 0, month)


def _known_credits(books: Traced, basis: Basis) -> tuple[list[Ints], ClosedMonth | None]:
    """Rows to the end of the last month to which they are known, and that month."""
    months = [system.month for system in books.chain.months]
    for month in reversed(months):
        known: _Credited | None = books.results.get((_until(month), ("credited", basis)))
        last = known.fitted(books.chain) if known is not None else None
        if known is not None and last is not None:
            return [known.rows], last
    return [np.zeros((0, 6), np.int64)], None


def attribution(
    keys: Keys, books: Traced, firms: Collection[str]
) -> tuple[dict[CreditKey, int], dict[str, dict[str, int]]]:
    """Whole kilograms credited to `firms` in each month, and what of theirs is still open.

    By the closed-month chain over the whole books (`core.tracing.monthly`), so the rows of a
    month and the stock after it add up to what arose, for every year of generation.
    """
    credits: dict[CreditKey, int] = {}
    stocks: dict[str, dict[str, int]] = {}
    material_id = keys.id_of("material", books.material)
    origins, routes = books.chain.origins, books.chain.routes
    mine = np.array([origin.generator in firms for origin in origins], bool)
    for basis in Basis:
        found = _credited(books, basis)
        for month, number, fate, route, grade, kg in found.rows[mine[found.rows[:, 1]]].tolist():
            key = CreditKey(
                month,
                material_id,
                keys.id_of("enterprise", origins[number].generator),
                origins[number].year,
                basis.value,
                FATES[fate],
                keys.id_of("route", routes[route] if route >= 0 else ""),
                grade,
            )
            credits[key] = credits.get(key, 0) + kg
        open_kg = found.last.stock_kg if found.last else {}
        for origin, kg in open_kg.items():
            if origin.generator in firms:
                held = stocks.setdefault(origin.generator, {})
                held[basis.value] = held.get(basis.value, 0) + kg
    return credits, stocks


def arisen(books: Traced) -> dict[str, int]:
    """Kilograms generated by each firm or stated as its opening stock, over all months."""

    def make(missing: list[Period]) -> list[dict[str, int]]:
        origins = books.chain.origins
        sums = np.zeros(len(origins), np.int64)
        for system in books.chain.months:
            for part in (system.opened, system.sources):
                np.add.at(sums, part.origin, part.kg)
        found: dict[str, int] = {}
        for origin, kg in zip(origins, sums.tolist(), strict=True):
            if origin.generator:
                found[origin.generator] = found.get(origin.generator, 0) + kg
        return [found] * len(missing)

    return books.each("arisen", [_EVER], make)[0]
