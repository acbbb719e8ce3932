"""Recording loads: a file of shipments becomes headers, events, cache and roll-up, all or nothing.

A known number with the same dispatch and a new receipt completes its load; with the same content
it is signed by the firm whose own file it is, else skipped and counted; anything else is refused
with the way to revise it.  A small file is one transaction.  A larger one is staged chunk by
chunk, so that other writers wait a moment only, and published in one short transaction; nobody sees
a part of it.  What it signs of loads in the books follows in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import datetime

import numpy as np
from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.schemas.ahead import Ahead
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.again import Overtaken, again_if_overtaken
from wasteflow.services.load_bound import chosen
from wasteflow.services.load_children import (
    PART,
    PART_BESIDE,
    Waiting,
    plan_children,
    stage_children,
)
from wasteflow.services.load_parts import mark_parts
from wasteflow.services.load_publish import (
    openings_of,
    publish,
    ready_rollup,
    rollup_beside,
)
from wasteflow.services.load_ready import Packing, ReadyChunk, ready_chunks
from wasteflow.services.load_signing import Signing, confirmed
from wasteflow.services.load_signing_parts import note_due, sign_due
from wasteflow.services.load_staging import Ints, Staging, StillApart
from wasteflow.services.load_sums import Adding
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress
from wasteflow_models.chunk_writer import ChunkWriter, written_beside
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.event_lane import EventLane
from wasteflow_models.flow_columns import stamp
from wasteflow_models.late import STAMP as CLOSES
from wasteflow_models.late import closed
from wasteflow_models.ledger import BatchRow
from wasteflow_models.load_pack import CAN_PACK, PackedLoads
from wasteflow_models.partitions import drawn_numbers, drawn_run
from wasteflow_models.raw import is_postgresql
from wasteflow_models.staging import claimed, discard, sweep

COMPARED = 5_000
"""Loads of a large file that are compared with the books in one transaction."""
MARKED = 20_000
"""Refused parts that are marked in one."""
Elsewhere = Callable[[Keys, Packing | None], Generator[ReadyChunk, None, None]]


class LoadFile(Struct, frozen=True):
    """A file of shipments as the service takes it: chunks of text columns, read as often as asked.

    `small`: it is taken in one transaction; `elsewhere`: makes the chunks of a large one ready, as
    `load_ready.ready_chunks` does, but in another process; `lines`: at least as many as it has
    rows, 0 if nobody counted.
    """

    chunks: Callable[[], Iterable[TextChunk]]
    clock: Clock
    small: bool
    round_kg: bool = False
    elsewhere: Elsewhere | None = None
    lines: int = 0

    def ready(
        self, keys: Keys, packing: Packing | None = None
    ) -> Generator[ReadyChunk, None, None]:
        """The checked chunks of the file; to be closed when the import ends before they do."""
        large = not self.small
        if large and self.elsewhere is not None:
            return self.elsewhere(keys, packing)
        chunks = self.chunks()
        return ready_chunks(chunks, keys, self.clock, self.round_kg, large=large, packing=packing)


def record_loads(
    *,
    db: Database,
    file: LoadFile,
    batch: Callable[[datetime], BatchRow],
    now: Callable[[], datetime],
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of shipments; `batch` makes the row that says what was imported.

    now: the moment it is recorded at, asked once for each try and each part of its signatures.
    Raises RowsRefused with every reason of every row; then nothing is taken.
    """
    tick = progress or (lambda done: None)
    report = _recorded(db, file, batch, now, dry_run, tick)
    if report.batch_id and report.confirmed and not file.small and not dry_run:
        report.confirmed = sign_due(
            db=db, batch_id=report.batch_id, now=now, progress=lambda done: tick(report.rows)
        )
    return report


@again_if_overtaken
def _recorded(
    db: Database,
    file: LoadFile,
    batch: Callable[[datetime], BatchRow],
    now: Callable[[], datetime],
    dry_run: bool,
    tick: Progress,
) -> ImportReport:
    """Take it: published, but for the signatures of a large file."""
    moment = now()
    if not file.small:
        sweep(db)
        return _in_stages(db, file, batch(moment), moment, dry_run, tick)
    try:
        return _at_once(db, file, batch(moment), moment, dry_run, tick)
    except RowsRefused as error:
        blocked = any(issue.code == "doc_no_in_other_import" for issue in error.issues)
        if blocked and sweep(db):  # it was a dead one
            raise Overtaken from error
        raise


