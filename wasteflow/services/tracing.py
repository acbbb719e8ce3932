"""Tracing over the books: the chain of months of a material, kept by the version of its roll-up.

Kept per process; another version or other route fates make it anew.  One material at a time, since
materials never mix.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy.orm import Session

from wasteflow.core.periods import Period
from wasteflow.core.tracing.attribution import Basis, PeriodTerms, Split, period_terms
from wasteflow.core.tracing.flows import ledger_starts
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.yearpass import Operators, YearPass, year_pass
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

KEPT = 64
"""Chains kept at most in a process."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A material's months, their systems, and the pass by year over all of them."""

    material: str
    chain: Chain
    operators: Operators
    passed: YearPass
    starts: dict[str, tuple[int, bool]]
    known: dict[tuple[str, Basis], PeriodTerms] = field(default_factory=dict)

    def terms(self, periods: Sequence[Period], basis: Basis) -> list[PeriodTerms]:
        """Terms of every origin for each period, each computed once.

        Always split by route, so that a figure is the same to the kilogram however it is grouped.
        """
        missing = [period for period in periods if (period.text, basis) not in self.known]
        made = dict(self.known)
        if missing:
            results = period_terms(self.operators, self.passed, missing, basis, Split.ROUTE)
            for period, result in zip(missing, results, strict=True):
                made[period.text, basis] = result
            if len(self.known) > KEPT:
                self.known.clear()
            self.known.update(made)
        return [made[period.text, basis] for period in periods]


_kept: OrderedDict[tuple[str, str], tuple[object, Traced]] = OrderedDict()
_lock = Lock()


def traced(session: Session, keys: Keys, material: str, versions: dict[str, int]) -> Traced:
    """The traced books of `material`, from memory if its roll-up has not changed.

    versions: `queries.rollup_versions` of the same transaction.
    """
    fates = {code: route.fate for code, route in keys.registry.routes.items()}
    stamp = (versions.get(material, 0), hash(tuple(sorted(fates.items()))))
    key = (str(session.get_bind()), material)
    with _lock:
        found = _kept.get(key)
        if found and found[0] == stamp:
            _kept.move_to_end(key)
            return found[1]
    table = queries.flow_table(session, keys, material)
    chain = build_chain(table, fates)
    operators = Operators(chain)
    made = Traced(material, chain, operators, year_pass(operators), ledger_starts(table))
    with _lock:
        _kept[key] = (stamp, made)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def warm_tracing(*, db: Database) -> None:
    """Trace every material of the books once."""
    with db.read() as session:
        keys = load_keys(session)
        versions = queries.rollup_versions(session, keys)
        for material in sorted(versions):
            traced(session, keys, material, versions)


def forget() -> None:
    """Drop everything kept (tests; a database file replaced under the same address)."""
    with _lock:
        _kept.clear()
