"""One import of loads on its way into the books: what is new is written, what is known compared.

`Staging` takes checked columns chunk by chunk inside the caller's transactions and remembers what
publishing needs: the roll-up, completions, parents in the books, first movements.  Nothing a report
reads changes before `load_publish`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, booked_months, late_loads
from wasteflow.core.errors import RowIssue
from wasteflow.core.loads_bulk import LoadBatch, posting_columns
from wasteflow.core.postings_bulk import (
    BulkRollup,
    LoadColumns,
    bulk_load_postings,
    firms_in,
)
from wasteflow.services.again import Overtaken
from wasteflow.services.load_bound import Bound, chosen
from wasteflow.services.load_convert import (
    header_columns,
    weight_columns,
)
from wasteflow.services.load_known import Known, compare
from wasteflow.services.load_parts import OpenParts
from wasteflow.services.load_ready import FirstDays, Moves, Noted, ReadyLoads
from wasteflow.services.load_receipts import Receipts, ready_receipts
from wasteflow.services.load_signing import Signing
from wasteflow_models import apart, load_store
from wasteflow_models.convert import Keys
from wasteflow_models.copied_moves import claim_copies
from wasteflow_models.event_lane import EventLane, insert_copies
from wasteflow_models.flow_parts import ReadyPart
from wasteflow_models.late import Closed
from wasteflow_models.ledger import StagedRow
from wasteflow_models.link_keys import firms_of
from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_pack import PackedLoads
from wasteflow_models.packed_moves import claim_packed, insert_packed
from wasteflow_models.parties import add_senders
from wasteflow_models.partitions import (
    new_load_ids,
)

Ints = NDArray[np.int64]
Openings = dict[tuple[int, int], int]
"""(enterprise id, material id) → ordinal of the day of the site's opening entry."""


class StillApart(Exception):
    """Loads of this import lie apart (`months_apart`): to be attached, then it can go on."""