def _at_once(
    db: Database, file: LoadFile, batch: BatchRow, now: datetime, dry_run: bool, tick: Progress
) -> ImportReport:
    """One transaction for all."""
    report = ImportReport("shipments", dry_run=dry_run)
    try:
        with db.write(Alone.NOBODY) as session:
            staging = _begin(session, batch, now, file.clock.signer)
            waiting = Waiting()
            for chunk in file.ready(staging.keys):
                _told(staging, chunk, waiting, report, batch)
                _take(session, staging, chunk)
            if waiting:
                plan = plan_children(lambda: nullcontext(session), staging, waiting)
                for start, stop in plan.parts():
                    stage_children(session, staging, plan, start, stop)
            _refuse(staging)
            mark_parts(session, staging.open_parts.left())
            publish(session, staging, batch, report)
            tick(report.rows)
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    return report


def _in_stages(
    db: Database, file: LoadFile, batch: BatchRow, now: datetime, dry_run: bool, tick: Progress
) -> ImportReport:
    """A transaction for few chunks, and one that publishes them."""
    report = ImportReport("shipments", dry_run=dry_run)
    batch.published = False
    numbers = _numbers(db, file)
    with ExitStack() as held:
        with db.write(Alone.NOBODY) as session:
            staging = _begin(session, batch, now, file.clock.signer)
            staging.openings = openings_of(session, staging.keys)
            packing = _packing(session, staging, numbers)
            # Before anybody can see the batch: unclaimed, it would be swept as a dead one.
            if not held.enter_context(claimed(db, staging.batch_id)):
                raise Overtaken
        staging.staged = True
        held.enter_context(_discarding(db, staging.batch_id, dry_run))
        held.enter_context(no_collecting())
        if packing and packing.numbers is not None and not db.joined:
            staging.lane = held.enter_context(closing(EventLane(db, staging.batch_id)))
        waiting = Waiting(PART if db.is_sqlite else PART_BESIDE)
        adding = held.enter_context(closing(Adding(staging)))
        source = held.enter_context(closing(file.ready(staging.keys, packing)))
        coming = held.enter_context(closing(Ahead(_looked_at(source))))
        with ChunkWriter(db) as writer:
            for chunk in coming:
                _told(staging, chunk, waiting, report, batch)
                _stage(writer, staging, chunk)
                if not coming.ready:
                    writer.rest()
                if writer.resting:
                    adding.look()
                    tick(report.rows)  # whoever is told may want to write
            writer.rest()
            adding.end()
            tick(report.rows)
            sound = not (dry_run or staging.issues)
            if waiting or (sound and staging.lane):
                with rollup_beside(db, staging):
                    if staging.lane:
                        staging.lane.apart.attach()
                    if waiting:
                        _stage_children(writer, staging, waiting)
            if not (dry_run or staging.issues):
                _mark_parts(writer, staging)
        _refuse(staging)
        if not dry_run:
            if staging.signing is not None:
                note_due(db, staging.signing)
            ready_rollup(db, staging)
            data = staging.receipts.packed if staging.receipts else b""
            with written_beside(db, data) as session:
                publish(session, staging, session.merge(batch), report)
        else:
            report.taken, report.completed = staging.taken, len(staging.completing)
            report.skipped, report.confirmed = staging.skipped, confirmed(staging.signing)
    return report


def _looked_at(chunks: Iterable[ReadyChunk]) -> Iterator[ReadyChunk]:
    """The chunks with their links and firms, which are looked for beside the writer."""
    for chunk in chunks:
        if chunk.ready is not None:
            chunk.ready.noted.links()
            chunk.ready.noted.firms()
        yield chunk


