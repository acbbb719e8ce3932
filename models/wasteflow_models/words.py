"""Words of the ledger that its tables keep as numbers; no table is needed to know them."""

from __future__ import annotations

from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import LoadKind, LoadState

LOAD_KINDS = (LoadKind.DELIVERY.value, LoadKind.RETURN.value, LoadKind.REDIRECT.value)
STATES = tuple(
    state.value
    for state in (
        LoadState.DRAFT,
        LoadState.ISSUED,
        LoadState.IN_TRANSIT,
        LoadState.RECEIVED,
        LoadState.ACCEPTED,
        LoadState.PARTLY_ACCEPTED,
        LoadState.REFUSED,
        LoadState.CANCELLED,
        LoadState.LOST,
    )
)
EVENT_KINDS = tuple(kind.value for kind in EventKind)
MODES = ("", "road", "rail", "water", "conveyor", "pipeline")
BASES = ("wet", "dry")
WEIGHED = ("measured", "estimated")
"""Words as they are numbered in the tables: never reorder, only add at the end."""
