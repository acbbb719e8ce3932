"""Links of firms as one number each: by the thousand they are quicker to compare than pairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 32
"""A firm's key is a row number of the registry, far below 2**31."""


def link_keys(consignor_id: NDArray[Any], consignee_id: NDArray[Any]) -> NDArray[np.int64]:
    """The number of the link of each load.

    >>> firms_of(link_keys(np.array([7]), np.array([3])).tolist())
    [(7, 3)]
    """
    keys: NDArray[np.int64] = consignor_id.astype(np.int64) << _BITS | consignee_id
    return keys


def firms_of(links: Iterable[int]) -> list[tuple[int, int]]:
    """Consignor and consignee of links."""
    return [(link >> _BITS, link & ((1 << _BITS) - 1)) for link in links]