class Staging(Struct):
    """State of one import; `staged`: its ranges are noted, to be found after a crash.

    parts: the roll-up of a large file, ready for publishing, columns: the most of it before; lane:
    writes events on PostgreSQL; signing: what a firm signs by its own file; known: loads of a
    staged file that are yet to be compared with those that have their numbers; receipts: of loads
    in the books, ready to be written; carried: carriers by month, noted when the loads are seen.
    """

    keys: Keys
    batch_id: int
    now: datetime
    registry_version: int = 0
    closed: Closed = field(default_factory=lambda: Closed({}))
    closed_version: int = 0
    openings: Openings = field(default_factory=dict)
    staged: bool = False
    lane: EventLane | None = None
    signing: Signing | None = None
    taken: int = 0
    skipped: int = 0
    issues: list[RowIssue] = field(default_factory=list)
    completing: dict[int, Known] = field(default_factory=dict)
    book_parents: set[int] = field(default_factory=set)
    first_days: list[FirstDays] = field(default_factory=list)
    rollups: list[BulkRollup] = field(default_factory=list)
    firms: set[int] = field(default_factory=set)
    columns: list[Ints] = field(default_factory=list)
    parts: list[ReadyPart] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    known: list[tuple[LoadBatch, Bound]] = field(default_factory=list)
    receipts: Receipts | None = None
    carried: set[tuple[str, int]] = field(default_factory=set)
    open_parts: OpenParts = field(default_factory=OpenParts)
    _received: dict[int, Known] = field(default_factory=dict)
    _links: set[int] = field(default_factory=set)
    _lines: list[tuple[Ints, Ints]] = field(default_factory=list)

    def take(self, session: Session, batch: LoadBatch, bound: Bound | None = None) -> Ints:
        """Write the loads of `batch` that are new; compare the others with what is stored.

        Returns the id that has the number of each, 0 for those before an opening.
        """
        found = np.zeros(len(batch), np.int64)
        bound = bound or Bound.none(batch)
        good = self._after_openings(batch, bound)
        batch, bound = chosen(batch, bound, good)
        if not len(batch):
            return found
        ids = new_load_ids(session, batch.dispatched_month)
        holders = load_store.add_numbers(session, batch.doc_no, batch.consignor_id, ids)
        own = np.flatnonzero(holders == ids)
        self._write(session, *chosen(batch, bound, own), ids[own])
        if len(own) < len(ids):
            known = chosen(batch, bound, np.flatnonzero(holders != ids))
            if self.staged:
                self.known.append(known)
            else:
                self.compare_known(session, *known)
        found[good] = holders
        return found

    def take_ready(self, session: Session, ready: ReadyLoads) -> None:
        """The same for the deliveries of a chunk that was made ready: moved if all are new.

        Raises StillApart, and nothing is written, if it must first be found what lies apart.
        """
        first, moves = ready.noted.first_days, ready.noted.moves
        early = first.day < self._opened(first.firm, first.material)
        late = moves.dispatched_month <= self.closed.of(moves.consignor_id, moves.consignee_id)
        if not len(moves.line):
            return
        if early.any() or late.any() or ready.packed is None:
            self._take_each(session, ready)
        elif isinstance(ready.packed, CopiedLoads):
            self._take_copies(session, ready, ready.packed)
        else:
            self._take_packed(session, ready, ready.packed)

    def _take_copies(self, session: Session, ready: ReadyLoads, copies: CopiedLoads) -> None:
        if self.lane:
            self.lane.hold(copies)
        if not claim_copies(session, copies):
            self._take_each(session, ready)
            return
        if self.lane:
            self.lane.copy(session, copies)
        else:
            insert_copies(session, copies)
        self._note(session, copies.ids, ready.noted)

    def _take_each(self, session: Session, ready: ReadyLoads) -> None:
        """Load by load; of the file itself any may be asked for."""
        if self.lane and self.lane.apart:
            raise StillApart
        self.take(session, ready.loads())

    def _take_packed(self, session: Session, ready: ReadyLoads, packed: PackedLoads) -> None:
        months = ready.noted.moves.dispatched_month.astype(np.int64)
        ids = new_load_ids(session, months)
        steps = _steps(months, ids)
        if not claim_packed(session, packed, steps):
            self._take_each(session, ready)
            return
        insert_packed(session, packed, steps, self.batch_id, self.now)
        self._note(session, ids, ready.noted)

    def _write(self, session: Session, batch: LoadBatch, bound: Bound, ids: Ints) -> None:
        if not len(ids):
            return
        order = np.argsort(ids, kind="stable")
        batch, bound = chosen(batch, bound, order)
        ids = ids[order]
        children = bound.parent > 0
        header = header_columns(
            batch,
            kind=bound.kind if children.any() else 0,
            holder=bound.holder,
            parent=_none_for_zero(bound.parent),
            parent_consignee=_none_for_zero(bound.parent_consignee),
        )
        weights = weight_columns(batch, ids)
        load_store.insert_loads(session, ids, header, weights, self.batch_id, self.now)
        if children.any():
            load_store.add_children(session, bound.parent[children], ids[children])
        columns = posting_columns(
            batch, (bound.kind > 0).astype(np.int64), bound.holder, bound.parent_consignee
        )
        self._note(session, ids, Noted.of(batch, bound.kind, bulk_load_postings(columns)))
        if children.any():
            ends = bound.holder, batch.consignor_id, batch.consignee_id
            apart.add_held(session, ids[children], *(end[children] for end in ends))
            self.open_parts.take(bound, batch.dispatched_kg)
        if self.closed:
            self._book_late(session, ids, columns)

    def _note(self, session: Session, ids: Ints, noted: Noted) -> None:
        """What finding and publishing need to know of loads that were written."""
        moves, marks = noted.moves, noted.marks
        ends = moves.consignor_id, moves.consignee_id
        apart.add_new(session, self.open_parts.hold(marks, ids, *ends), ids, *ends)
        self.carried.update(marks.carried)
        links = noted.links() - self._links
        add_senders(session, firms_of(links))
        self._links |= links
        if self.staged:
            for low, high in load_store.month_ranges(ids):
                session.add(StagedRow(batch_id=self.batch_id, first_id=low, last_id=high))
        self.first_days.append(noted.first_days)
        order = np.argsort(ids, kind="stable")
        self._lines.append((ids[order], moves.line[order]))
        self.taken += len(ids)
        self.firms |= noted.firms()
        self.rollups.append(noted.rollup)

    def _book_late(self, session: Session, ids: Ints, loads: LoadColumns) -> None:
        """Loads dated into a month that a party has closed are booked in the first open one."""
        through = self.closed.of(loads.consignor, loads.consignee, loads.holder)
        late = np.flatnonzero(loads.dispatched_month <= through)
        if len(late):
            first = booked_months(loads.dispatched_month[late], through[late])
            load_store.book_events(session, ids[late], first)
            self.late.append(late_loads(loads, through))

    def add_rollup(self, rollup: BulkRollup, sign: int = 1) -> None:
        """Add postings to what publishing will add to the books."""
        self.firms |= firms_in(rollup)
        self.rollups.append(BulkRollup(rollup.keys, sign * rollup.kg, sign * rollup.n))

    def complete(self, session: Session, receipts: Receipts) -> bool:
        """Give loads on the road their receipts; False if one is gone."""
        self._move(receipts)
        return receipts.write(session, self.batch_id, self.now)

    def make_receipts_ready(self, *, pack: bool = False) -> None:
        """What `complete` would do for the loads that wait, but for writing them."""
        known = list(self.completing.values())
        self.receipts = ready_receipts(known, self.closed, pack=pack)
        self._move(self.receipts)

    def _move(self, receipts: Receipts) -> None:
        for rollup, sign in receipts.rollups:
            self.add_rollup(rollup, sign)
        self.late += receipts.late

    def line_of(self, shipment_id: int) -> int:
        """Line of the file on which a load of this import stands, 0 if it is not of it."""
        for ids, lines in self._lines:
            place = int(np.searchsorted(ids, shipment_id))
            if place < len(ids) and ids[place] == shipment_id:
                return int(lines[place])
        return 0

    def of_books(self, ids: Ints) -> set[int]:
        """Those of `ids` that are not loads of this import."""
        asked = np.unique(ids)
        mine = np.zeros(len(asked), np.bool_)
        for own, _ in self._lines:
            low, high = np.searchsorted(asked, (own[0], own[-1] + 1)).tolist()
            if low < high:  # most chunks are of other months
                here = asked[low:high]
                mine[low:high] |= own[np.searchsorted(own, here)] == here
        return set(asked[~mine].tolist())

    def compare_known(self, session: Session, batch: LoadBatch, bound: Bound) -> None:
        """Loads whose number is taken: repeated, completing, or in conflict."""
        if not len(batch):
            return
        ids = load_store.find_numbers(session, batch.doc_no, batch.consignor_id)
        there = np.flatnonzero(ids)
        if len(there) < len(ids) and not self.issues:
            raise Overtaken  # who had the number took its loads back
        batch, bound = chosen(batch, bound, there)
        stored = load_store.stored_loads(session, np.unique(ids[there]))
        foreign = load_store.open_batches(session) - {self.batch_id}
        ids = ids[there]
        batch, bound, ids = self._in_sight(batch, bound, ids, stored["id"])
        if self.signing is not None:
            batch = self.signing.graded(session, batch, ids, stored)
        repeated, others = compare(batch, bound.kind, bound.parent_doc_no, ids, stored, foreign)
        self.skipped += int(repeated.sum())
        if self.signing is not None:
            self.skipped -= self.signing.look(session, batch, ids, repeated)
        for known in others:
            self._settle(session, known, foreign)

    def _in_sight(
        self, batch: LoadBatch, bound: Bound, ids: Ints, stored: Ints
    ) -> tuple[LoadBatch, Bound, Ints]:
        """The rows whose load is `stored`; those of others lie apart in another import."""
        seen = np.isin(ids, stored)
        for row in np.flatnonzero(~seen).tolist():
            number, line = batch.doc_no[row], int(batch.line[row])
            self.issues.append(RowIssue(line, "doc_no", number, "doc_no_in_other_import"))
        rows = np.flatnonzero(seen)
        return *chosen(batch, bound, rows), ids[rows]

    def _settle(self, session: Session, known: Known, foreign: set[int]) -> None:
        """What becomes of one load whose number is taken."""
        mine = known.batch_id == self.batch_id
        refusal = "duplicate_doc_in_file" if mine else "doc_no_differs"
        params = {"other_line": str(self.line_of(known.shipment_id))} if mine else {}
        if known.batch_id in foreign:
            self.issues.append(known.issue("doc_no_in_other_import"))
        elif known.dispatch_differs:
            code = "doc_no_reversed" if known.reversed_ else refusal
            self.issues.append(known.issue(code, **params))
        elif known.reversed_:
            self.issues.append(known.issue("doc_no_reversed"))
        elif not known.on_road:
            self.issues.append(known.issue(refusal, **params))
        else:
            self._receive(session, known, mine, refusal, params)

    def _receive(
        self, session: Session, known: Known, mine: bool, refusal: str, params: dict[str, str]
    ) -> None:
        """A receipt for a load on the road; one that the file itself brought gets it at once."""
        coming = self._received if mine else self.completing
        first = coming.setdefault(known.shipment_id, known)
        if first is not known and first.receipt != known.receipt:
            self.issues.append(known.issue(refusal, **params))
        elif first is not known:
            self.skipped += 1
        elif mine:
            self.skipped += 1
            self.complete(session, ready_receipts([known], self.closed))

    # --- openings ------------------------------------------------------------------------

    def _after_openings(self, batch: LoadBatch, bound: Bound) -> Ints:
        """Rows none of whose movements is dated before the opening entry of its site."""
        good = np.ones(len(batch), bool)
        if not self.openings:
            return np.arange(len(batch))
        for column, firm, day, mask in Moves.of(batch, bound.kind).sides():
            opened = self._opened(firm, batch.material_id)
            for row in np.flatnonzero(mask & (day < opened)).tolist():
                good[row] = False
                known = {"first_day": date.fromordinal(int(opened[row])).isoformat()}
                self.issues.append(
                    RowIssue(int(batch.line[row]), column, "", "before_opening", known)
                )
        return np.flatnonzero(good)

    def _opened(self, firm: Ints, material: Ints) -> Ints:
        """Opening day of each (firm, material), 0 where there is none."""
        if not self.openings:
            return np.zeros(len(firm), np.int64)
        known = sorted((f * _MATERIALS + m, day) for (f, m), day in self.openings.items())
        codes = np.array([code for code, _ in known], np.int64)
        days = np.array([day for _, day in known], np.int64)
        asked = firm * _MATERIALS + material
        place = np.minimum(np.searchsorted(codes, asked), len(codes) - 1)
        return np.where(codes[place] == asked, days[place], 0)


_MATERIALS = 1_000_000


def _steps(months: Ints, ids: Ints) -> dict[int, int]:
    """Month → what is added to the keys of packed loads to give their ids."""
    found, first = np.unique(months, return_index=True)
    return dict(zip(found.tolist(), (ids[first] - found * STEP).tolist(), strict=True))


def _none_for_zero(keys: Ints) -> Any:
    return [key or None for key in keys.tolist()] if keys.any() else None
