"""Ways to the loads of a list: conditions that an index answers, so that few others are read.

The loads of a few firms are found by indices of who sent to whom (`parties`), side by side, those
that are not over by their marks (`apart`), those of a carrier within the months in which it has
any.  Who reads everything reads from the newest on.  Where that would be too many to sort, a list
is sorted within some months only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period, next_month
from wasteflow.core.reading import carriers_of, readable_firms
from wasteflow.core.vocabulary import LoadState
from wasteflow_models.apart import CarrierMonthRow, LoadApartRow
from wasteflow_models.by_month import elsewhere, ids_of
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.live import LoadHandedRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_marks import APART, DISPUTED, HELD, mark_of
from wasteflow_models.parties import sides
from wasteflow_models.raw import is_postgresql

if TYPE_CHECKING:
    from wasteflow.services.live.listing import LoadFilter

WAITING: Final = "waiting"
FEW_FIRMS: Final = 8
"""So many firms are looked up one by one, each in order; more of them by a list."""
MANY_FIRMS: Final = 200
"""Loads of so many firms are sorted; those of more only within some months."""
SHARE: Final = 50
"""One firm in so many registered ones: reading from the newest on finds a page of theirs at once.

Looking all loads of all of them up would cost as much as reading the whole list, for every page.
"""
WIDE_MONTHS: Final = 3
"""Months within which any number of loads may be sorted."""
MANY_LOADS: Final = 200_000
"""So many loads are sorted without a word; more of them only within some months."""
MOST_READ: Final = 1_000_000
"""Loads of the months of a carrier, of which its own are sorted; more only within some months."""
_ROW: Final = ShipmentRow
Conditions = list[ColumnElement[bool]]


class Way(NamedTuple):
    """What an index answers: conditions on loads, or also on marks, which order them by id."""

    conditions: Conditions
    marks: Sequence[ColumnElement[bool]] = ()

    def below(self, key: int) -> Way:
        """The way to loads with smaller ids than `key`, where the list goes by them."""
        if not self.marks:
            return self
        return Way(self.conditions, [*self.marks, LoadApartRow.shipment_id < key])

    def rows(self, session: Session, columns: Any, more: Conditions) -> Select[Any]:
        """Those columns of the loads on this way, of marked ones in the order of the marks.

        PostgreSQL would rather look through all loads in the state of a mark, so it is given loads
        one by one; then columns are of no use but the id.
        """
        if not self.marks:
            return select(columns).where(*more, *self.conditions)
        row, same = LoadApartRow, LoadApartRow.shipment_id == _ROW.id
        if not is_postgresql(session):
            return select(columns).where(same, *self.marks, *more, *self.conditions)
        here = select(_ROW.id).where(same, *more, *self.conditions).correlate(row)
        load = here.offset(0).lateral()
        return select(row.shipment_id.label("id")).join(load, true()).where(*self.marks)


def ways_to(
    session: Session, keys: Keys, actor: Actor, wanted: LoadFilter, own: Sequence[int]
) -> list[Way]:
    """The loads asked for lie on one of these ways at least; an empty one: from the newest on.

    own: firms (ids) whose held mass the actor sees.  Raises InvalidValue `sort_too_wide`.
    """
    told = wanted.state in (LoadState.DRAFT, WAITING) or wanted.doc_no or wanted.updated_after
    if told:
        return [Way([])]
    party = [keys.ids["enterprise"].get(wanted.party, 0)] if wanted.party else []
    firms = readable_firms(actor, "shipment.read", keys.registry)
    carriers = sorted(carriers_of(actor, "shipment.read"))
    most = FEW_FIRMS if party else MANY_FIRMS
    if not wanted.sort and not party:
        most = min(most, max(FEW_FIRMS, len(keys.registry.enterprises) // SHARE))
    if firms is None or len(firms) > most or (carriers and party):
        asked, own = party, []
    else:
        asked = [keys.id_of("enterprise", code) for code in sorted(firms)]
        if carriers and not _mark(wanted):
            ways = _bounded(session, _sides(session, asked, own), wanted) if firms else []
            return [*ways, *_carried(session, carriers, wanted)]
        asked = [] if carriers else asked or [0]
    if mark := _mark(wanted):
        return _bounded(session, _marked(mark, asked, own), wanted)
    if asked:
        return _bounded(session, _sides(session, asked, own), wanted)
    if wanted.sort and not _narrow(wanted) and not carriers:
        raise InvalidValue("sort_too_wide", months=WIDE_MONTHS)
    return [Way([])] if wanted.period is None else _within(session, [Way([])], wanted.period)


def _mark(wanted: LoadFilter) -> int:
    """The mark of all loads asked for, 0 where they have none in common."""
    if wanted.state == "disputed":
        return DISPUTED
    return mark_of(wanted.state) if wanted.state in APART else 0


def _narrow(wanted: LoadFilter) -> bool:
    months = len(list(wanted.period.months())) if wanted.period is not None else 0
    return 0 < months <= WIDE_MONTHS


def _bounded(session: Session, ways: list[Way], wanted: LoadFilter) -> list[Way]:
    """The ways, within the period if they lead to very many loads; InvalidValue `sort_too_wide`."""
    if not (wanted.sort or wanted.period) or not _too_many(session, ways):
        return ways
    if wanted.sort and not _narrow(wanted):
        raise InvalidValue("sort_too_wide", months=WIDE_MONTHS)
    return ways if wanted.period is None else _within(session, ways, wanted.period)


def _too_many(session: Session, ways: Iterable[Way]) -> bool:
    """Whether the ways lead to more than `MANY_LOADS`; no more of them are counted."""
    left = MANY_LOADS
    for way in ways:
        key = LoadApartRow.shipment_id if way.marks else _ROW.id
        found = select(key).where(*(way.marks or way.conditions)).limit(left + 1).subquery()
        left -= session.scalar(select(func.count()).select_from(found)) or 0
        if left < 0:
            return True
    return False


def _sides(session: Session, firms: Sequence[int], holders: Sequence[int]) -> list[Way]:
    """The ways to the loads of the firms, and one to the children whose mass they hold."""
    found = [Way(side) for side in sides(session, firms, FEW_FIRMS)]
    return [*found, *_held(holders)] or [Way([_ROW.id < 0])]


def _held(holders: Sequence[int]) -> list[Way]:
    """The ways to loads of others whose mass these firms hold."""
    row = LoadApartRow
    return [Way([], [row.mark == HELD, row.consignor_id == firm]) for firm in holders]


def _marked(mark: int, firms: Sequence[int], holders: Sequence[int]) -> list[Way]:
    """The ways to the loads of the firms (none: of all) with a mark; holders: as in `_sides`."""
    row = LoadApartRow
    with_mark = row.mark == mark
    if not firms:
        return [Way([], [with_mark])]
    both = (row.consignor_id, row.consignee_id)
    if len(firms) > FEW_FIRMS:
        found = [Way([], [with_mark, side.in_(firms)]) for side in both]
    else:
        found = [Way([], [with_mark, side == firm]) for side in both for firm in firms]
    return [*found, *_held(holders)]  # their state is looked at in the list


# --- carriers and months -------------------------------------------------------------------


def handed_over(carriers: Sequence[str]) -> Select[int]:
    """Loads that one of these carriers has handed over."""
    return select(LoadHandedRow.shipment_id).where(LoadHandedRow.carrier.in_(carriers))


def _carried(session: Session, carriers: Sequence[str], wanted: LoadFilter) -> list[Way]:
    """Ways to the loads that carriers have now and to those that they have handed over.

    The former have no index, which files of a million loads would pay for: they are read from the
    newest on, in the months in which the carriers have any.
    """
    row = CarrierMonthRow
    query = select(row.month).where(row.carrier.in_(carriers)).distinct().order_by(row.month)
    months = list(session.scalars(query))
    if wanted.sort and not _narrow(wanted) and _loads_in(session, months) > MOST_READ:
        raise InvalidValue("sort_too_wide", months=WIDE_MONTHS)
    period, others = wanted.period, list[Way]()
    now = _ROW.carrier.in_(carriers)
    if period is not None:
        months = [month for month in months if period.first <= month <= period.last]
        others = [Way([now, *elsewhere(session, period.first, period.last)])]
    spans = [Way([now, ids_of(first, last)]) for first, last in _runs(months)]
    return [*spans, *others, Way([_ROW.id.in_(handed_over(carriers))])]


def _runs(months: Sequence[int]) -> list[tuple[int, int]]:
    """Months in order as first and last of each run without a gap."""
    found: list[tuple[int, int]] = []
    for month in months:
        if found and next_month(found[-1][1]) == month:
            found[-1] = found[-1][0], month
        else:
            found.append((month, month))
    return found


def _loads_in(session: Session, months: Iterable[int]) -> int:
    """How many loads the months can have, by their last ids."""
    last = [
        session.scalar(select(func.max(_ROW.id)).where(ids_of(month, month))) for month in months
    ]
    return sum(key % STEP for key in last if key)


def _within(session: Session, ways: Iterable[Way], period: Period) -> list[Way]:
    """The ways within the months of a period, and one to loads of it that are not kept there."""
    low, high = period.first * STEP, (period.last + 1) * STEP - 1
    here, marked = ids_of(period.first, period.last), LoadApartRow.shipment_id.between(low, high)
    found = [
        Way([*way.conditions, here], [*way.marks, marked] if way.marks else ()) for way in ways
    ]
    return [*found, Way(elsewhere(session, period.first, period.last))]
