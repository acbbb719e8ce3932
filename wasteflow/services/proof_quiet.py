"""Events of a load that move no mass, taken out of the columns before the loads are proved.

A load kept by hand is issued before its dispatch and weighed at the gate before its decision; the
decision states everything anew.  Where both are plainly right a load by hand is a load from a file
with two events, and is proved like one; whatever is doubtful stays and is proved one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wasteflow_models.words import EVENT_KINDS

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Block = Mapping[str, Ints]
_DISPATCHED, _DECIDED, _ISSUED, _RECEIVED, _CONFIRMED = (
    EVENT_KINDS.index(word) for word in ("dispatched", "decided", "issued", "received", "confirmed")
)
_NONE: Final = -1


def without_quiet(event: Block, right: Callable[[Block], Flags]) -> dict[str, Ints]:
    """Events in order of load and `seq` less the quiet ones, the others numbered as if they alone
    were there.

    right: which events say what they must as far as they alone go (weight, month of booking).
    Quiet are an issue that comes first and a dispatch follows, and a weighing between a dispatch
    and a decision; numbers without a gap around them.
    """
    load, seq, kind = event["shipment_id"], event["seq"], event["kind"]
    if not len(seq):
        return dict(event)
    goes_on = (load[1:] == load[:-1]) & (seq[1:] == seq[:-1] + 1)
    after = np.append(np.where(goes_on, kind[1:], _NONE), _NONE)
    before = np.append(_NONE, np.where(goes_on, kind[:-1], _NONE))
    issued = (kind == _ISSUED) & (seq == 1) & (after == _DISPATCHED)
    received = (kind == _RECEIVED) & (before == _DISPATCHED) & (after == _DECIDED)
    quiet = (issued | received) & right(event)
    gone = np.cumsum(quiet)
    opens = np.append(True, load[1:] != load[:-1])
    start = np.maximum.accumulate(np.where(opens, np.arange(len(load)), 0))
    told = {**event, "seq": seq - (gone - (gone - quiet)[start])}
    return {name: column[~quiet] for name, column in told.items()}


def without_confirmed(event: Block, months: Callable[[Ints], Ints]) -> dict[str, Ints]:
    """Events less the confirmations behind a dispatch and a decision, which get their last grade.

    Only of loads all of whose events are booked when they happened, a confirmation that changes
    the grade in the month of the dispatch, which it re-keys: then the load posts what it would with
    that grade from the start, and nothing of it is late.  months: those of moments.
    """
    load, kind = event["shipment_id"], event["kind"]
    confirmed = kind == _CONFIRMED
    if not confirmed.any():
        return dict(event)
    opens = np.append(True, load[1:] != load[:-1])
    first = np.flatnonzero(opens)
    where = np.cumsum(opens) - 1
    place = np.arange(len(load)) - first[where]
    grade, month = event["evidence"], months(event["at"])
    changed = np.append(False, grade[1:] != grade[:-1])
    due = np.where(confirmed & changed, month[first][where], month)
    bare = np.ones(len(load), bool)
    for name in ("kg", "input_kg", "accepted_kg", "refused_kg", "basis"):
        bare &= event[name] == 0
    bare &= (event["dry_kg"] == _NONE) & (event["moisture"] == _NONE)
    right = (event["booked_month"] == due) & (event["seq"] == place + 1)
    right &= np.where(confirmed, bare & (place >= 2), (kind == _DISPATCHED) | (kind == _DECIDED))
    plain = np.logical_and.reduceat(right, first) & np.logical_or.reduceat(confirmed, first)
    last = np.append(first[1:], len(load)) - 1
    keep = ~(confirmed & plain[where])
    graded = np.where(plain[where], grade[last][where], grade)
    return {name: column[keep] for name, column in {**event, "evidence": graded}.items()}
