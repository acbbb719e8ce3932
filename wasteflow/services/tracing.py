"""Tracing over the books: the chain of months of a material, kept by the version of its roll-up.

Kept per process; another version or other route fates make it anew.  One material at a time, since
materials never mix.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from sqlalchemy.orm import Session

from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.yearpass import Operators, YearPass, year_pass
from wasteflow_models import queries
from wasteflow_models.convert import Keys

KEPT = 64
"""Chains kept at most in a process."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A material's months, their systems, and the pass by year over all of them."""

    material: str
    chain: Chain
    operators: Operators
    passed: YearPass


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
    chain = build_chain(queries.flow_table(session, keys, material), fates)
    operators = Operators(chain)
    made = Traced(material, chain, operators, year_pass(operators))
    with _lock:
        _kept[key] = (stamp, made)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def forget() -> None:
    """Drop everything kept (tests; a database file replaced under the same address)."""
    with _lock:
        _kept.clear()
