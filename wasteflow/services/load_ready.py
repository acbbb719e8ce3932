"""Chunks of a large file made ready to be written, here or in another process; no database.

What costs time and needs no books is done before: rows are checked, posted and packed.  What comes
out can be pickled, and the writer seldom has to unpack the loads themselves.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from wasteflow.core.columns import groups_of
from wasteflow.core.errors import RowIssue
from wasteflow.core.loads_bulk import Flags, Ints, LoadBatch, posting_columns
from wasteflow.core.postings_bulk import BulkRollup, bulk_load_postings, firms_in
from wasteflow.core.vocabulary import LoadKind
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.load_columns import CheckedChunk, checked_chunks
from wasteflow.services.load_convert import (
    Kin,
    batch_of,
    header_columns,
    joined,
    kin_of,
    pick,
    weight_columns,
)
from wasteflow.services.outcome import Warnings
from wasteflow_models.keys import Keys
from wasteflow_models.link_keys import link_keys
from wasteflow_models.load_copy import CopiedLoads, texts_of_copies, write_copies
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_marks import NewMarks, new_marks
from wasteflow_models.load_pack import PACKED_TEXTS, PackedLoads, keys_of, pack, texts_in

_LEAST, _MOST = -(2**31), 2**31 - 1
SYNTHETIC = "synthetic"
"""How the remark of an invented load begins."""


class Moves(Struct, frozen=True):
    """What staging has to know of every load, aligned by row; columns as in `LoadBatch`."""

    line: Ints
    consignor_id: Ints
    consignee_id: Ints
    material_id: Ints
    dispatched_month: Ints
    dispatched_day: Ints
    received_month: Ints
    received_day: Ints
    delivery: Flags

    @classmethod
    def of(cls, batch: LoadBatch, kind: Ints) -> Moves:
        """Those of a batch; kind: number of each load's kind, 0 for a delivery."""
        names = [name for name in cls.__struct_fields__ if name != "delivery"]
        return cls(**{name: getattr(batch, name) for name in names}, delivery=kind == 0)

    def sides(self) -> Iterator[tuple[str, Ints, Ints, Flags]]:
        """(column, firm, day, which rows) of the movements of sites; a child leaves no site."""
        yield "dispatched_at", self.consignor_id, self.dispatched_day, self.delivery
        yield "received_at", self.consignee_id, self.received_day, self.received_month > 0

    def first_days(self) -> FirstDays:
        """The first day on which anything moves, of every firm and material that moves."""
        sides = list(self.sides())
        firm, day = (np.concatenate([side[column][side[3]] for side in sides]) for column in (1, 2))
        material = np.concatenate([self.material_id[mask] for *_, mask in sides])
        return FirstDays(firm, material, day).earliest()


class FirstDays(NamedTuple):
    """Firm id, material id and ordinal of a day, aligned."""

    firm: Ints
    material: Ints
    day: Ints

    @classmethod
    def joined(cls, parts: Sequence[FirstDays]) -> FirstDays:
        """The earliest day of each pair in any of the parts."""
        if not parts:
            return cls(*[np.zeros(0, np.int64)] * 3)
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True))).earliest()

    def earliest(self) -> FirstDays:
        """Each pair once, with its earliest day."""
        rows = groups_of(list(self)).first
        new = np.ones(len(rows), np.bool_)
        new[1:] = (np.diff(self.firm[rows]) != 0) | (np.diff(self.material[rows]) != 0)
        return FirstDays(*(column[rows[new]] for column in self))


class Noted(Struct):
    """What staging has to know of loads it writes; links and firms are looked for once."""

    moves: Moves
    marks: NewMarks
    first_days: FirstDays
    rollup: BulkRollup
    _links: set[int] | None = None
    _firms: set[int] | None = None

    @classmethod
    def of(cls, batch: LoadBatch, kind: Ints, rollup: BulkRollup) -> Noted:
        """That of a batch; kind: number of each load's kind, 0 for a delivery."""
        moves = Moves.of(batch, kind)
        return cls(moves, marks_of(batch), moves.first_days(), rollup)

    def links(self) -> set[int]:
        """The links of the loads as `link_keys`."""
        if self._links is None:
            keys = link_keys(self.moves.consignor_id, self.moves.consignee_id)
            self._links = set(np.unique(keys).tolist())
        return self._links

    def firms(self) -> set[int]:
        """Ids of the enterprises whose places the postings touch."""
        if self._firms is None:
            self._firms = firms_in(self.rollup)
        return self._firms


class ReadyLoads(Struct, frozen=True):
    """The deliveries of a chunk, with all that follows from them without the books.

    `batch` holds them in columns; if they are packed, without the texts that only the pack holds,
    and in narrower integers.
    """

    noted: Noted
    batch: LoadBatch
    packed: PackedLoads | CopiedLoads | None = None

    def loads(self) -> LoadBatch:
        """The loads in columns, for when they cannot be moved as they are."""
        if self.packed is None:
            return self.batch
        columns: dict[str, Any] = {}
        for name in LoadBatch.__struct_fields__:
            value = getattr(self.batch, name)
            if isinstance(value, np.ndarray) and value.dtype != np.bool_:
                columns[name] = value.astype(np.int64)
        lists = [name for name in PACKED_TEXTS if isinstance(getattr(self.batch, name), list)]
        texts: dict[str, Any]
        if isinstance(self.packed, CopiedLoads):
            texts = {**texts_of_copies(self.packed, tuple(lists))}
        else:
            texts = {**texts_in(self.packed, keys_of(columns["dispatched_month"]), lists)}
        return replace(self.batch, **columns, **texts)


