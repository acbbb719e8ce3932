"""Offers, asks and proposed links: made, answered, followed to the first load; who sees which.

One sees what concerns one's own firms, park or region.  An open offer is also seen, without the
name of its firm, by firms that could use the material, an open ask by firms that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound, StaleVersion
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.permissions import Denied, Verdict, judge, require
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.offers import (
    ALIVE,
    MOST_WORDS,
    Offer,
    OfferKind,
    OfferMove,
    OfferState,
    Side,
    by_the_books,
    heard_from,
    moved,
    new_offer,
    settled,
)
from wasteflow.services.identity import new_uids
from wasteflow.services.offer_books import (
    FIRM_ROLES,
    PROPOSE,
    READ,
    WRITE,
    Books,
    fits,
    partners,
)
from wasteflow.services.offer_views import Seen, event_view, offer_view
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.offers import OfferEventRow, OfferRow

MOST_LISTED: Final = 2000
AT_ONCE: Final = 500
STATES: Final = tuple(state.value for state in OfferState)
ALIVE_WORD: Final = "alive"
_ALIVE: Final = tuple(sorted(state.value for state in ALIVE))


class OfferFilter(Struct, frozen=True):
    """What a list holds: a state ("" = all, `alive` = those under way), a material ("" = all)."""

    state: str = ""
    material: str = ""


def make_offer(*, db: Database, actor: Actor | None, offer: Offer, now: datetime) -> dict[str, Any]:
    """Make an offer, an ask or a proposal.

    Raises Denied; NotFound `unknown_code`; InvalidValue of `new_offer`, `offer_product`.
    """
    someone = _somebody(actor)
    with db.write(Alone.NOBODY) as session:
        keys = load_keys(session)
        registry = keys.registry
        _may_make(someone, offer, registry)
        for firm in filter(None, (offer.giver, offer.taker)):
            if firm not in registry.enterprises:
                raise NotFound("unknown_code", what="enterprise", value=firm)
        material = registry.materials.get(offer.material)
        if material is None:
            raise NotFound("unknown_code", what="material", value=offer.material)
        if not material.is_waste:
            raise InvalidValue("offer_product", material=offer.material)
        made = new_offer(offer, shanghai_day(now))
        row = OfferRow(uid=str(new_uids(1, now)[0]), login=someone.login, at=now, version=0)
        row.base_month, row.base_kg = 0, 0
        _put(row, made, keys, now)
        _baseline(session, keys, row, made, now)
        session.add(row)
        session.flush()
        firm = {OfferKind.OFFER: made.giver, OfferKind.ASK: made.taker}.get(made.kind, "")
        _note(session, keys, row, OfferMove.CREATE, someone.login, firm, "", now)
        return _told(session, keys, row, someone, whole=True)


def list_offers(
    *, db: Database, actor: Actor | None, wanted: OfferFilter | None = None, now: datetime
) -> list[dict[str, Any]]:
    """What the actor may see, the newest first, MOST_LISTED of it at most.

    Raises Denied (not signed in), InvalidValue `bad_word`.
    """
    someone, wanted = _somebody(actor), wanted or OfferFilter()
    if wanted.state not in ("", ALIVE_WORD, *STATES):
        raise InvalidValue("bad_word", value=wanted.state, known=" ".join(STATES))
    follow_offers(db=db, now=now)
    with db.read() as session:
        keys = load_keys(session)
        query = select(OfferRow).order_by(OfferRow.id.desc()).execution_options(yield_per=AT_ONCE)
        if wanted.state:
            words = _ALIVE if wanted.state == ALIVE_WORD else (wanted.state,)
            query = query.where(OfferRow.state.in_(words))
        if wanted.material:
            if wanted.material not in keys.registry.materials:
                raise NotFound("unknown_code", what="material", value=wanted.material)
            query = query.where(OfferRow.material_id == keys.id_of("material", wanted.material))
        books = Books(session, keys)
        found = []
        for row in session.scalars(query):
            offer = offer_of(row, keys)
            seen = seen_by(someone, offer, keys.registry, books)
            if seen is not None:
                found.append(offer_view(row, offer, seen, ()))
            if len(found) == MOST_LISTED:
                break
        return found


def get_offer(*, db: Database, actor: Actor | None, uid: str, now: datetime) -> dict[str, Any]:
    """One with its events.  Raises Denied (not signed in), NotFound `unknown_code`."""
    someone = _somebody(actor)
    follow_offers(db=db, now=now)
    with db.read() as session:
        keys = load_keys(session)
        return _told(session, keys, _row(session, uid), someone, whole=True)


class Moving(Struct, frozen=True):
    """A move somebody asks for: `firm` responds or is proposed; `version` seen, None = any."""

    uid: str
    move: OfferMove
    version: int | None
    firm: str = ""
    note: str = ""


def move_offer(
    *, db: Database, actor: Actor | None, asked: Moving, now: datetime
) -> dict[str, Any]:
    """Make a move.

    Raises Denied, NotFound `unknown_code`, StaleVersion, RuleBroken `offer_move_illegal`,
    InvalidValue `offer_firms`, `offer_words`, `offer_note_missing`.
    """
    someone = _somebody(actor)
    if len(asked.note) > MOST_WORDS:
        raise InvalidValue("offer_words", limit=MOST_WORDS)
    if asked.move is OfferMove.NOTE and not asked.note.strip():
        raise InvalidValue("offer_note_missing")
    follow_offers(db=db, now=now)
    with db.write(Alone.NOBODY) as session:
        keys = load_keys(session)
        row = _row(session, asked.uid)
        offer = offer_of(row, keys)
        seen = seen_by(someone, offer, keys.registry, Books(session, keys))
        if seen is None:
            raise NotFound("unknown_code", what="offer", value=asked.uid)
        if asked.version is not None and row.version != asked.version:
            raise StaleVersion(asked.version, row.version)
        if not seen.sides:
            raise Denied(Verdict.NOT_ONES_RIGHT, WRITE)
        firm = _firm_of(asked, seen, keys.registry)
        after = moved(offer, asked.move, seen.sides, firm)
        acting = next((offer.firm(s) for s in (Side.GIVER, Side.TAKER) if s in seen.sides), firm)
        _save(session, keys, row, after, now)
        if after.giver and after.taker and not (offer.giver and offer.taker):
            _baseline(session, keys, row, after, now)
        _note(session, keys, row, asked.move, someone.login, acting, asked.note.strip(), now)
        return _told(session, keys, row, someone, whole=True)


def follow_offers(*, db: Database, now: datetime) -> int:
    """Mark what was realised by a load or lapsed by its day; how many changed."""
    with db.read() as session:
        if not _due(session, load_keys(session), now):
            return 0
    with db.write(Alone.NOBODY) as session:
        keys = load_keys(session)
        due = _due(session, keys, now)
        for row, offer, move in due:
            _save(session, keys, row, settled(offer, move), now)
            _note(session, keys, row, move, "", "", "", now)
        return len(due)


def waiting_offers(*, db: Database, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Offers that wait for the answer of one of the actor's own firms, the longest first."""
    mine = actor.organisations(*FIRM_ROLES)
    if not mine:
        return []
    listed = list_offers(db=db, actor=actor, wanted=OfferFilter("proposed"), now=now)
    return [
        {**row, "organisation": firm}
        for row in reversed(listed)
        for firm in row["asked"]
        if firm in mine and OfferMove.ACCEPT in row["moves"]
    ]


