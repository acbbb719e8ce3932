"""Hashes of the seal: known roots of RFC 6962, proofs of every leaf, chains tampered with."""

from __future__ import annotations

from hashlib import sha256

import pytest
from msgspec.structs import replace

from wasteflow.core.seal import (
    NO_HEAD,
    SealFacts,
    Step,
    canonical,
    chain_faults,
    climb,
    leaf_hash,
    path_of,
    root_of,
)


def test_roots_are_those_of_rfc_6962() -> None:
    """Test vectors of Certificate Transparency: an empty leaf, and eight leaves."""
    empty = sha256(b"\x00").digest()
    assert leaf_hash("") == empty and root_of([empty]) == empty
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    data.append("606162636465666768696a6b6c6d6e6f")
    leaves = [sha256(b"\x00" + bytes.fromhex(part)).digest() for part in data]
    wanted = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root_of(leaves).hex() == wanted
    with pytest.raises(ValueError, match="no leaves"):
        root_of([])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31])
def test_every_leaf_climbs_to_the_root_and_no_other_does(size: int) -> None:
    leaves = [leaf_hash(f"record {number}") for number in range(size)]
    root = root_of(leaves)
    for number, leaf in enumerate(leaves):
        steps = path_of(leaves, number)
        assert climb(leaf, steps) == root
        assert climb(leaf_hash("forged"), steps) != root
        if steps:
            turned = [Step(not steps[0].left, steps[0].digest), *steps[1:]]
            assert climb(leaf, turned) != root
    if size > 1:
        assert root_of([leaves[1], leaves[0], *leaves[2:]]) != root
        assert root_of(leaves[:-1]) != root


def test_a_text_cannot_be_read_two_ways() -> None:
    assert canonical("k", ["a", "b"]) != canonical("k", ["a\n1:b"])
    assert canonical("k", [None]) != canonical("k", ["-"])
    assert canonical("k", [5]) != canonical("k", ["5"])


def test_a_chain_names_what_does_not_fit() -> None:
    first = SealFacts(1, NO_HEAD, "a" * 64, 3, "{}", "{}", "t1", "")
    second = SealFacts(2, first.head, "b" * 64, 4, "{}", "{}", "t2", "")
    third = SealFacts(3, second.head, "c" * 64, 5, "{}", "{}", "t3", "")
    chain = [first, second, third]
    heads = [facts.head for facts in chain]
    assert chain_faults(chain, heads) == []
    bent = replace(second, count=9)
    assert [fault[0] for fault in chain_faults([first, bent, third], heads)] == [2]
    mended = [first.head, bent.head, third.head]
    assert [fault[0] for fault in chain_faults([first, bent, third], mended)] == [3]
    assert [fault[0] for fault in chain_faults([first, third], [heads[0], heads[2]])] == [2]
