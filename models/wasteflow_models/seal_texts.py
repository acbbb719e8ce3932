"""Canonical texts of the records that are sealed, made by the database; both make the same bytes.

Every stored column of a record is in its text; references stand as the codes they lead to, so that
two codes exchanged in the registry are noticed, and read outside without this database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import Boolean, Date, String, Table, Text, Uuid
from sqlalchemy.orm import Session

from wasteflow_models.api import AttachmentRow
from wasteflow_models.base import Base, UtcMoment
from wasteflow_models.closes import MonthCloseRow
from wasteflow_models.ledger import (
    LOAD_IDS,
    BatchRow,
    BatchSignerRow,
    EntryRow,
    EventRow,
    ProductRow,
    ShipmentRow,
)
from wasteflow_models.live import EntryActorRow, EventActorRow, RevisionRow
from wasteflow_models.raw import driver, is_postgresql, read_ints
from wasteflow_models.seals import key_of
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]
BLANK = "'-'"
CODES: Final = {
    "enterprise_id": "enterprise",
    "consignor_id": "enterprise",
    "consignee_id": "enterprise",
    "holder_id": "enterprise",
    "parent_consignee_id": "enterprise",
    "generator_id": "enterprise",
    "material_id": "material",
    "route_id": "route",
    "facility_id": "facility",
    "from_facility_id": "facility",
    "to_facility_id": "facility",
}
"""Reference → registry table whose code stands for it."""
IDENTITY: Final = (
    "doc_no", "kind", "consignor_id", "consignee_id", "parent_id", "parent_consignee_id",
    "from_outside", "to_outside",
)  # fmt: skip
"""Columns of a load that nothing changes; they stand in the text of its first event too."""
_REOPENED: Final = ("reopened_at", "reopened_by", "reopened_user_id", "reopened_reason")
_STAGED: Final = "(SELECT id FROM batch WHERE NOT published)"
_RECORDED: Final = (
    f"t.id < (SELECT coalesce(min(first_id), {LOAD_IDS}) FROM staged WHERE first_id < {LOAD_IDS})"
)
_DRAFT: Final = STATES.index("draft")
_OF_BOOKS: Final = f"s.state <> {_DRAFT} AND coalesce(s.batch_id, 0) NOT IN {_STAGED}"


class SealedKind(Struct, frozen=True):
    """A kind of record: its number and name in proofs, its rows, its key and its columns.

    ident, part: SQL of the key of row `t`; columns: (name, SQL table alias) in order; where: which
    rows are closed enough to be sealed; live: a later leaf of the same id takes its place.
    """

    number: int
    name: str
    table: type[Base]
    columns: tuple[str, ...]
    ident: str = "t.id"
    part: str = "0"
    where: str = "1 = 1"
    joined: str = ""
    live: bool = False
    identity: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the values in the canonical text, in order."""
        return [*self.columns, *(f"load.{name}" for name in IDENTITY if self.identity)]


def _all(table: type[Base], *without: str) -> tuple[str, ...]:
    names = [column.name for column in table.__table__.c]
    return tuple(name for name in names if name not in without)


_LOAD: Final = "LEFT JOIN shipment s ON s.id = t.shipment_id"
_EVENTS: Final = (
    f"coalesce(s.state, 1) <> {_DRAFT} AND coalesce(s.batch_id, 0) NOT IN {_STAGED}"
    f" AND coalesce(t.batch_id, 0) NOT IN {_STAGED}"
)
KINDS: Final = (
    SealedKind(1, "batch", BatchRow, _all(BatchRow), where="t.published"),
    SealedKind(2, "entry", EntryRow, _all(EntryRow), where=_RECORDED),
    SealedKind(3, "entry_actor", EntryActorRow, _all(EntryActorRow), ident="t.entry_id"),
    SealedKind(
        4,
        "load",
        ShipmentRow,
        _all(ShipmentRow),
        part="(SELECT coalesce(max(e.seq), 0) FROM event e WHERE e.shipment_id = t.id)",
        where=_OF_BOOKS.replace("s.", "t."),
        live=True,
    ),
    SealedKind(
        5,
        "event",
        EventRow,
        _all(EventRow),
        ident="t.shipment_id",
        part="t.seq",
        where=_EVENTS,
        joined=_LOAD,
        identity=True,
    ),
    SealedKind(
        6,
        "event_actor",
        EventActorRow,
        _all(EventActorRow),
        ident="t.shipment_id",
        part="t.seq",
        where=f"coalesce(s.state, 1) <> {_DRAFT}",
        joined=_LOAD,
    ),
    SealedKind(
        7,
        "revision",
        RevisionRow,
        _all(RevisionRow),
        ident="t.shipment_id",
        part="t.number",
        where="t.closed_at IS NOT NULL",
    ),
    SealedKind(8, "product", ProductRow, _all(ProductRow, "reversed", "reason")),
    SealedKind(9, "product_reversal", ProductRow, ("id", "reversed", "reason"), where="t.reversed"),
    SealedKind(10, "month_close", MonthCloseRow, _all(MonthCloseRow, *_REOPENED)),
    SealedKind(
        11,
        "month_reopening",
        MonthCloseRow,
        ("id", *_REOPENED),
        where="t.reopened_at IS NOT NULL",
    ),
    SealedKind(12, "attachment", AttachmentRow, _all(AttachmentRow)),
    SealedKind(13, "batch_signer", BatchSignerRow, _all(BatchSignerRow), ident="t.batch_id"),
)
"""What is sealed, in the order of the leaves; its numbers and columns are version 1 of the form."""
BY_NAME: Final = {kind.name: kind for kind in KINDS}
BY_NUMBER: Final = {kind.number: kind for kind in KINDS}


