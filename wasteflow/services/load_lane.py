"""The fast lane of a shipments file: rows that surely are sound wet loads, checked in columns.

Whoever is not proved to be one is left to the lane that checks one row after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import numpy as np
from msgspec import Struct

from wasteflow.core.errors import WasteflowError
from wasteflow.core.loads_bulk import (
    MOST_KG,
    NONE,
    STATES,
    Flags,
    Ints,
    JudgedLoads,
    LoadBatch,
    StatedLoads,
    judge,
)
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.rules import CAP_KG
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.schemas.columns import Coded, Columns, Measure, Spelled, TextChunk, TypedChunk
from wasteflow.schemas.fields import is_bare_date, rounding_kg
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import RowSchema
from wasteflow.services.load_convert import Kin
from wasteflow.services.load_links import LinkAnswers, Links, Parties
from wasteflow.services.load_rows import LoadChecker
from wasteflow_models.keys import Keys
from wasteflow_models.words import LOAD_KINDS

MASSES = ("dispatched_t", "received_t", "accepted_t", "refused_t")
TEXTS = ("vehicle", "carrier", "handler", "ticket_no", "remark", "reason")


class LaneResult(Struct, frozen=True):
    """Rows `taken` by the fast lane; `remarks`: warning code → rows of the chunk.

    `loads` are deliveries, `children` the others; both in file order.
    """

    taken: Flags
    loads: LoadBatch
    children: LoadBatch
    kin: Kin
    remarks: dict[str, Ints]
    rounded_rows: int
    rounded_kg: Decimal


class FastLane:
    """Takes sound wet loads out of the chunks of one file."""

    def __init__(self, schema: RowSchema, keys: Keys, checker: LoadChecker) -> None:
        self._keys, self._names = keys, checker.names
        self._tolerance = schema.clock.tolerance
        self._parties = Parties(keys, checker)
        self._signer = self._parties.place_of(schema.clock.signer)
        self._links = Links(keys, checker, self._parties)
        items = schema.cell_fields()
        measures = _measures(schema.clock, self._parties, schema.round_kg)
        self.columns = Columns(items, measures, ("doc_no", "parent_doc_no"))

    def take(self, chunk: TextChunk, typed: TypedChunk) -> LaneResult:
        """The sound wet loads of a chunk, from what `columns` read of it."""
        judged = judge(_stated(typed, self._own(typed)), self._tolerance)
        kind = typed.measured["kind"].number("kind")
        rows = np.flatnonzero(judged.sure & _plain(typed, kind))
        link = self._link(typed, judged, kind, rows)
        sites = [
            self._facilities(typed, f"{side}_facility", party, rows)
            for side, party in (("from", "consignor"), ("to", "consignee"))
        ]
        good = ~link.refused & (sites[0] >= 0) & (sites[1] >= 0)
        keep = rows[good]
        own = kind[keep] == 0
        loads, children = (
            self._batch(chunk, typed, judged, keep[part], *(site[good][part] for site in sites))
            for part in (own, ~own)
        )
        taken = np.zeros(len(chunk.lines), np.bool_)
        taken[keep] = True
        remarks = {
            "over_cap": keep[judged.over_cap[keep]],
            "reason_missing": keep[(judged.wide_gap & ~typed.texts["reason"].given())[keep]],
            "weight_disputed": keep[judged.disputed[keep]],
            "evidence_too_good": keep[judged.too_good[keep]],
            "route_not_registered": keep[link.unregistered[good]],
            "conditional_without_document": keep[link.conditional[good]],
            "cross_province_without_filing": keep[link.unfiled[good]],
            "expired_permit": keep[link.expired[good]],
        }
        kin = Kin(kind[keep[~own]], listed(typed.texts["parent_doc_no"], keep[~own]))
        return LaneResult(taken, loads, children, kin, remarks, *_rounding(chunk, typed, keep))

    def _own(self, typed: TypedChunk) -> Flags:
        """Which rows name the firm whose own file this is."""
        if not self._signer:
            return np.zeros(typed.measured["consignor"].codes.shape, np.bool_)
        places = (typed.measured[side].number("place") for side in ("consignor", "consignee"))
        consignor, consignee = (place == self._signer for place in places)
        return np.asarray(consignor | consignee, np.bool_)

    def _link(self, typed: TypedChunk, judged: JudgedLoads, kind: Ints, rows: Ints) -> LinkAnswers:
        cells = typed.measured
        sent_day = cells["dispatched_at"].number("day")[rows]
        got = judged.decided & ~judged.receipt_at_dispatch
        got_day = cells["received_at"].number("day")[rows]
        return self._links.ask(
            (cells["consignor"].number("place")[rows], cells["consignee"].number("place")[rows]),
            cells["material"].number("place")[rows],
            cells["route"].number("place")[rows],
            kind[rows],
            sent_day,
            np.where(got[rows], got_day, sent_day),
        )

    def _facilities(self, typed: TypedChunk, name: str, party: str, rows: Ints) -> Ints:
        """Key of the facility of `rows` in column `name`; 0 for none, -1 if it is refused."""
        column = typed.measured[name]
        found = np.zeros(len(rows), np.int64)
        named = np.flatnonzero(column.given()[rows])
        if not len(named):
            return found
        firms = self._parties.firms
        owners = typed.measured[party].number("place")[rows[named]]
        pairs = column.codes[rows[named]] * len(firms) + owners
        distinct, where = np.unique(pairs, return_inverse=True)
        keys = [
            self._facility(column.word(pair // len(firms)), firms[pair % len(firms)])
            for pair in distinct.tolist()
        ]
        found[named] = np.array(keys, np.int64)[where]
        return found

    def _facility(self, code: str, owner: str) -> int:
        try:
            return self._keys.id_of("facility", self._names.facility(code, owner).code)
        except WasteflowError:
            return -1

    def _batch(
        self,
        chunk: TextChunk,
        typed: TypedChunk,
        judged: JudgedLoads,
        keep: Ints,
        from_facility: Ints,
        to_facility: Ints,
    ) -> LoadBatch:
        cells = {name: column.at(keep) for name, column in typed.measured.items()}
        consignor, consignee = (cells[name].number("place") for name in ("consignor", "consignee"))
        sent, got = cells["dispatched_at"], cells["received_at"]
        decided, late = judged.decided[keep], judged.receipt_at_dispatch[keep]

        def receipt(measure: str) -> Ints:
            given = np.where(late, sent.number(measure), got.number(measure))
            return np.where(decided, given, 0)

        parties = self._parties
        return LoadBatch(
            line=chunk.lines[keep],
            doc_no=listed(typed.texts["doc_no"], keep),
            consignor_id=parties.firm_ids[consignor],
            consignee_id=parties.firm_ids[consignee],
            material_id=parties.material_ids[cells["material"].number("place")],
            route_id=parties.route_ids[cells["route"].number("place")],
            from_facility_id=from_facility,
            to_facility_id=to_facility,
            from_outside=parties.external[consignor],
            to_outside=parties.external[consignee],
            trips=cells["loads"].number("count"),
            mode=cells["mode"].texts(),
            basis="wet",
            weighed=cells["weighed"].texts(),
            **{name: typed.texts[name].texts(keep) for name in TEXTS},
            dispatched_at=sent.number("at"),
            dispatched_month=sent.number("month"),
            dispatched_day=sent.number("day"),
            dispatched_kg=judged.sent_kg[keep],
            dispatch_input_kg=judged.sent_kg[keep],
            dispatch_dry_kg=judged.dry_kg[keep],
            moisture=cells["moisture_pct"].number("share"),
            received_at=receipt("at"),
            received_month=receipt("month"),
            received_day=receipt("day"),
            received_kg=judged.received_kg[keep],
            receipt_input_kg=judged.received_kg[keep],
            receipt_dry_kg=judged.receipt_dry_kg[keep],
            receipt_moisture=np.where(
                decided, cells["received_moisture_pct"].number("share"), NONE
            ),
            accepted_kg=judged.accepted_kg[keep],
            refused_kg=judged.refused_kg[keep],
            evidence=judged.evidence[keep],
            state=_words(judged.state[keep]),
        )


def _words(states: Ints) -> list[str]:
    words = np.array([state.value for state in STATES], object)
    found: list[str] = words[states].tolist()
    return found


def listed(column: Coded | Spelled, rows: Ints) -> list[str]:
    """The text of a column in each of some rows, ascending."""
    found = column.texts(rows)
    return [found] * len(rows) if isinstance(found, str) else found


def _plain(typed: TypedChunk, kind: Ints) -> Flags:
    """Whether the cells can be read and are those of a wet load in the past.

    A delivery names no parent, and another load one that is not itself.
    """
    cells, parent = typed.measured, typed.texts["parent_doc_no"]
    plain: Flags = typed.sound & cells["basis"].flag("wet") & (parent.given() == (kind > 0))
    children = np.flatnonzero(plain & (kind > 0))
    names = (listed(typed.texts[name], children) for name in ("doc_no", "parent_doc_no"))
    plain[children] = [own != other for own, other in zip(*names, strict=True)]
    for name in ("dispatched_at", "received_at"):
        plain &= ~cells[name].flag("odd")
    return plain


def _stated(typed: TypedChunk, own: Flags) -> StatedLoads:
    cells = typed.measured
    sent, got = cells["dispatched_at"], cells["received_at"]
    kg = {name: cells[name].number("kg") for name in MASSES}
    return StatedLoads(
        sent_kg=kg["dispatched_t"],
        received_kg=kg["received_t"],
        accepted_kg=kg["accepted_t"],
        refused_kg=kg["refused_t"],
        moisture=cells["moisture_pct"].number("share"),
        receipt_moisture=cells["received_moisture_pct"].number("share"),
        sent_at=sent.number("at"),
        sent_day=sent.number("day"),
        sent_bare=sent.flag("bare"),
        receipt_timed=got.given(),
        received_at=got.number("at"),
        received_day=got.number("day"),
        received_bare=got.flag("bare"),
        trips=cells["loads"].number("count"),
        cap_kg=cells["mode"].number("cap"),
        asked=cells["evidence"].number("grade"),
        estimated=cells["weighed"].flag("estimated"),
        own=own,
    )


def _rounding(chunk: TextChunk, typed: TypedChunk, keep: Ints) -> tuple[int, Decimal]:
    """(rows with a rounded mass, rounded minus exact kilograms) of the rows `keep`."""
    rounded = np.zeros(len(keep), np.bool_)
    total = Decimal(0)
    for name in MASSES:
        stepped = typed.measured[name].flag("step")[keep]
        if stepped.any():
            rounded |= stepped
            cells = chunk.frame[name].gather(keep[stepped])
            for text, count in cells.value_counts(sort=True).rows():
                total += rounding_kg(text) * count
    return int(rounded.sum()), total


def _measures(
    clock: Clock, parties: Parties, round_kg: bool
) -> Mapping[str, Mapping[str, Measure]]:
    """What the fast lane asks of the values of a column."""
    mass: dict[str, Measure] = {
        "kg": lambda _, kg: NONE if kg is None else kg if 0 <= kg <= MOST_KG else MOST_KG + 1,
        "step": lambda text, kg: int(round_kg and kg is not None and rounding_kg(text) != 0),
    }
    party: dict[str, Measure] = {"place": parties.firm}
    share: dict[str, Measure] = {"share": lambda _, given: NONE if given is None else given}
    return {
        **dict.fromkeys(MASSES, mass),
        **dict.fromkeys(("moisture_pct", "received_moisture_pct"), share),
        **dict.fromkeys(("dispatched_at", "received_at"), _moment_measures(clock)),
        **dict.fromkeys(("consignor", "consignee"), party),
        "material": {"place": parties.material},
        "route": {"place": parties.route},
        "from_facility": {},
        "to_facility": {},
        "loads": {"count": lambda _, trips: trips or 1},
        "mode": {"cap": lambda _, mode: CAP_KG.get(mode, 0)},
        "kind": {"kind": lambda _, kind: LOAD_KINDS.index(kind or LOAD_KINDS[0])},
        "basis": {"wet": lambda _, basis: int(basis == "wet")},
        "weighed": {"estimated": lambda _, weighed: int(weighed == "estimated")},
        "evidence": {"grade": lambda _, word: int(EVIDENCE.get(word, NONE))},
    }


def _moment_measures(clock: Clock) -> dict[str, Measure]:
    today = clock.today.toordinal()

    def odd(text: str, moment: datetime | None) -> int:
        """A fraction of a second, or not in the past: for the other lane."""
        if moment is None:
            return 0
        ahead = clock.is_future(moment, is_bare_date(text))
        return int(ahead or moment.microsecond > 0 or shanghai_day(moment).toordinal() > today)

    return {
        "at": lambda _, moment: int(moment.timestamp()) if moment else 0,
        "day": lambda _, moment: shanghai_day(moment).toordinal() if moment else 0,
        "month": lambda _, moment: month_of_day(shanghai_day(moment)) if moment else 0,
        "bare": lambda text, _: int(is_bare_date(text)),
        "odd": odd,
    }
