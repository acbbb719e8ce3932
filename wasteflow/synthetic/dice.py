"""Repeatable randomness from integers alone: the same seed gives the same bytes on every machine.

numpy's own generators may change between releases and floating-point functions differ between
processors; a counter hashed by splitmix64 does neither.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * _MIX_A) & _MASK
    value = ((value ^ (value >> 27)) * _MIX_B) & _MASK
    return value ^ (value >> 31)


class Dice:
    """One named stream of a seed; every number of it is a function of (seed, name, id).

    >>> dice = Dice(1, "doctest")
    >>> dice.one(7, 100) == int(dice.below(np.array([7]), 100)[0])
    True
    """

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "little")

    def one(self, number: int, sides: int) -> int:
        """An integer in [0, sides) that belongs to the id `number`."""
        return (_mixed(((number + 1) * _GAMMA + self._key) & _MASK) >> 20) % sides

    def below(self, ids: Ints, sides: int) -> Ints:
        """Integers in [0, sides), one per id; the shape of `ids`."""
        bits = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(_GAMMA) + np.uint64(self._key)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(_MIX_A)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(_MIX_B)
        bits = bits ^ (bits >> np.uint64(31))
        return ((bits >> np.uint64(20)) % np.uint64(sides)).astype(np.int64)

    def around(self, ids: Ints, width: int) -> Ints:
        """Integers in [-width, width], small ones more often (sum of two throws)."""
        return self.below(ids * 2, width + 1) + self.below(ids * 2 + 1, width + 1) - width

    def one_around(self, number: int, width: int) -> int:
        """`around` for one id."""
        return self.one(number * 2, width + 1) + self.one(number * 2 + 1, width + 1) - width

    def shuffled(self, count: int) -> Ints:
        """0..count-1 in a repeatable random order."""
        ids = np.arange(count, dtype=np.int64)
        return np.argsort(self.below(ids, 1 << 40), kind="stable").astype(np.int64)
