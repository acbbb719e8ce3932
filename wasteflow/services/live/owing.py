"""Who owes the next word on a load, and since when it is awaited; reads only."""

from __future__ import annotations

from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import Held
from wasteflow.services.live.views import answers_of


def owing(held: Held) -> list[tuple[str, str]]:
    """(enterprise, move) for everybody whose turn it is, in order; external firms owe nothing.

    A draft is nobody's turn but its maker's, who may remind a consignor of it.
    """
    found: list[tuple[str, str]] = []
    state = held.state
    if held.row.reversed_:
        return []
    if state is LoadState.DRAFT:
        found.append((held.consignor, "issue"))
    elif state is LoadState.ISSUED:
        found.append((held.consignor, "dispatch"))
    elif state in (LoadState.IN_TRANSIT, LoadState.RECEIVED):
        found.append((held.consignee, "decide"))
    if held.pending is not None:
        waiting = [item for item in answers_of(held.session, held.pending) if not item.answer]
        found += [(item.organisation, "approve") for item in waiting]
    flags = held.flags
    if flags.disputed:
        if not flags.contested:
            found.append((held.consignor, "acknowledge"))
    elif flags.unsigned and not flags.outside and not held.imported:
        left = sorted({held.consignor, held.consignee} - held.signed)
        found += [(firm, "confirm") for firm in left]
    return [(firm, move) for firm, move in found if firm and not held.external(firm)]