def offer_of(row: OfferRow, keys: Keys) -> Offer:
    """The row as a plain value."""
    firm = keys.codes["enterprise"]
    return Offer(
        OfferKind(row.kind),
        keys.codes["material"][row.material_id],
        row.kg,
        row.first,
        row.last,
        firm[row.giver_id] if row.giver_id else "",
        firm[row.taker_id] if row.taker_id else "",
        row.giver_ok,
        row.taker_ok,
        OfferState(row.state),
        row.place,
        row.quality,
    )


def seen_by(actor: Actor, offer: Offer, registry: Registry, books: Books) -> Seen | None:
    """What the actor sees of an offer and as whom they may move it; None if it is not theirs."""
    sides: set[Side] = set()
    inside = False
    for side in (Side.GIVER, Side.TAKER):
        firm = offer.firm(side)
        if not firm:
            continue
        verdicts = books.verdicts(actor, firm)
        inside |= verdicts[READ] is Verdict.ALLOWED
        if verdicts[WRITE] is Verdict.ALLOWED:
            sides.add(side)
        if verdicts[PROPOSE] is Verdict.ALLOWED:
            sides.add(Side.MANAGER)
    if inside:
        return Seen(frozenset(sides), True)
    if offer.state is not OfferState.OPEN:
        return None
    could = fits(actor, offer, registry, books)
    if not could:
        return None
    may = [f for f in could if _allowed(actor, WRITE, registry, f)]
    return Seen(frozenset({Side.FITTING}) if may else frozenset(), False, tuple(may))


def _allowed(actor: Actor, right: str, registry: Registry, firm: str) -> bool:
    return judge(actor, right, subject_of_firms(registry, firm), READ) is Verdict.ALLOWED


def _somebody(actor: Actor | None) -> Actor:
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, READ)
    return actor


def _may_make(actor: Actor, offer: Offer, registry: Registry) -> None:
    """Raises Denied: an own firm makes an offer or ask, whoever keeps one of the ends proposes.

    Asked before anything is looked up: a firm that does not exist is refused like one of others.
    """
    if offer.kind is not OfferKind.PROPOSAL:
        firm = offer.giver if offer.kind is OfferKind.OFFER else offer.taker
        if not firm:
            raise InvalidValue("offer_firms")
        require(actor, WRITE, subject_of_firms(registry, firm), READ)
        return
    ends = [firm for firm in (offer.giver, offer.taker) if firm]
    verdicts = [judge(actor, PROPOSE, subject_of_firms(registry, firm), READ) for firm in ends]
    if Verdict.ALLOWED not in verdicts:
        other = Verdict.NOT_ONES_RIGHT
        raise Denied(other if other in verdicts else Verdict.NOT_ONES_BUSINESS, PROPOSE)


