"""Verify a wasteflow proof with nothing but Python: python verify_proof.py PROOF.json HEAD

HEAD is the seal code you know from elsewhere: printed on a form, or noted by another office.
"""

import hashlib
import json
import sys


def sha(prefix: bytes, data: bytes) -> str:
    return hashlib.sha256(prefix + data).hexdigest()


def check(holds: bool, words: str) -> None:
    if not holds:  # not `assert`: that is skipped by python -O
        raise AssertionError(words)


def verify(proof: dict, head: str) -> list[str]:
    """The texts of the records that are proved; raises AssertionError where something is wrong."""
    roots, before = {}, None
    for seal in proof["seals"]:  # the chain: each seal names the one before it
        kind, number, prev, root = seal["text"].split("\n")[:4]
        check(kind in ("seal.1", "seal.2") and before in (None, prev), "the chain is broken")
        before = "64:" + sha(b"\x02", seal["text"].encode())
        roots[int(number)] = root
    check(before == f"64:{head}", "the chain does not end at this head")
    for item in proof["proofs"]:  # each record: from its text to the root of its seal
        found = sha(b"\x00", item["text"].encode())
        for step in item["path"]:
            pair = (step["hash"], found) if step["side"] == "left" else (found, step["hash"])
            found = sha(b"\x01", bytes.fromhex("".join(pair)))
        check(roots[item["seal"]] == f"64:{found}", "a record is not in its seal")
    check(bool(proof["proofs"]), "the file proves no record")
    return [item["text"] for item in proof["proofs"]]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        proved = verify(json.load(file), sys.argv[2].strip().lower())
    print(f"{len(proved)} records proved:", *proved, sep="\n\n")
