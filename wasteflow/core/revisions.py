"""What of a load can be revised, and whom a revision touches; pure.

Parties, number, kind and parent are what makes a load this load: whoever got one of them wrong
annuls it and makes a new one.  Everything else can be revised.  Weights, times, material, route and
number of trips are what both sides signed, so every other party that stands to them must approve;
what only one side knows (vehicle, ticket, facility …) it corrects at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from wasteflow.core.records import LoadHeader

SIGNED_FIELDS: Final = (
    "material", "route", "loads", "basis", "dispatched_at", "dispatched_t", "moisture_pct",
    "weighed", "received_at", "received_t", "received_moisture_pct", "accepted_t", "refused_t",
)  # fmt: skip
"""Fields that postings, figures and both signatures rest on."""
CONSIGNOR_FIELDS: Final = ("mode", "vehicle", "carrier", "handler", "from_facility")
"""Fields that are the consignor's own."""
CONSIGNEE_FIELDS: Final = ("ticket_no", "to_facility", "reason")
"""Fields that are the consignee's own."""
FREE_FIELDS: Final = ("remark",)
"""Fields that touch nobody."""
REVISABLE: Final = (*SIGNED_FIELDS, *CONSIGNOR_FIELDS, *CONSIGNEE_FIELDS, *FREE_FIELDS)
"""The whitelist."""
RECEIPT_FIELDS: Final = frozenset(
    ("received_at", "received_t", "received_moisture_pct", "accepted_t", "refused_t", "reason")
)
"""Fields that exist once the load is decided."""


def touched(
    fields: Iterable[str],
    *,
    by: str,
    consignor: str,
    consignee: str,
    bound: Collection[str],
    annuls: bool = False,
) -> frozenset[str]:
    """Parties that must approve a revision of `fields` proposed by the firm `by`.

    bound: parties that can answer and stand to the values, by signature or because a file speaks
    for them; somebody who has signed nothing, and an external firm, is not asked.

    >>> ask = dict(by="a", consignor="a", consignee="b", bound={"a", "b"})
    >>> sorted(touched(["vehicle"], **ask)), sorted(touched(["dispatched_t"], **ask))
    ([], ['b'])
    """
    names = set(fields)
    found: set[str] = set()
    if annuls or names & set(SIGNED_FIELDS):
        found |= {consignor, consignee}
    if names & set(CONSIGNOR_FIELDS):
        found.add(consignor)
    if names & set(CONSIGNEE_FIELDS):
        found.add(consignee)
    return frozenset((found - {by}) & set(bound))


def headers_of(
    header: LoadHeader, in_force: Sequence[tuple[int, Mapping[str, str]]]
) -> tuple[LoadHeader, dict[int, LoadHeader]]:
    """(the header as it was first, first event of each revision → the header from there on).

    header: as it is now; in_force: (first event, fields before it) of the revisions in order.

    >>> now = LoadHeader("L", "a", "b", "slag", "powder")
    >>> first, later = headers_of(now, [(3, {"material": "pg", "route": "use"})])
    >>> first.material, later[3].material
    ('pg', 'slag')
    """
    found: dict[int, LoadHeader] = {}
    for seq, before in reversed(in_force):
        found[seq] = header
        header = replace(
            header,
            material=before.get("material", header.material),
            route=before.get("route", header.route),
            trips=int(before.get("loads", header.trips)),
        )
    return header, found
