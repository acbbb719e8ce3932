"""以用定产 (use sets output): what a phosphogypsum producer consumed, and may generate next.

Yunnan's plan ties the making of phosphoric acid to the consumption of phosphogypsum, so that net
new stock falls to zero and old stock is drawn down (S1 专栏6 [S]).  Pure arithmetic on the terms of
one generator, material and period (2-domain 1.5); nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from msgspec import Struct

from wasteflow.core.coefficients import Coefficient, per_driver
from wasteflow.core.formulas import PRIOR_UNTRACED, UNTRACED, Terms
from wasteflow.core.units import tonnes_text

NET_NEW_STOCK, PLAN_MISSED = "net_new_stock_positive", "draw_down_behind_plan"
"""Findings; they block nothing."""

Range = tuple[int | None, int | None, int | None]
"""(low, typical, high) in kilograms."""


class Consumption(Struct, frozen=True):
    """One producer, material and period; kilograms, None = not computable (`reason` says why).

    `consumed_kg` = utilised; `treated_kg` = made harmless and not used, counted in 综合消纳量 only,
    because it still lies in stock.  `allowed_kg` = what may be generated in a next period of the
    same length; `allowed_after_plan_kg` leaves room for the planned draw on old stock.
    """

    enterprise: str
    material: str
    period: str
    generated_kg: int
    consumed_kg: int | None
    treated_kg: int
    net_new_stock_kg: int | None
    allowed_kg: int | None
    allowed_after_plan_kg: int | None
    acid_kg: Range
    drawn_kg: int | None
    plan_kg: int | None
    old_stock_kg: int | None
    old_stock_left_kg: int | None
    findings: tuple[str, ...] = ()
    reason: str = ""

    @property
    def balance(self) -> Fraction | None:
        """(consumed + treated) / generated, 产消平衡 from 1 on; None if nothing generated."""
        if self.consumed_kg is None or not self.generated_kg:
            return None
        return Fraction(self.consumed_kg + self.treated_kg, self.generated_kg)

    @property
    def plan_share(self) -> Fraction | None:
        """Drawn from old stock / planned; None without a plan."""
        if self.drawn_kg is None or not self.plan_kg:
            return None
        return Fraction(self.drawn_kg, self.plan_kg)


def net_new_stock(terms: Terms) -> int | None:
    """新增堆存量 = 贮存量 - 综合利用往年贮存量 - 处置往年贮存量, in kilograms; None if unknown.

    Source: stock roll-forward of 2-domain 1.2 (closing - opening, survey corrections aside) [D].

    >>> net_new_stock(Terms(stored_kg=50, utilised_prior_kg=30, disposed_prior_kg=25))
    -5
    """
    parts = (terms.stored_kg, terms.utilised_prior_kg, terms.disposed_prior_kg)
    stored, used, disposed = parts
    if stored is None or used is None or disposed is None:
        return None
    return stored - used - disposed


def drawn_down(terms: Terms) -> int | None:
    """Mass of earlier periods used or disposed of, in kilograms; None if unknown."""
    if terms.utilised_prior_kg is None or terms.disposed_prior_kg is None:
        return None
    return terms.utilised_prior_kg + terms.disposed_prior_kg


def consumption(
    enterprise: str,
    material: str,
    period: str,
    terms: Terms,
    *,
    coefficient: Coefficient | None = None,
    old_stock_kg: int | None = None,
    plan_kg: int | None = None,
    reason: str = "",
) -> Consumption:
    """以用定产 of one producer.

    terms: of the producer and period; coefficient: tonnes of the material per tonne of acid (P2O5)
    for the acid equivalent; old_stock_kg: what lay there at the start; plan_kg: the draw on old
    stock planned for a period of this length; reason: why there are no terms (`ledger_starts_…`).

    >>> done = consumption("ent.x", "phosphogypsum", "2026", Terms(generated_kg=100,
    ...     utilised_kg=80, utilised_prior_kg=30, stored_kg=50))
    >>> done.allowed_kg, done.net_new_stock_kg, done.findings
    (80, 20, ('net_new_stock_positive',))
    """
    consumed = None if reason else terms.utilised_kg
    net = None if reason else net_new_stock(terms)
    drawn = None if reason else drawn_down(terms)
    after_plan = None
    if consumed is not None and plan_kg is not None:
        after_plan = max(0, consumed - plan_kg)
    findings = []
    if net is not None and net > 0:
        findings.append(NET_NEW_STOCK)
    if drawn is not None and plan_kg is not None and drawn < plan_kg:
        findings.append(PLAN_MISSED)
    acid: Range = (None, None, None)
    if consumed is not None and coefficient is not None:
        acid = per_driver(consumed, coefficient)
    left = None if drawn is None or old_stock_kg is None else max(0, old_stock_kg - drawn)
    return Consumption(
        enterprise=enterprise,
        material=material,
        period=period,
        generated_kg=terms.generated_kg,
        consumed_kg=consumed,
        treated_kg=terms.treated_kg,
        net_new_stock_kg=net,
        allowed_kg=consumed,
        allowed_after_plan_kg=after_plan,
        acid_kg=acid,
        drawn_kg=drawn,
        plan_kg=plan_kg,
        old_stock_kg=old_stock_kg,
        old_stock_left_kg=left,
        findings=tuple(findings),
        reason=reason or _unknown(terms, consumed, net),
    )


def _unknown(terms: Terms, consumed: int | None, net: int | None) -> str:
    if consumed is None:
        return terms.reason or UNTRACED
    return PRIOR_UNTRACED if net is None else ""


def consumption_row(item: Consumption) -> Mapping[str, Any]:
    """The JSON object of one producer; tonnes are strings, shares fractions."""
    acid = zip(("low", "typical", "high"), item.acid_kg, strict=True)
    return {
        "enterprise": item.enterprise,
        "material": item.material,
        "period": item.period,
        "generated_t": tonnes_text(item.generated_kg),
        "consumed_t": _tonnes(item.consumed_kg),
        "treated_t": tonnes_text(item.treated_kg),
        "balance": _share(item.balance),
        "net_new_stock_t": _tonnes(item.net_new_stock_kg),
        "allowed_generation_t": _tonnes(item.allowed_kg),
        "allowed_after_plan_t": _tonnes(item.allowed_after_plan_kg),
        "acid_equivalent_t": {word: _tonnes(kg) for word, kg in acid},
        "old_stock_t": _tonnes(item.old_stock_kg),
        "drawn_from_old_stock_t": _tonnes(item.drawn_kg),
        "draw_down_plan_t": _tonnes(item.plan_kg),
        "draw_down_share": _share(item.plan_share),
        "old_stock_left_t": _tonnes(item.old_stock_left_kg),
        "findings": list(item.findings),
        "not_computable": item.reason or None,
    }


def _tonnes(kg: int | None) -> str | None:
    return None if kg is None else tonnes_text(kg)


def _share(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 9)
