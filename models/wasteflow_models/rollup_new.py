"""Rows that the roll-up does not have yet, written where they belong at once: PostgreSQL alone.

There whoever publishes an import is waited for by those who write the same rows, and by nobody
else; putting rows aside first, as on SQLite, writes each of them twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.columns import groups_of, positions_in
from wasteflow_models.flow_columns import driver_connection, read_month
from wasteflow_models.rollup import copy_between, copy_in, draw_versions

Ints = NDArray[np.int64]


def new_rows(session: Session, columns: Sequence[Ints]) -> NDArray[np.bool_]:
    """Which rows, in order of their key, have a key that no row of the books has."""
    new = np.ones(len(columns[0]), np.bool_)
    groups = groups_of(columns[:2])
    bounds = [*groups.starts.tolist(), len(new)]
    for start, stop in pairwise(bounds):
        here = slice(start, stop)
        held = read_month(session, int(columns[0][start]), int(columns[1][start]))
        known = [column.astype(np.int64) for column in held[:4]]
        new[here] = positions_in(known, [column[here] for column in columns[2:6]]) < 0
    return new


def add_new_rows(session: Session, columns: Sequence[Ints]) -> None:
    """Rows that were new a moment ago, in order of their key; draws the versions of their months.

    PostgreSQL alone: COPY costs a third of an upsert.  Whoever wrote one of them meanwhile makes it
    fail, and then they are added to his.
    """
    from psycopg.errors import UniqueViolation  # an eighth of a second that SQLite does not need

    connection = driver_connection(session)
    connection.execute("SAVEPOINT straight")
    try:
        with connection.cursor() as cursor:
            copy_in(cursor, "flow_month", columns)
    except UniqueViolation:
        connection.execute("ROLLBACK TO SAVEPOINT straight")
        with connection.cursor() as cursor:
            copy_between(cursor, columns)
    connection.execute("RELEASE SAVEPOINT straight")
    first = groups_of(columns[:2]).first
    draw_versions(session, zip(*(column[first].tolist() for column in columns[:2]), strict=True))