class ReadyChunk(Struct, frozen=True):
    """What became of the rows of a chunk; counts and issues as in `CheckedChunk`.

    `ready` (of a large file) or `loads` hold its deliveries in file order; `children` wait for
    their parents; `warnings` are those of the file so far.
    """

    rows: int
    issues: list[RowIssue]
    rounded_rows: int
    rounded_kg: Decimal
    warnings: Warnings
    synthetic: bool
    children: LoadBatch
    kin: Kin
    ready: ReadyLoads | None = None
    loads: LoadBatch | None = None


class Packing(Struct, frozen=True):
    """How deliveries are packed: for SQLite, or with these numbers as text for COPY.

    numbers: as many as the file has lines, on PostgreSQL; batch_id, now: what the rows say.
    """

    batch_id: int
    now: datetime
    numbers: Ints | None = None


def ready_chunks(
    chunks: Iterable[TextChunk],
    keys: Keys,
    clock: Clock,
    round_kg: bool,
    *,
    large: bool,
    packing: Packing | None = None,
) -> Generator[ReadyChunk, None, None]:
    """Check the chunks of a file (see `checked_chunks`).

    large: make deliveries ready to be moved instead of handing them over in columns; packing:
    whether the database can take packed loads.
    """
    warnings = Warnings()
    done = 0
    for chunk in checked_chunks(chunks, keys, clock, round_kg, warnings):
        found = _sorted_out(chunk, keys, warnings)
        loads = found.loads
        if large and loads is not None:
            found = replace(found, loads=None, ready=_made_ready(loads, packing, done))
            done += len(loads)
        yield found


def _sorted_out(chunk: CheckedChunk, keys: Keys, warnings: Warnings) -> ReadyChunk:
    """Deliveries of both lanes together, children apart."""
    single = [load for load in chunk.others if load.header.kind is LoadKind.DELIVERY]
    children = [load for load in chunk.others if load.header.kind is not LoadKind.DELIVERY]
    loads = chunk.loads
    if single:  # of equal numbers the first line of the file counts, whichever lane it took
        both = joined([loads, batch_of(single, keys)])
        loads = pick(both, np.argsort(both.line, kind="stable"))
    lone, kin = batch_of(children, keys), kin_of(children)
    if chunk.children is not None and chunk.kin is not None and len(chunk.children):
        lone, kin = _both(lone, kin, chunk.children, chunk.kin)
    return ReadyChunk(
        chunk.rows,
        chunk.issues,
        chunk.rounded_rows,
        chunk.rounded_kg,
        deepcopy(warnings),
        loads_are_synthetic(loads.remark),
        lone,
        kin,
        loads=loads,
    )


def _both(lone: LoadBatch, kin: Kin, batch: LoadBatch, other: Kin) -> tuple[LoadBatch, Kin]:
    """Children of both lanes in file order."""
    if not len(lone):
        return batch, other
    both, names = joined([lone, batch]), [*kin.parent_doc_no, *other.parent_doc_no]
    order = np.argsort(both.line, kind="stable")
    kinds = np.concatenate([kin.kind, other.kind])[order]
    return pick(both, order), Kin(kinds, [names[row] for row in order.tolist()])


def loads_are_synthetic(remarks: list[str] | str) -> bool:
    """Whether a remark marks a load as invented."""
    texts = [remarks] if isinstance(remarks, str) else remarks
    return any(text.startswith(SYNTHETIC) for text in texts)


def _made_ready(batch: LoadBatch, packing: Packing | None, done: int) -> ReadyLoads:
    """A chunk with what follows from it; done: deliveries of the file before it."""
    rollup = bulk_load_postings(posting_columns(batch))
    noted = Noted.of(batch, np.zeros(len(batch), np.int64), rollup)
    packed = _packed(batch, packing, done) if packing is not None and len(batch) else None
    if packed is None:
        return ReadyLoads(noted, batch)
    narrow = {name: _narrow(getattr(noted.moves, name)) for name in Moves.__struct_fields__}
    return ReadyLoads(
        replace(
            noted,
            moves=Moves(**narrow),
            rollup=BulkRollup(_narrow(rollup.keys), rollup.kg, _narrow(rollup.n)),
        ),
        _without_texts(batch),
        packed,
    )


def marks_of(batch: LoadBatch) -> NewMarks:
    """What the loads leave in the tables beside them that lists are read by."""
    return new_marks(
        batch.state,
        batch.evidence,
        batch.refused_kg,
        batch.received_month,
        batch.carrier,
        batch.dispatched_month,
    )


def _packed(batch: LoadBatch, packing: Packing, done: int) -> PackedLoads | CopiedLoads | None:
    months = batch.dispatched_month
    if packing.numbers is None:
        return pack(months, header_columns(batch), weight_columns(batch, keys_of(months)))
    numbers = packing.numbers[done : done + len(batch)]
    if len(numbers) < len(batch):
        return None
    ids = months * STEP + numbers
    weights = weight_columns(batch, ids)
    return write_copies(ids, header_columns(batch), weights, packing.batch_id, packing.now)


def _without_texts(batch: LoadBatch) -> LoadBatch:
    """The loads without the texts that their pack holds, in narrow integers."""
    columns: dict[str, Any] = {}
    for name in LoadBatch.__struct_fields__:
        value = getattr(batch, name)
        if isinstance(value, np.ndarray):
            columns[name] = _narrow(value)
        elif isinstance(value, list) and name in PACKED_TEXTS:
            columns[name] = []
    return replace(batch, **columns)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in 32 bits if they fit: less to send to another process."""
    if values.dtype != np.int64 or not values.size:
        return values
    fits = values.min() >= _LEAST and values.max() <= _MOST
    return values.astype(np.int32) if fits else values
