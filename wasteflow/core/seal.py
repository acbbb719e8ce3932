"""The mathematics of the seal: hashes of records, the tree over them, the chain of seals; pure.

A record is sealed by its canonical text (`models: seal_texts` makes it, docs/seal.md describes it):
one line per value, a blank as `-`, a number in decimal digits, a text as `<bytes in UTF-8>:<text>`.
Leaves and nodes are hashed apart as in RFC 6962 2.1 (prefix 0x00 and 0x01), in trees of its
shape: one over each block of at most 1,024 leaves of a kind, one over the roots of the blocks.
In form 2 the root of a block joins the hash of its kind and keys (prefix 0x03) and its tree.  A
seal is hashed with prefix 0x02 over its own canonical text, which names the seal before it, so that
the last head stands for everything sealed so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

BLOCK: Final = 1024
"""Leaves of a block at most."""
NO_HEAD: Final = "0" * 64
"""What the first seal names as the one before it."""
LEAF, NODE, SEAL, KEYS = b"\x00", b"\x01", b"\x02", b"\x03"
FORM: Final = 2
"""The form new seals are made in; form 1 did not hash the keys of the leaves."""


class SealFacts(Struct, frozen=True):
    """What a seal states: its number, the seal before, the root over `count` records, when, who.

    counts: JSON, records per kind; bounds: JSON, what was in the books at that moment
    (`services.seals`); sealed_at: UTC to the microsecond; form: how its blocks are hashed.
    """

    number: int
    prev_head: str
    root: str
    count: int
    counts: str
    bounds: str
    sealed_at: str
    by: str
    form: int = FORM

    @property
    def text(self) -> str:
        """The canonical text of the seal."""
        return canonical(
            f"seal.{self.form}",
            [
                self.number,
                self.prev_head,
                self.root,
                self.count,
                self.counts,
                self.bounds,
                self.sealed_at,
                self.by,
            ],
        )

    @property
    def head(self) -> str:
        """What stands for this seal and every one before it, as 64 hex digits."""
        return sha256(SEAL + self.text.encode()).hexdigest()


class Step(Struct, frozen=True):
    """One step of a proof: the hash to join, and whether it stands to the left."""

    left: bool
    digest: bytes


def canonical(kind: str, values: Iterable[int | str | None]) -> str:
    """The canonical text of a record: its kind with its version, then one line per value.

    >>> canonical("demo.1", [7, None, "磷石膏", ""]).splitlines()
    ['demo.1', '7', '-', '9:磷石膏', '0:']
    """
    return "".join(f"{line}\n" for line in (kind, *map(_line, values)))


def _line(value: int | str | None) -> str:
    if value is None:
        return "-"
    return f"{len(value.encode())}:{value}" if isinstance(value, str) else str(int(value))


def leaf_hash(text: str) -> bytes:
    """The hash of a record by its canonical text."""
    return sha256(LEAF + text.encode()).digest()


def keys_hash(kind: int, keys: bytes) -> bytes:
    """The hash of a block's kind and keys; keys: 64-bit little-endian, in the leaves' order."""
    return sha256(KEYS + kind.to_bytes(8, "little", signed=True) + keys).digest()


def block_root(leaves: Sequence[bytes], keys: bytes) -> bytes:
    """The root of a block of form 2: the hash of its keys to the left of the tree of its leaves."""
    return sha256(NODE + keys + root_of(leaves)).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, or over the roots of blocks.

    Raises ValueError without leaves.
    """
    if not leaves:
        raise ValueError("no leaves")
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: list[bytes]) -> list[bytes]:
    """The next level; a node without a partner goes up as it is."""
    pairs = zip(level[::2], level[1::2], strict=False)
    higher = [sha256(NODE + left + right).digest() for left, right in pairs]
    return [*higher, level[-1]] if len(level) % 2 else higher


def path_of(leaves: Sequence[bytes], index: int) -> list[Step]:
    """The steps from the leaf at `index` to the root."""
    level, steps = list(leaves), []
    while len(level) > 1:
        partner = index ^ 1
        if partner < len(level):
            steps.append(Step(partner < index, level[partner]))
        level, index = _above(level), index // 2
    return steps


def climb(leaf: bytes, steps: Iterable[Step]) -> bytes:
    """The root that a leaf and its steps lead to."""
    found = leaf
    for step in steps:
        pair = step.digest + found if step.left else found + step.digest
        found = sha256(NODE + pair).digest()
    return found


def chain_faults(seals: Sequence[SealFacts], heads: Sequence[str]) -> list[tuple[int, str, str]]:
    """(number, expected, found) of what does not hold in a chain; `heads` are those stored.

    A gap in the numbers is told as the head that is expected and not there.
    """
    found = []
    before, number = NO_HEAD, 0
    for facts, head in zip(seals, heads, strict=True):
        if facts.number != number + 1:
            found.append((number + 1, f"seal {number + 1}", f"seal {facts.number}"))
        elif facts.prev_head != before:
            found.append((facts.number, before, facts.prev_head))
        if facts.head != head:
            found.append((facts.number, facts.head, head))
        before, number = head, facts.number
    return found
