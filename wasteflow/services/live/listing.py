"""Lists of loads with filters, a sort and a cursor: one's own, found by the sides they name.

A million loads lie in the order of their ids, the month of dispatch first.  Those of a few firms
are found by indices of who sent to whom (`parties`), side by side, and put together; who reads
everything reads from the newest on, and sorts otherwise only within a partner or some months.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    SQLColumnExpression,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import InvalidValue
from wasteflow.core.ids import load_of_uid
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reading import carriers_of, readable_firms
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.inbox import waiting_ids
from wasteflow.services.live.views import load_view
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    BatchRow,
    EventRow,
    LoadChildRow,
    LoadNumberRow,
    ShipmentRow,
    visible,
)
from wasteflow_models.live import ChangeRow, LoadDraftRow, LoadHandedRow, RevisionRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.parties import sides
from wasteflow_models.registry import EnterpriseRow

LIMIT, MOST = 50, 200
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
"""Months within which who reads everything may sort."""
_FIRM = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER, Role.DELEGATE)
_ROW: Final = ShipmentRow
Conditions = list[ColumnElement[bool]]
Key = SQLColumnExpression[Any]


def _name(side: Any) -> Key:
    query = select(EnterpriseRow.name_zh).where(EnterpriseRow.id == side)
    return func.coalesce(query.scalar_subquery(), "")


SORTS: Final[dict[str, tuple[Key, ...]]] = {
    "date": (func.coalesce(type_coerce(_ROW.dispatched_at, BigInteger), 0),),
    "number": (_ROW.doc_no,),
    "tonnes": (_ROW.dispatched_kg,),
    "state": (type_coerce(_ROW.state, SmallInteger),),
    "partner": (_name(_ROW.consignor_id), _name(_ROW.consignee_id)),
}
"""Word of a sort → what it goes by, before the id; "-" in front of the word turns it round."""


class LoadFilter(Struct, frozen=True):
    """What a list holds: `state` (a word, "disputed", "waiting" for the actor's own organisations,
    or "" = all but drafts), `party` (code of an enterprise), `period` of the dispatch, `doc_no`,
    and what changed after a moment; `sort`: a word of `SORTS`, "" for the newest first.
    """

    state: str = ""
    party: str = ""
    period: Period | None = None
    doc_no: str = ""
    material: str = ""
    updated_after: datetime | None = None
    sort: str = ""


def list_loads(
    *,
    db: Database,
    actor: Actor | None,
    wanted: LoadFilter | None = None,
    limit: int = LIMIT,
    cursor: str = "",
) -> dict[str, Any]:
    """A page of loads, the newest first if no sort is asked for:
    `{"items": [...], "next": cursor or None}`.

    The cursor is the id of the last load; loads recorded meanwhile do not move the pages.
    Raises Denied (not signed in), InvalidValue `bad_cursor`, `bad_word`, `sort_too_wide`.
    """
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    wanted = wanted or LoadFilter()
    limit = max(1, min(limit, MOST))
    with db.read() as session:
        keys = load_keys(session)
        query = page_query(session, keys, actor, wanted, limit + 1, cursor)
        rows = list(session.scalars(query))
        held = held_rows(session, keys, rows[:limit])
        more = str(held[-1].uid) if len(rows) > limit else None
        return {"items": [load_view(item, actor) for item in held], "next": more}


def page_query(
    session: Session, keys: Keys, actor: Actor, wanted: LoadFilter, limit: int, cursor: str = ""
) -> Select[ShipmentRow]:
    """The rows of a page, each way to them with its own bound."""
    sort, descending = wanted.sort.removeprefix("-"), not wanted.sort or wanted.sort[0] == "-"
    if sort and sort not in SORTS:
        raise InvalidValue("bad_word", value=wanted.sort, known=", ".join(SORTS))
    order = (*(SORTS[sort] if sort else ()), _ROW.id)
    conditions = _conditions(session, keys, actor, wanted)
    ways = _ways(session, keys, actor, wanted)
    if cursor:
        drafts = and_(*_of_drafts(keys, actor, LoadFilter()))
        ones = or_(and_(visible(), seen_by(keys, actor)), drafts)
        conditions.append(_beyond(session, ones, cursor, order, descending))
    ordered = [key.desc() if descending else key.asc() for key in order]
    if len(ways) == 1:
        return select(_ROW).where(*conditions, *ways[0]).order_by(*ordered).limit(limit)
    parts = [
        select(_ROW.id).where(*conditions, *way).order_by(*ordered).limit(limit).subquery()
        for way in ways
    ]
    found = union_all(*(select(part.c.id) for part in parts))
    return select(_ROW).where(_ROW.id.in_(found)).order_by(*ordered).limit(limit)


def _beyond(
    session: Session,
    ones: ColumnElement[bool],
    cursor: str,
    order: Sequence[Key],
    descending: bool,
) -> ColumnElement[bool]:
    """Loads behind the one that a cursor names, which must be one of `ones`."""
    try:
        ref = load_of_uid(UUID(cursor))
    except ValueError:
        ref = None
    if ref is None:
        raise InvalidValue("bad_cursor", value=cursor[:60])
    if len(order) == 1:
        return _ROW.id < ref.key if descending else _ROW.id > ref.key
    # What a load of others holds must not be told by where one's own come beside it.
    query = select(*order).where(_ROW.id == ref.key, ones)
    last = session.execute(query).one_or_none()
    if last is None:
        raise InvalidValue("bad_cursor", value=cursor[:60])
    here, there = tuple_(*order), tuple_(*(literal(value) for value in last))
    return here < there if descending else here > there


def _conditions(session: Session, keys: Keys, actor: Actor, wanted: LoadFilter) -> Conditions:
    row = _ROW
    if wanted.state == LoadState.DRAFT:
        return _of_drafts(keys, actor, wanted)
    found: Conditions = []
    # the dearest test comes last: most loads fail one of the others first
    seen = [visible(), seen_by(keys, actor)]
    if wanted.state == WAITING:
        found, seen = [row.id.in_(waiting_ids(session, keys, actor))], []
    elif wanted.state == "disputed":
        found += [row.evidence == 4, row.received_month > 0]
    elif wanted.state:
        if wanted.state not in set(LoadState):
            known = ", ".join([*LoadState, "disputed", WAITING])
            raise InvalidValue("bad_word", value=wanted.state, known=known)
        found.append(row.state == wanted.state)
    if wanted.party:
        key = keys.ids["enterprise"].get(wanted.party, 0)
        found.append(or_(row.consignor_id == key, row.consignee_id == key))
    if wanted.material:
        found.append(row.material_id == keys.ids["material"].get(wanted.material, 0))
    if wanted.period is not None:
        found.append(row.dispatched_month.between(wanted.period.first, wanted.period.last))
    if wanted.doc_no:
        numbered = select(LoadNumberRow.shipment_id).where(LoadNumberRow.doc_no == wanted.doc_no)
        found.append(row.id.in_(numbered))
    if wanted.updated_after is not None:
        found.append(_changed(session, wanted.updated_after))
    return [*found, *seen]


def _of_drafts(keys: Keys, actor: Actor, wanted: LoadFilter) -> Conditions:
    """Drafts of one's own organisations, and those one was reminded of."""
    draft, own = LoadDraftRow, actor.organisations(*_FIRM)
    ids = sorted(keys.ids["enterprise"][code] for code in own & keys.ids["enterprise"].keys())
    reminded = exists().where(EventRow.shipment_id == draft.shipment_id)
    mine = select(draft.shipment_id).where(
        or_(
            draft.organisation.in_(sorted(own)),
            and_(or_(draft.consignor_id.in_(ids), draft.consignee_id.in_(ids)), reminded),
        )
    )
    found = [_ROW.state == LoadState.DRAFT.value, _ROW.id.in_(mine)]
    if wanted.party:
        key = keys.ids["enterprise"].get(wanted.party, 0)
        sides = or_(draft.consignor_id == key, draft.consignee_id == key)
        found.append(_ROW.id.in_(select(draft.shipment_id).where(sides)))
    return found


