"""Utilisation rates by named formula (2-domain 1.2, 1.5): terms in kilograms → exact fraction.

An unknown term is None and makes the formulas that need it not computable, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from operator import attrgetter

from msgspec import Struct, field

from wasteflow.core.vocabulary import Evidence

PRIOR_UNTRACED = "prior_stock_untraced"
UNTRACED = "attribution_untraced"
PRODUCT = "product"
NOTHING_GENERATED = "nothing_generated"


class Terms(Struct):
    """Tonnes behind a rate, in kilograms; None = not known.

    `split` holds the utilised kilograms by (route, evidence).  `reason` says why attribution itself
    is impossible; then `utilised_kg` and what depends on it are None.
    """

    generated_kg: int = 0
    utilised_kg: int | None = 0
    utilised_prior_kg: int | None = 0
    stored_kg: int | None = 0
    disposed_kg: int | None = 0
    disposed_prior_kg: int | None = 0
    dumped_kg: int = 0
    treated_kg: int = 0
    weighing_difference_kg: int = 0
    lost_kg: int = 0
    outside_kg: int = 0
    stocktake_loss_kg: int = 0
    settled_kg: int = 0
    split: dict[tuple[str, Evidence], int] = field(default_factory=dict)
    reason: str = ""

    def add(self, other: Terms) -> None:
        """Add another firm's terms; None stays None, a reason stays a reason.

        Where the utilised sum is not known there is no split of it either.
        """
        for name, theirs in zip(AMOUNTS, _amounts(other), strict=True):
            if theirs != 0:
                mine = getattr(self, name)
                unknown = mine is None or theirs is None
                setattr(self, name, None if unknown else mine + theirs)
        for key, kg in other.split.items():
            self.split[key] = self.split.get(key, 0) + kg
        if self.utilised_kg is None:
            self.split.clear()
        self.reason = self.reason or other.reason

    @property
    def identity_residual_kg(self) -> int | None:
        """generated - (new use + stored + new disposal + dumped + lost + …); None if unknown."""
        parts = (
            self.utilised_kg,
            self.utilised_prior_kg,
            self.stored_kg,
            self.disposed_kg,
            self.disposed_prior_kg,
        )
        if any(part is None for part in parts):
            return None
        used, used_prior, stored, disposed, disposed_prior = (part or 0 for part in parts)
        rest = self.dumped_kg + self.lost_kg + self.outside_kg + self.weighing_difference_kg
        rest += self.stocktake_loss_kg + self.settled_kg
        return self.generated_kg - (used - used_prior + stored + disposed - disposed_prior + rest)


AMOUNTS = tuple(name for name in Terms.__struct_fields__ if name not in {"split", "reason"})
"""The first fields of `Terms`, in their order: kilograms."""
_amounts: Callable[[Terms], tuple[int | None, ...]] = attrgetter(*AMOUNTS)


class Rate(Struct, frozen=True):
    """Value as an exact fraction, or the reason why there is none."""

    value: Fraction | None
    not_computable: str | None = None


def simple(terms: Terms) -> Rate:
    """简单综合利用率 = utilised / generated [V]; may exceed 1 where old stock is used.

    >>> simple(Terms(generated_kg=200, utilised_kg=50)).value
    Fraction(1, 4)
    """
    if terms.utilised_kg is None:
        return Rate(None, terms.reason or UNTRACED)
    if not terms.generated_kg:
        return Rate(None, NOTHING_GENERATED)
    return Rate(Fraction(terms.utilised_kg, terms.generated_kg))


def official(terms: Terms) -> Rate:
    """综合利用率 = utilised / (generated + utilised_prior) [V]; in [0, 1] by construction.

    Source: 排放源统计调查制度, 基101表 (2-domain 1.2).

    >>> official(Terms(generated_kg=100, utilised_kg=60, utilised_prior_kg=20)).value
    Fraction(1, 2)
    """
    return _ratio(terms, ("utilised",), ("generated", "utilised_prior"))


def new_waste(terms: Terms) -> Rate:
    """当年产生当年利用率 = (utilised - utilised_prior) / generated [D]; for 新增…综合利用率.

    >>> new_waste(Terms(generated_kg=100, utilised_kg=60, utilised_prior_kg=20)).value
    Fraction(2, 5)
    """
    return _ratio(terms, ("utilised", "-utilised_prior"), ("generated",))


def fate_share(terms: Terms) -> Rate:
    """占利用处置总量比 = utilised / (utilised + disposed + stored + dumped) [V]; not a rate of use.

    Source: 大中城市固体废物污染环境防治年报 (2-domain 1.2).

    >>> fate_share(Terms(utilised_kg=30, disposed_kg=10, stored_kg=60)).value
    Fraction(3, 10)
    """
    return _ratio(terms, ("utilised",), ("utilised", "disposed", "stored", "dumped"))


def disposal_inclusive(terms: Terms) -> Rate:
    """处置利用率 = (utilised + disposed) / (generated + both prior terms) [V], the strict form.

    >>> disposal_inclusive(Terms(generated_kg=100, utilised_kg=60, disposed_kg=20)).value
    Fraction(4, 5)
    """
    return _ratio(
        terms, ("utilised", "disposed"), ("generated", "utilised_prior", "disposed_prior")
    )


def consumption_balance(terms: Terms) -> Rate:
    """产消平衡 = (utilised + treated and not used within the period) / generated [V]; a ratio.

    At least 1 means 综合消纳量 reaches 产生量; it is not the utilisation rate.
    Source: 云南省全面推进磷石膏综合利用工作方案 (2023).

    >>> consumption_balance(Terms(generated_kg=100, utilised_kg=70, treated_kg=40)).value
    Fraction(11, 10)
    """
    return _ratio(terms, ("utilised", "treated"), ("generated",))


def _ratio(terms: Terms, above: tuple[str, ...], below: tuple[str, ...]) -> Rate:
    """Signed sum of terms over sum of terms; a reason if one is unknown or nothing is below."""
    sums = []
    for words in (above, below):
        total = 0
        for word in words:
            kg = getattr(terms, f"{word.lstrip('-')}_kg")
            if kg is None:
                return Rate(None, terms.reason or _missing(terms))
            total += -kg if word.startswith("-") else kg
        sums.append(total)
    return Rate(Fraction(*sums)) if sums[1] else Rate(None, NOTHING_GENERATED)


def _missing(terms: Terms) -> str:
    return UNTRACED if terms.utilised_kg is None else PRIOR_UNTRACED


FORMULAS: dict[str, Callable[[Terms], Rate]] = {
    "official": official,
    "simple": simple,
    "new_waste": new_waste,
    "fate_share": fate_share,
    "disposal_inclusive": disposal_inclusive,
    "consumption_balance": consumption_balance,
}
"""Formula id of the contract → function."""
