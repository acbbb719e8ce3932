"""Who has signed the weights of a load, and the grade of evidence that follows; pure.

A firm signs by issuing or dispatching as consignor, by deciding as consignee, by acknowledging,
confirming or approving what the other side wrote, and by its own file that says the same.  A
revision of signed values starts anew with those who agreed to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import Evidence

SIGNING = frozenset(
    {
        EventKind.ISSUED,
        EventKind.DISPATCHED,
        EventKind.DECIDED,
        EventKind.CLOSED_ONE_SIDED,
        EventKind.CONFIRMED,
        EventKind.ACKNOWLEDGED,
    }
)
"""Events by which the firm they speak for stands to the weights."""


class Signature(Struct, frozen=True):
    """What an event means for the signatures: `side` the firm it speaks for ("" = no party).

    `agreed`: for a revision that touched signed values, everybody who agreed to it; None otherwise.
    """

    kind: EventKind
    side: str = ""
    agreed: frozenset[str] | None = None


def signers(signatures: Iterable[Signature]) -> frozenset[str]:
    """Firms whose signature covers the weights as they stand; `signatures` in order of events.

    >>> seen = [Signature(EventKind.ISSUED, "a"), Signature(EventKind.DECIDED, "b")]
    >>> sorted(signers(seen))
    ['a', 'b']
    >>> sorted(signers([*seen, Signature(EventKind.REVISED, "a", frozenset({"a"}))]))
    ['a']
    """
    found: set[str] = set()
    for item in signatures:
        if item.agreed is not None:
            found = set(item.agreed)
        elif item.kind is EventKind.CLOSED_ONE_SIDED:  # whoever issued it declared other weights
            found = {item.side} - {""}
        elif item.kind in SIGNING and item.side:
            found.add(item.side)
    return frozenset(found)


def grade(
    signed: Collection[str],
    parties: Collection[str],
    *,
    outside: bool,
    imported: bool,
    estimated: bool,
) -> Evidence:
    """Grade of a load by its signatures; worst wins (3-architecture 3.2).

    outside: a party is an external firm, whose word is never a signature; imported: a file by
    somebody else than the parties brought the weights, and no party has confirmed them; estimated:
    one of them was not weighed.

    >>> grade({"a", "b"}, {"a", "b"}, outside=False, imported=True, estimated=False).word
    'both'
    """
    if set(parties) <= set(signed) and not outside:
        found = Evidence.BOTH
    else:
        found = Evidence.IMPORTED if imported else Evidence.ONE_SIDED
    return max(found, Evidence.ESTIMATED) if estimated else found