def record_keys(session: Session, kind: SealedKind, first: int, last: int) -> Ints:
    """Keys (`seals.key_of`) of the records with ids first..last, ascending."""
    query = (
        f"SELECT {kind.ident}, {kind.part} FROM {_from(kind)} "
        f"WHERE {kind.ident} BETWEEN {first} AND {last} AND {kind.where} ORDER BY 1, 2"
    )
    return key_of(*read_ints(session, query, 2))


def record_texts(
    session: Session, kind: SealedKind, first: int, last: int, ids: Sequence[int] = ()
) -> Iterator[tuple[int, int, str]]:
    """(id, part, canonical text) of the records with ids first..last, or of `ids` among them."""
    chosen = f"{kind.ident} BETWEEN {first} AND {last}"
    if ids:
        chosen = f"{kind.ident} IN ({', '.join(map(str, ids))})"
    query = (
        f"SELECT {kind.ident}, {kind.part}, {_text(kind, is_postgresql(session))} "
        f"FROM {_from(kind)} WHERE {chosen} AND {kind.where} ORDER BY 1, 2"
    )
    session.connection()
    cursor = driver(session).cursor()
    try:
        yield from cursor.execute(query)
    finally:
        cursor.close()


def spans(session: Session, kind: SealedKind, size: int) -> list[tuple[int, int]]:
    """Ranges of ids, without a gap between them, of about `size` records of a table each."""
    ident = "shipment_id" if kind.ident == "t.shipment_id" else kind.ident.removeprefix("t.")
    table, key = ("shipment", "id") if ident == "shipment_id" else (kind.table.__tablename__, ident)
    known: dict[tuple[str, int], list[tuple[int, int]]] = session.info.setdefault("seal_spans", {})
    if (table, size) in known:
        return known[table, size]
    numbered = f"SELECT {key} AS id, row_number() OVER (ORDER BY {key}) AS n FROM {table}"
    query = f"SELECT id FROM ({numbered}) numbered WHERE n % {int(size)} = 0 ORDER BY id"
    ends = read_ints(session, query, 1)[0].tolist()
    starts = [0, *(end + 1 for end in ends)]
    return known.setdefault((table, size), list(zip(starts, [*ends, MOST], strict=True)))


MOST: Final = (1 << 47) - 1
"""More than any id."""


def _from(kind: SealedKind) -> str:
    return f"{kind.table.__tablename__} t {kind.joined}"


def _text(kind: SealedKind, postgresql: bool) -> str:
    """SQL of the canonical text."""
    table = kind.table.__table__
    assert isinstance(table, Table)
    lines = [f"'{kind.name}.1'", *(_value(table, name, "t", postgresql) for name in kind.columns)]
    if not kind.identity:
        return _joined(lines, postgresql)
    loads = ShipmentRow.__table__
    assert isinstance(loads, Table)
    values = [_value(loads, name, "s", postgresql) for name in IDENTITY]
    first = f"CASE WHEN t.seq = 1 THEN {_joined(values, postgresql)} ELSE '' END"
    return f"{_joined(lines, postgresql)} || {first}"


def _joined(lines: Sequence[str], postgresql: bool) -> str:
    """SQL of lines one after the other; `||` would copy what it has so far with every line."""
    if postgresql:
        return f"concat_ws('\n', {', '.join(lines)}, '')"
    shape = "%s\n" * len(lines)
    return f"printf('{shape}', {', '.join(lines)})"


def _value(table: Table, name: str, alias: str, postgresql: bool) -> str:
    """SQL of one line."""
    column = table.c[name]
    cell, blank = f"{alias}.{name}", bool(column.nullable) or alias == "s"
    registry = CODES.get(name)
    if registry is not None:
        code = f"(SELECT {_measured('r.code', postgresql)} FROM {registry} r WHERE r.id = {cell})"
        lost = _measured(f"('?' || CAST({cell} AS TEXT))", postgresql)
        return f"coalesce({code}, {lost}, '-')"
    if isinstance(column.type, UtcMoment):
        shown = f"to_char({cell} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        line = _measured(shown if postgresql else cell, postgresql)
    elif isinstance(column.type, Date):
        shown = f"to_char({cell}, 'YYYY-MM-DD')"
        line = _measured(shown if postgresql else cell, postgresql)
    elif isinstance(column.type, Uuid):
        shown = f"replace(CAST({cell} AS TEXT), '-', '')"
        line = _measured(shown if postgresql else cell, postgresql)
    elif isinstance(column.type, (String, Text)):
        line = _measured(cell, postgresql)
    else:
        plain = f"CAST({cell} AS INTEGER)" if isinstance(column.type, Boolean) else cell
        line = f"CAST({plain} AS TEXT)" if postgresql else plain
    return f"coalesce({line}, {BLANK})" if blank else line


def _measured(shown: str, postgresql: bool) -> str:
    """A text with its number of bytes before it; NULL of NULL."""
    if postgresql:
        return f"CAST(octet_length({shown}) AS TEXT) || ':' || {shown}"
    return (
        f"CASE {shown} WHEN '' THEN '0:' ELSE length(CAST({shown} AS BLOB)) || ':' || {shown} END"
    )


def values_of(kind: SealedKind, text: str) -> dict[str, Any]:
    """The named values of a canonical text."""
    data = text.encode()
    at = data.index(b"\n") + 1
    found: list[int | str | None] = []
    while at < len(data):
        end = data.index(b"\n", at)
        head, colon, _ = data[at:end].partition(b":")
        if colon:
            start = at + len(head) + 1
            end = start + int(head)
            found.append(data[start:end].decode())
        else:
            found.append(None if head == b"-" else int(head))
        at = end + 1
    return dict(zip(kind.names, found, strict=False))
