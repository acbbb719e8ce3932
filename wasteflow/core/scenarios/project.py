"""A scenario run over the books of a period: year 0 is the period itself, then years ahead; pure.

    generation(year) = generation today x (1 + growth)^year
    existing links   : kept in proportion, up to capacity (`keeping`)
    displaced tonnes : what lost its place or outgrew its receivers, put where there is room at the
                       least cost (`placing`); then
    today's unused   : what a producer stores, disposes of or tips, into capacity above today's only
                       (with `fill`: into today's free capacity too)
    the rest         : storage at the producer
    rate             : the named formula over the terms of the year, as for the books

A scenario in which nothing changes therefore is the books to the kilogram.  Everything that is not
named above scales with generation; routes, moisture, losses and products stay as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.coefficients import Coefficient
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period, next_month
from wasteflow.core.scenarios.blocks import Add, Block, Growth, Price
from wasteflow.core.scenarios.border import crossing, wear
from wasteflow.core.scenarios.columns import KeptLinks, scaled
from wasteflow.core.scenarios.keeping import Keeping, keep_links
from wasteflow.core.scenarios.stations import Yearly, changed_stations, closed_shares, yearly
from wasteflow.core.scenarios.stocks import older_disposal, shortfalls, stocks_at_end
from wasteflow.core.symbiosis.books import end_of
from wasteflow.core.symbiosis.dependence import older_part
from wasteflow.core.symbiosis.links import Demand
from wasteflow.core.symbiosis.placing import Placement, Placer
from wasteflow.core.symbiosis.prices import Prices
from wasteflow.core.symbiosis.today import Owner, Today, moved

MOST_YEARS: Final = 15
YEAR: Final = 12
_REST: Final = (
    "dumped_kg",
    "lost_kg",
    "outside_kg",
    "weighing_difference_kg",
    "stocktake_loss_kg",
    "settled_kg",
)


class Plan(Struct, frozen=True):
    """What is run: blocks, years ahead, whether today's free capacity is filled too."""

    blocks: tuple[Block, ...] = ()
    years: int = 0
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Year:
    """A projected year; kilograms.

    displaced, unused: placements of what lost its place, and of what has no use today; unplaced:
    (kilograms, reason) by producer of the former; stock at the end of the year by holder; short:
    what of today's draw-down the stock no longer holds.
    """

    number: int
    period: Period
    terms: Mapping[Owner, Terms]
    links: KeptLinks
    displaced: Placement
    unused: Placement
    unplaced: Mapping[Owner, tuple[int, str]]
    stock: Mapping[Owner, int]
    unjudged_kg: int
    short: Mapping[Owner, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario's years, year 0 first, and remarks about its blocks as (code, subject).

    memo: what was derived from it and may be kept as long as it is.
    """

    today: Today
    plan: Plan
    years: tuple[Year, ...]
    notes: tuple[tuple[str, str], ...] = ()
    prices: Prices = field(default_factory=lambda: Prices(()))
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def last(self) -> Year:
        """The year the scenario is judged in."""
        return self.years[-1]


def run(today: Today, plan: Plan) -> Run:
    """Project a plan; `today` stays as it is."""
    changed, closed, notes = changed_stations(today, plan.blocks)
    prices = Prices(priced(today.coefficients, plan.blocks))
    registry = dataclasses.replace(
        today.registry,
        facilities={
            **today.registry.facilities,
            **{item.station.facility.code: item.station.facility for item in changed},
        },
    )
    quotas, border = dict(today.quotas), crossing(today) if plan.years else {}
    stock = {owner: held - grown for owner, (held, grown) in today.stock.items()}
    years: list[Year] = []
    keeping: Keeping | None = None
    steady = {item.station.facility.code: yearly(item, today.period) for item in changed}
    same: tuple[object, ...] = ()
    for number in range(plan.years + 1):
        period = shifted(today.period, number)
        scale = scale_of(today, plan.blocks, number)
        stations = [
            yearly(item, period) if item.changes else steady[item.station.facility.code]
            for item in changed
        ]
        states = [item.state for item in stations if item.changed.changes]
        short = shortfalls(today, scale, stock) if number else {}
        now = scale, states, closed_shares(closed, period), short
        if keeping is None or now != same:  # what does not change from year to year is made once
            keeping, same = keep_links(today, stations, closed, period, scale, short), now
        if number:
            notes += wear(today, border, keeping.links, period, quotas)
        placer = Placer(registry, prices, end_of(period))
        state = placer, stations, keeping, scale, short
        year, stock = _year(today, plan, number, state, quotas, stock)
        years.append(year)
        for filing, kg in (*year.displaced.by_filing().items(), *year.unused.by_filing().items()):
            if filing in quotas:
                quotas[filing] = max(0, quotas[filing] - kg)
    return Run(today, plan, tuple(years), tuple(dict.fromkeys(notes)), prices)


def shifted(period: Period, years: int) -> Period:
    """The same months some years later."""
    if not years:
        return period
    return Period.of(next_month(period.first, YEAR * years), next_month(period.last, YEAR * years))


def priced(coefficients: Iterable[Coefficient], blocks: Iterable[Block]) -> list[Coefficient]:
    """Coefficients with the prices of a scenario in their place; the last of equal ones holds."""
    new = {
        (block.price, block.driver, block.material): block
        for block in blocks
        if isinstance(block, Price)
    }
    kept = [item for item in coefficients if (item.kind, item.driver, item.material) not in new]
    made = [
        Coefficient(f"scenario.{number}", price, material, driver, typical=block.value)
        for number, ((price, driver, material), block) in enumerate(sorted(new.items()))
    ]
    return [*kept, *made]


def scale_of(today: Today, blocks: Iterable[Block], years: int) -> dict[Owner, Fraction]:
    """Growth factor of every generator that grows; a block naming the firm comes before one naming
    the material, that before one for all; of equal ones the last holds."""
    growth = {
        (bool(block.enterprise), bool(block.material), block.enterprise, block.material): block
        for block in blocks
        if isinstance(block, Growth)
    }
    found = {}
    for owner in sorted({*today.terms, *today.stock}):
        for key in sorted(growth, reverse=True):
            _, _, firm, material = key
            if firm in ("", owner[0]) and material in ("", owner[1]):
                factor = (1 + growth[key].percent / 100) ** years
                if factor != 1:
                    found[owner] = factor
                break
    return found


_State = tuple[Placer, list[Yearly], Keeping, Mapping[Owner, Fraction], Mapping[Owner, int]]


def _year(
    today: Today,
    plan: Plan,
    number: int,
    state: _State,
    quotas: Mapping[str, int],
    stock: Mapping[Owner, int],
) -> tuple[Year, dict[Owner, int]]:
    placer, stations, keeping, scale, short = state
    lost = keeping.displaced()
    unknown = placer.unknown([item.changed.station for item in stations])
    demands = _demands(placer, stations, keeping.room_kg)
    supplies = {owner: kg for owner, (kg, _) in lost.items()}
    displaced = placer.place(supplies, demands, quotas, unknown)
    unused = _place_unused(today, plan, state, displaced, quotas, unknown)
    placed, reasons, taken = displaced.placed(), displaced.reasons(), unused.placed()
    terms = {}
    for owner, known in today.terms.items():
        own = _scaled_terms(known, scale.get(owner, Fraction(1)))
        gone, prior = lost.get(owner, (0, 0))
        back = placed.get(owner, 0)
        own = moved(own, back - gone, older_part(back, gone, prior) - prior) if gone else own
        terms[owner] = put_to_use(own, taken[owner]) if taken.get(owner) else own
    _settle_links(terms, today, keeping, scale, short)
    unplaced = {
        owner: (kg - placed.get(owner, 0), reasons[owner])
        for owner, (kg, _) in lost.items()
        if kg > placed.get(owner, 0)
    }
    stays = {owner: kg for owner, (kg, _) in unplaced.items()}
    ends = stocks_at_end(today, scale, stock, short, stays, taken)
    period = shifted(today.period, number)
    year = Year(
        number,
        period,
        terms,
        keeping.links,
        displaced,
        unused,
        unplaced,
        ends,
        keeping.unjudged_kg,
        short,
    )
    return year, ends


def _demands(placer: Placer, stations: list[Yearly], room: Mapping[str, int]) -> list[Demand]:
    return [
        placer.demand(item.changed.station, room[item.code], item.changed.position)
        for item in stations
        if item.code in room
    ]


def _place_unused(
    today: Today,
    plan: Plan,
    state: _State,
    displaced: Placement,
    quotas: Mapping[str, int],
    unknown: frozenset[str],
) -> Placement:
    """Today's unused tonnes into what is above today's capacity and still free."""
    placer, stations, keeping, scale, _ = state
    filled, crossed = displaced.by_facility(), displaced.by_filing()
    room = {}
    for item in stations:
        if item.code in keeping.room_kg:
            left = keeping.room_kg[item.code] - filled.get(item.code, 0)
            room[item.code] = left if plan.fill else item.extra_kg(left)
    supplies = {}
    if any(room.values()):
        supplies = {
            (item.enterprise, item.material): scaled(
                item.kg, scale.get((item.enterprise, item.material), Fraction(1))
            )
            for item in today.unmet
            if (item.enterprise, item.material) in today.terms
        }
    rest = {code: max(0, kg - crossed.get(code, 0)) for code, kg in quotas.items()}
    return placer.place(supplies, _demands(placer, stations, room), rest, unknown)


def _scaled_terms(terms: Terms, factor: Fraction) -> Terms:
    """Terms of a year in which generation is `factor` times today's, all in proportion.

    What rounding leaves over is stored, so that the identity of the terms holds to the kilogram.
    """
    if factor == 1:
        return terms
    amounts: dict[str, int | None] = {}
    for name in (
        "generated_kg",
        "utilised_kg",
        "utilised_prior_kg",
        "stored_kg",
        "disposed_kg",
        "disposed_prior_kg",
        "treated_kg",
        *_REST,
    ):
        kg = getattr(terms, name)
        amounts[name] = None if kg is None else scaled(kg, factor)
    return _closed(replace(terms, split={}, **amounts), terms, factor)


def _closed(made: Terms, terms: Terms, factor: Fraction) -> Terms:
    """With `stored_kg` such that the residual of the identity is the scaled one."""
    residual, left = terms.identity_residual_kg, made.identity_residual_kg
    if residual is None or left is None or made.stored_kg is None:
        return made
    return replace(made, stored_kg=made.stored_kg + left - scaled(residual, factor))


def _settle_links(
    terms: dict[Owner, Terms],
    today: Today,
    keeping: Keeping,
    scale: Mapping[Owner, Fraction],
    short: Mapping[Owner, int],
) -> None:
    """Where links were scaled one by one or lack old stock, use is their sum: correct the terms.

    What of the old stock went to disposal falls away with it.
    """
    for owner, (kg, prior) in keeping.links.targets().items() if scale or short else ():
        base, factor = today.terms[owner], scale.get(owner, Fraction(1))
        known = base.utilised_kg is not None and base.utilised_prior_kg is not None
        if known and (owner in scale or owner in short):
            older = prior - scaled(base.utilised_prior_kg or 0, factor)
            terms[owner] = moved(terms[owner], kg - scaled(base.utilised_kg or 0, factor), older)
    for owner, kg in short.items():
        if owner in terms:
            base = today.terms[owner]
            factor = scale.get(owner, Fraction(1))
            used = min(kg, scaled(base.utilised_prior_kg or 0, factor))
            terms[owner] = older_disposal(terms[owner], kg - used)


def put_to_use(terms: Terms, kg: int) -> Terms:
    """`kg` of the year's unused tonnes used: out of what is stored, then disposed of, then tipped.

    What is above all three comes out of the stock and makes `stored_kg` negative.
    """
    if terms.utilised_kg is None or terms.stored_kg is None:
        return terms
    stored = min(kg, max(0, terms.stored_kg))
    new_disposal = max(0, (terms.disposed_kg or 0) - (terms.disposed_prior_kg or 0))
    disposed = min(kg - stored, new_disposal)
    dumped = min(kg - stored - disposed, terms.dumped_kg)
    return replace(
        terms,
        utilised_kg=terms.utilised_kg + kg,
        stored_kg=terms.stored_kg - (kg - disposed - dumped),
        disposed_kg=None if terms.disposed_kg is None else terms.disposed_kg - disposed,
        dumped_kg=terms.dumped_kg - dumped,
        split={},
    )


def opened_names(blocks: Iterable[Block]) -> dict[str, str]:
    """Code → name of the facilities that blocks add."""
    return {
        block.code or f"scenario.{number + 1:02d}": block.name
        for number, block in enumerate(blocks)
        if isinstance(block, Add)
    }
