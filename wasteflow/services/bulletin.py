"""The annual bulletin of a scope (环办固体函〔2024〕37号) from roll-ups and registry, as one dict.

Its cost depends on links and months, never on loads.  What the words and columns are is
`core.bulletin_tables`; the arithmetic, the rounding and what may be published is `core.bulletin`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, TypeVar

from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.audit import Audit
from wasteflow.core.books import PeriodBooks
from wasteflow.core.bulletin import (
    AMOUNTS,
    LEADING,
    MAX_PLACES,
    STOCKS,
    TOP,
    Bulletin,
    Line,
    Stock,
    Transfer,
    amount_kg,
    bulletin,
    disposal_rate,
    hide,
    largest,
    places_for,
    printed,
    printed_rate,
    self_audit,
    stocks,
    transfers,
)
from wasteflow.core.disclosure import Atoms
from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, Rate, official
from wasteflow.core.periods import Period, next_month
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Registry
from wasteflow.core.suppression import LEAST
from wasteflow.core.told import Hidden
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.rating import firm_terms
from wasteflow.services.seals import latest_root
from wasteflow.services.told import Reader, firms_beside, hidden_cells, hidden_of
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

K = TypeVar("K", bound=Hashable)
DECLARED, VERIFIED = "declared", "verified"


_ALL_GRADES: Final = -1


class _Beside(Struct, frozen=True):
    """What must be looked at beside the scope before anything of it is told.

    hidden: the lines of the period and of a year before; transfers, stocks: those of all areas that
    are judged before the scope too, told of whole calendar years alone.
    """

    registry: Registry
    scope: str
    own: frozenset[str]
    hidden: tuple[Hidden, ...]
    whole_year: bool
    transfers: list[Transfer]
    stocks: list[Stock]

    def gone(self, cells: Mapping[K, Atoms]) -> frozenset[K]:
        """Cells of a table that may not be told."""
        if not self.whole_year:
            return frozenset(cells)
        return hidden_cells(self.registry, self.scope, cells, self.own)


def _beside(
    session: Session,
    keys: Keys,
    scope: str,
    periods: Sequence[Period],
    reader: Reader,
    books: PeriodBooks,
) -> _Beside:
    firms = firms_beside(keys.registry, scope)
    return _Beside(
        keys.registry,
        scope,
        reader.own,
        tuple(hidden_of(session, keys, scope, period, reader) for period in periods),
        periods[0] == Period.parse(str(periods[0].first // 100)),
        transfers(books, firms, keys.registry),
        stocks(books, firms, keys.registry),
    )


class _Read(Struct, frozen=True):
    """What the books say, for every firm."""

    keys: Keys
    now: list[FirmTerms]
    before: list[FirmTerms]
    verified: list[FirmTerms]
    transfers: list[Transfer]
    stocks: list[Stock]
    synthetic: bool
    last: int
    seal: dict[str, Any] | None
    beside: _Beside | None


def bulletin_report(
    *,
    db: Database,
    scope: str,
    period: Period,
    places: int | None = None,
    reader: Reader | None = None,
) -> dict[str, Any]:
    """The bulletin as one object: amounts in tonnes and as they are printed (万吨), rates, notes.

    places: decimals of 万吨, by default two, or four for small amounts.  reader: None for somebody
    who sees every firm of the scope; otherwise what would tell of a firm is hidden, and tables that
    are no lines of waste or industry are told of whole years alone.
    Raises InvalidValue `bad_scope`, `bad_places`, `period_not_told`; NotFound `unknown_code`.
    """
    if places is not None and not 0 <= places <= MAX_PLACES:
        raise InvalidValue("bad_places", value=places, most=MAX_PLACES)
    with db.read() as session:
        keys = load_keys(session)
        firms = keys.registry.in_scope(scope)
        last_year = _year_before(period)
        now = firm_terms(session, keys, [period, last_year], DECLARED)[0]
        books = queries.period_books(session, keys, period, negatives=False)
        read = _Read(
            keys,
            [item for item in now if item.period == period.text],
            [item for item in now if item.period == last_year.text],
            firm_terms(session, keys, [period], VERIFIED)[0],
            transfers(books, firms, keys.registry),
            stocks(books, firms, keys.registry),
            queries.has_synthetic(session),
            (queries.ledger_months(session) or (0, 0))[1],
            latest_root(session),
            _beside(session, keys, scope, [period, last_year], reader, books) if reader else None,
        )
    return _told(read, scope, period, last_year, places, reader)


def _year_before(period: Period) -> Period:
    return Period.of(next_month(period.first, -12), next_month(period.last, -12))


def _told(
    read: _Read,
    scope: str,
    period: Period,
    last_year: Period,
    places: int | None,
    reader: Reader | None,
) -> dict[str, Any]:
    registry = read.keys.registry
    firms = registry.in_scope(scope)
    own, whole = (
        bulletin((i for i in items if i.enterprise in firms), registry)
        for items in (read.now, read.before)
    )
    if read.beside:
        for found, hidden in zip((own, whole), read.beside.hidden, strict=True):
            hide(found, hidden.lines, hidden.rest)
    if places is None:
        places = places_for(own.materials)
    lines = [*own.materials, own.total]
    audits = self_audit(lines, places, scope, period.text)
    waste = [item for item in read.now if registry.materials[item.material].is_waste]
    verified = bulletin((i for i in read.verified if i.enterprise in firms), registry).total
    verified.hidden, verified.rest_hidden = own.total.hidden, own.total.rest_hidden
    return {
        "scope": scope,
        "period": period.text,
        "synthetic": read.synthetic,
        "unit": "10000 t",
        "places": places,
        "least_firms": LEAST if reader else None,
        "rows": [_row(line, places) for line in own.materials],
        "total": _row(own.total, places),
        "before": {
            "period": last_year.text,
            **_row(whole.total, places),
            "left_out": len(whole.late.keys() - own.late.keys()),
        },
        "industries": [_row(line, places) for line in own.industries],
        "top_wastes": _top(largest(own.materials)),
        "top_industries": _top(own.industries),
        "transfers": _transfers(read.transfers, read.beside),
        "stock": _stock(read.stocks, read.beside),
        "evidence": _evidence(own.total, waste, firms, read.beside),
        "formulas": _formulas(own.total),
        "verified": _row(verified, places),
        "notes": [*_unfinished(read.last, period), *_notes(own, whole, last_year, reader)],
        "audit": [_audit(audit) for audit in audits],
        "seal": read.seal and {name: read.seal[name] for name in ("number", "head", "sealed_at")},
    }


def _top(lines: Sequence[Line]) -> list[str]:
    """Keys of the leading lines that are told."""
    return [line.key for line in lines if not line.hidden][:TOP]


def _row(line: Line, places: int) -> dict[str, Any]:
    """A line with exact tonnes, what is printed, and why a rate is missing."""
    names = () if line.hidden else LEADING if line.rest_hidden else AMOUNTS
    kilograms = {name: amount_kg(line.terms, name) if name in names else None for name in AMOUNTS}
    rate = Rate(None, "hidden") if line.hidden else official(line.terms)
    disposal = Rate(None, "hidden") if line.rest_hidden else disposal_rate(line.terms)
    return {
        "key": line.key,
        "hidden": line.hidden,
        "rest_hidden": line.rest_hidden,
        "firms": None if line.hidden else line.firms,
        **{f"{name}_t": None if kg is None else tonnes_text(kg) for name, kg in kilograms.items()},
        "printed": {name: printed(kg, places) for name, kg in kilograms.items()},
        **_rate("rate", rate),
        **_rate("disposal_rate", disposal),
    }


def _rate(name: str, rate: Rate) -> dict[str, Any]:
    value = None if rate.value is None else round(float(rate.value), 9)
    return {
        name: value,
        f"{name}_printed": printed_rate(rate.value),
        f"{name}_not_computable": rate.not_computable,
    }


def _formulas(total: Line) -> list[dict[str, Any]]:
    """Every named formula of the total; those with amounts that are hidden are hidden."""
    open_to_all = {"official", "simple", "new_waste"}
    return [
        {
            "formula": name,
            **_rate(
                "value",
                Rate(None, "hidden")
                if total.hidden or (total.rest_hidden and name not in open_to_all)
                else formula(total.terms),
            ),
        }
        for name, formula in FORMULAS.items()
    ]


def _transfers(rows: Sequence[Transfer], beside: _Beside | None) -> list[dict[str, Any]]:
    told = {_border(row): row.atoms for row in beside.transfers} if beside else {}
    gone = beside.gone(told) if beside else frozenset()
    return [
        {
            "direction": row.direction,
            "province": row.province,
            "material": row.material,
            "fate": row.fate,
            "hidden": _border(row) in gone,
            "tonnes": None if _border(row) in gone else tonnes_text(row.kg),
            "loads": None if _border(row) in gone else row.loads,
        }
        for row in rows
    ]


def _border(row: Transfer) -> tuple[str, ...]:
    return row.direction, row.province, row.material, row.fate


def _stock(rows: Sequence[Stock], beside: _Beside | None) -> list[dict[str, Any]]:
    gone: dict[str, frozenset[str]] = dict.fromkeys(STOCKS, frozenset())
    if beside:
        for name in STOCKS:
            gone[name] = beside.gone({row.material: row.behind[name] for row in beside.stocks})
        # what lies there first lay there last, and is told with the year before
        gone["opening"] = frozenset(row.material for row in rows)
    return [
        {
            "material": row.material,
            "hidden": all(row.material in gone[name] for name in STOCKS),
            **{
                f"{name}_t": None if row.material in gone[name] else tonnes_text(getattr(row, name))
                for name in STOCKS
            },
        }
        for row in rows
    ]


def _evidence(
    total: Line, items: Iterable[FirmTerms], firms: frozenset[str], beside: _Beside | None
) -> dict[str, str] | None:
    """Utilised tonnes by grade; None where that would tell of a firm."""
    if beside and total.hidden:
        return None
    sums: dict[Evidence, int] = {}
    behind: dict[int, set[tuple[str, str]]] = {}
    for item in items:
        atom = item.enterprise, item.material
        if item.late:
            continue
        for (_, grade), kg in item.terms.split.items():
            behind.setdefault(int(grade), set()).add(atom)
            behind.setdefault(_ALL_GRADES, set()).add(atom)
            if item.enterprise in firms:
                sums[grade] = sums.get(grade, 0) + kg
    if beside and beside.gone({grade: frozenset(atoms) for grade, atoms in behind.items()}):
        return None
    return {grade.word: tonnes_text(sums[grade]) for grade in sorted(sums)}


def _unfinished(last: int, period: Period) -> list[dict[str, Any]]:
    """A note where the books end before the period does."""
    return [{"code": "bulletin_unfinished", "month": last}] if last < period.last else []


def _notes(
    found: Bulletin, before: Bulletin, last_year: Period, reader: Reader | None
) -> list[dict[str, Any]]:
    """What must be known beside the figures; firms are named to those who may see them."""
    notes: list[dict[str, Any]] = []
    if found.late:
        names = [] if reader else sorted(found.late)
        first = max(found.late.values())
        notes.append(
            {"code": "bulletin_left_out", "number": len(found.late), "month": first, "firms": names}
        )
    missing = before.late.keys() - found.late.keys()
    if missing:
        notes.append(
            {"code": "bulletin_not_comparable", "number": len(missing), "period": last_year.text}
        )
    if found.unstated:
        notes.append({"code": "no_opening_stated"})
    if reader:
        notes.append({"code": "bulletin_hidden", "least": LEAST})
    return notes


def _audit(audit: Audit) -> dict[str, Any]:
    """What our own auditor says of a printed line."""
    residual = audit.residual
    closes = residual is not None and residual.low <= Fraction(0) <= residual.high
    return {
        "key": audit.figure.id,
        "reproduced_by": audit.reproduced_by,
        "identity_closes": closes if residual is not None else None,
        "findings": [finding.code for finding in audit.findings],
    }
