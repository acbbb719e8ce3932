"""What binds the loads of a batch to their holders and parents, aligned with it."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.services.load_convert import pick

Ints = NDArray[np.int64]


class Bound(Struct, frozen=True):
    """What binds loads to their holders and parents; arrays aligned with a batch."""

    kind: Ints
    holder: Ints
    parent: Ints
    parent_consignee: Ints
    parent_refused_kg: Ints
    parent_doc_no: list[str]

    @classmethod
    def none(cls, batch: LoadBatch) -> Bound:
        """Deliveries: held by their consignor, children of nobody."""
        zero = np.zeros(len(batch), np.int64)
        return cls(zero, batch.consignor_id, zero, zero, zero, [""] * len(batch))

    def pick(self, rows: Ints) -> Bound:
        """The rows at these positions."""
        return Bound(
            self.kind[rows],
            self.holder[rows],
            self.parent[rows],
            self.parent_consignee[rows],
            self.parent_refused_kg[rows],
            [self.parent_doc_no[row] for row in rows.tolist()],
        )


def chosen(batch: LoadBatch, bound: Bound, rows: Ints) -> tuple[LoadBatch, Bound]:
    """The rows at some positions of both."""
    if len(rows) == len(batch) and (rows == np.arange(len(batch))).all():
        return batch, bound
    return pick(batch, rows), bound.pick(rows)