def _firm_of(asked: Moving, seen: Seen, registry: Registry) -> str:
    """The partner a move names: an own firm that fits, or whom a manager proposes."""
    if asked.move is OfferMove.RESPOND:
        mine = seen.fitting
        if asked.firm and asked.firm not in mine:
            raise InvalidValue("offer_firms")
        return asked.firm or (mine[0] if mine else "")
    if asked.move is OfferMove.PROPOSE and asked.firm not in registry.enterprises:
        raise NotFound("unknown_code", what="enterprise", value=asked.firm)
    return asked.firm if asked.move is OfferMove.PROPOSE else ""


def _row(session: Session, uid: str) -> OfferRow:
    row = session.scalars(select(OfferRow).where(OfferRow.uid == uid)).one_or_none()
    if row is None:
        raise NotFound("unknown_code", what="offer", value=uid)
    return row


def _put(row: OfferRow, offer: Offer, keys: Keys, now: datetime) -> None:
    """The columns of an offer, a version further."""
    firm = {code: keys.id_of("enterprise", code) for code in (offer.giver, offer.taker) if code}
    row.kind, row.state = offer.kind.value, offer.state.value
    row.material_id = keys.id_of("material", offer.material)
    row.giver_id, row.taker_id = firm.get(offer.giver), firm.get(offer.taker)
    row.giver_ok, row.taker_ok = offer.giver_ok, offer.taker_ok
    row.kg, row.first, row.last = offer.kg, offer.first, offer.last
    row.place, row.quality = offer.place, offer.quality
    row.version, row.changed_at = row.version + 1, now


def _save(session: Session, keys: Keys, row: OfferRow, offer: Offer, now: datetime) -> None:
    """Compare and set on the version: of two who answer at once the second is told."""
    held = row.version
    taken = session.execute(
        update(OfferRow)
        .where(OfferRow.id == row.id, OfferRow.version == held)
        .values(changed_at=now, version=held)
        .execution_options(synchronize_session=False)
    )
    if getattr(taken, "rowcount", 0) != 1:
        raise StaleVersion(held, held + 1)
    _put(row, offer, keys, now)
    session.flush()


def _baseline(session: Session, keys: Keys, row: OfferRow, offer: Offer, now: datetime) -> None:
    """What the pair had moved in this month or later when it was named."""
    if offer.giver and offer.taker:
        row.base_month = month_of_day(shanghai_day(now))
        row.base_kg = Books(session, keys).link_kg(offer, row.base_month)


def _note(
    session: Session,
    keys: Keys,
    row: OfferRow,
    move: OfferMove,
    login: str,
    firm: str,
    note: str,
    now: datetime,
) -> None:
    session.add(
        OfferEventRow(
            offer_id=row.id,
            number=row.version,
            move=move.value,
            state=row.state,
            enterprise_id=keys.id_of("enterprise", firm) if firm else None,
            login=login,
            note=note,
            at=now,
        )
    )
    session.flush()


def _due(
    session: Session, keys: Keys, now: datetime
) -> Sequence[tuple[OfferRow, Offer, OfferMove]]:
    """Offers that a load or the calendar moves now."""
    today = shanghai_day(now)
    query = select(OfferRow).where(
        OfferRow.state.in_(_ALIVE),
        or_(OfferRow.last < today, OfferRow.base_month > 0),
    )
    books, found = Books(session, keys), []
    for row in session.scalars(query.order_by(OfferRow.id)):
        offer = offer_of(row, keys)
        paired = bool(offer.giver and offer.taker)
        loaded = paired and books.link_kg(offer, row.base_month) > row.base_kg
        move = by_the_books(offer, today, loaded=loaded)
        if move is not None:
            found.append((row, offer, move))
    return found


def _told(
    session: Session, keys: Keys, row: OfferRow, actor: Actor, *, whole: bool
) -> dict[str, Any]:
    """The offer as the actor sees it.  Raises NotFound `unknown_code` if it is not theirs."""
    offer, books = offer_of(row, keys), Books(session, keys)
    seen = seen_by(actor, offer, keys.registry, books)
    if seen is None:
        raise NotFound("unknown_code", what="offer", value=row.uid)
    events: Sequence[OfferEventRow] = ()
    if whole and seen.inside:
        query = select(OfferEventRow).where(OfferEventRow.offer_id == row.id)
        events = session.scalars(query.order_by(OfferEventRow.number)).all()
        events = events[heard_from(offer, seen.sides, [OfferMove(item.move) for item in events]) :]
    firm = keys.codes["enterprise"]
    view = offer_view(row, offer, seen, [event_view(item, firm) for item in events])
    if OfferMove.PROPOSE.value in view["moves"]:
        view["fitting"] = sorted(partners(offer, books) - {"", offer.giver, offer.taker})
    return view