def seen_by(keys: Keys, actor: Actor) -> ColumnElement[bool]:
    """Loads that are the actor's business: as the permission table says, in SQL."""
    firms = readable_firms(actor, "shipment.read", keys.registry)
    if firms is None:
        return _ROW.id > 0
    ids = sorted(keys.id_of("enterprise", code) for code in firms)
    carriers = sorted(carriers_of(actor, "shipment.read"))
    found = [_ROW.consignor_id.in_(ids), _ROW.consignee_id.in_(ids)]
    found.append(_ROW.holder_id.in_(_own_ids(keys, actor)))
    if carriers:
        found += [_ROW.carrier.in_(carriers), _ROW.id.in_(_handed_over(carriers))]
    return or_(*found)


def _handed_over(carriers: Sequence[str]) -> Select[int]:
    """Loads that one of these carriers has handed over."""
    return select(LoadHandedRow.shipment_id).where(LoadHandedRow.carrier.in_(carriers))


def _own_ids(keys: Keys, actor: Actor) -> list[int]:
    own = actor.organisations(*_FIRM) & keys.ids["enterprise"].keys()
    return sorted(keys.id_of("enterprise", code) for code in own)


# --- ways to the rows ----------------------------------------------------------------------


def _ways(session: Session, keys: Keys, actor: Actor, wanted: LoadFilter) -> list[Conditions]:
    """Conditions that an index answers; the loads asked for lie on one of them at least.

    One empty way: from the newest on.  Raises InvalidValue `sort_too_wide`.
    """
    told = wanted.state in (LoadState.DRAFT, WAITING) or wanted.doc_no or wanted.updated_after
    if told:
        return [[]]
    party = [keys.ids["enterprise"].get(wanted.party, 0)] if wanted.party else []
    firms = readable_firms(actor, "shipment.read", keys.registry)
    carriers = sorted(carriers_of(actor, "shipment.read"))
    most = FEW_FIRMS if party else MANY_FIRMS
    if not wanted.sort and not party:
        most = min(most, max(FEW_FIRMS, len(keys.registry.enterprises) // SHARE))
    if firms is not None and len(firms) <= most and not (carriers and party):
        own = _own_ids(keys, actor)
        ids = [keys.id_of("enterprise", code) for code in sorted(firms)]
        ways = _sides(session, ids, own)
        if not carriers:
            return ways
        return [*(ways if firms else []), *_carried(carriers, wanted.period)]
    if party:
        return _sides(session, party, [])
    months = len(list(wanted.period.months())) if wanted.period is not None else 0
    narrow = 0 < months <= WIDE_MONTHS
    if wanted.sort and not narrow and not carriers:
        raise InvalidValue("sort_too_wide", months=WIDE_MONTHS)
    return _by_months(wanted.period) if wanted.period is not None else [[]]


def _sides(session: Session, firms: Sequence[int], holders: Sequence[int]) -> list[Conditions]:
    """The ways to the loads of the firms, and one to the children whose mass they hold."""
    found = sides(session, firms, FEW_FIRMS)
    if holders:
        children = select(LoadChildRow.child_id)
        found.append([_ROW.holder_id.in_(holders), _ROW.id.in_(children)])
    return found or [[_ROW.id < 0]]


def _carried(carriers: Sequence[str], period: Period | None) -> list[Conditions]:
    """Ways to the loads that carriers have now and to those that they have handed over.

    The former have no index, which files of a million loads would pay for: from the newest on.
    """
    months = _by_months(period) if period is not None else [[]]
    now = _ROW.carrier.in_(carriers)
    return [*([now, *way] for way in months), [_ROW.id.in_(_handed_over(carriers))]]


def _by_months(period: Period) -> list[Conditions]:
    """The ids of the months, and those that carry another month than that of their dispatch:
    loads kept by hand, and revised ones.
    """
    within = _ROW.id.between(period.first * STEP, (period.last + 1) * STEP - 1)
    by_hand = union_all(
        select(LoadDraftRow.shipment_id),
        select(RevisionRow.shipment_id).where(RevisionRow.event_seq.is_not(None)),
    )
    return [[within], [_ROW.id.in_(by_hand), not_(within)]]


def _changed(session: Session, after: datetime) -> ColumnElement[bool]:
    """Loads that somebody changed, or that a file brought or completed, after a moment."""
    row, change = _ROW, ChangeRow
    touched = select(change.record_id).where(change.kind == "shipment", change.at > after)
    batches = select(BatchRow.id).where(BatchRow.recorded_at > after, BatchRow.published)
    newer = list(session.scalars(batches.order_by(BatchRow.id)))
    found = row.id.in_(touched)
    if not newer:
        return found
    completed = exists().where(EventRow.shipment_id == row.id, EventRow.batch_id.in_(newer))
    return or_(found, row.batch_id.in_(newer), completed)