def _stage(writer: ChunkWriter, staging: Staging, chunk: ReadyChunk) -> None:
    """Write a chunk, and hold what is known of it against the books."""
    packed = chunk.ready.packed if chunk.ready else None
    data = packed.data if isinstance(packed, PackedLoads) else b""
    try:
        with writer.chunk(data) as session:
            _take(session, staging, chunk)
    except StillApart:
        assert staging.lane is not None
        staging.lane.apart.attach()
        with writer.chunk() as session:
            _take(session, staging, chunk)
    if staging.lane:
        staging.lane.finish()
    _compare(writer, staging)


def _stage_children(writer: ChunkWriter, staging: Staging, waiting: Waiting) -> None:
    plan = plan_children(writer.alone, staging, waiting)
    for start, stop in plan.parts():
        with writer.chunk() as session:
            stage_children(session, staging, plan, start, stop)
        _compare(writer, staging)
    writer.rest()


def _mark_parts(writer: ChunkWriter, staging: Staging) -> None:
    loads = staging.open_parts.left()
    for start in range(0, len(loads[0]), MARKED):
        with writer.chunk() as session:
            mark_parts(session, [column[start : start + MARKED] for column in loads])
    writer.rest()


def _compare(writer: ChunkWriter, staging: Staging) -> None:
    """Hold the loads whose numbers are taken against the books, in parts."""
    known, staging.known = staging.known, []
    for batch, bound in known:
        for start in range(0, len(batch), COMPARED):
            rows = np.arange(start, min(start + COMPARED, len(batch)))
            with writer.chunk() as session:
                staging.compare_known(session, *chosen(batch, bound, rows))


@contextmanager
def _discarding(db: Database, batch_id: int, dry_run: bool) -> Iterator[None]:
    """Take everything staged out again when the import fails, or was only tried."""
    try:
        yield
    except BaseException:
        discard(db, batch_id)
        raise
    if dry_run:
        discard(db, batch_id)


def _begin(session: Session, batch: BatchRow, now: datetime, signer: str = "") -> Staging:
    session.add(batch)
    session.flush()
    keys = load_keys(session)
    version = stamp(session, "registry")
    closes = closed(session, keys), stamp(session, CLOSES)
    signing = Signing(keys, signer, batch.id) if signer else None
    return Staging(keys, batch.id, now, version, *closes, signing=signing)


def _numbers(db: Database, file: LoadFile) -> Ints | None:
    """A number for each load of a large file, on PostgreSQL, if its lines were counted."""
    if db.is_sqlite or not file.lines:
        return None
    with db.write(Alone.NOBODY) as session:
        draw = drawn_numbers if db.joined else drawn_run
        return draw(session, file.lines)


def _packing(session: Session, staging: Staging, numbers: Ints | None) -> Packing | None:
    """How the loads of a large file are packed; None if they are written from their columns."""
    if numbers is None and (is_postgresql(session) or not CAN_PACK):
        return None
    return Packing(staging.batch_id, staging.now, numbers)


def _told(
    staging: Staging, chunk: ReadyChunk, waiting: Waiting, report: ImportReport, batch: BatchRow
) -> None:
    """What was found out about a chunk before; its children wait for their parents."""
    staging.issues += chunk.issues
    report.rows += chunk.rows
    report.rounded_rows += chunk.rounded_rows
    report.add_rounded(chunk.rounded_kg)
    report.warnings = chunk.warnings
    batch.synthetic = batch.synthetic or chunk.synthetic
    if len(chunk.children):
        waiting.add(chunk.children, chunk.kin)


def _take(session: Session, staging: Staging, chunk: ReadyChunk) -> None:
    """Write the deliveries of a chunk."""
    if chunk.ready is not None:
        staging.take_ready(session, chunk.ready)
    elif chunk.loads is not None:
        loads = chunk.loads
        firms = {*loads.consignor_id.tolist(), *loads.consignee_id.tolist()}
        firms |= set(chunk.children.consignee_id.tolist())
        staging.openings |= openings_of(session, staging.keys, firms)
        staging.take(session, loads)


def _refuse(staging: Staging) -> None:
    if staging.issues:
        raise RowsRefused(_each_once(staging.issues))


def _each_once(issues: Iterable[RowIssue]) -> list[RowIssue]:
    return list({(item.line, item.field, item.code): item for item in issues}.values())
