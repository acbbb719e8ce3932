"""Do ours and the peers answer the same question?  Compares what both found, to the kilogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 3
WORDS = {
    "generated": "kg generated",
    "accepted": "kg accepted in every row",
    "edges": "kg of every link",
    "rows": "rows",
    "links": "links",
    "kg": "kg",
    "faults": "faults",
    "fen_kg": "cost",
}


class Disagreement(Exception):
    """Ours and a peer found different figures: one of them measures something else."""


def compared(ours: Mapping[str, Any], peers: Sequence[Mapping[str, Any]], *names: str) -> str:
    """What was found equal, in words; Disagreement with the first differences otherwise.

    >>> compared({"rows": 5}, [{"rows": 5}], "rows")
    'rows'
    """
    for name in names:
        for theirs in peers:
            if ours[name] != theirs[name]:
                raise Disagreement(f"{WORDS[name]}: {_difference(ours[name], theirs[name])}")
    return ", ".join(WORDS[name] for name in names)


def _difference(ours: Any, theirs: Any) -> str:
    if not isinstance(ours, Mapping):
        return f"ours {ours}, theirs {theirs}"
    keys = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    shown = [f"{key}: ours {ours.get(key)}, theirs {theirs.get(key)}" for key in keys[:SHOWN]]
    return f"{len(keys)} differ, such as " + "; ".join(shown)
