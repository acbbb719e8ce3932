"""`/seals`: who may seal and read, proofs that a stranger can verify, and the pages of the same."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.api.conftest import Api
from tests.api.loads import accepted
from wasteflow.services.housekeeping import Housekeeping
from wasteflow.services.seals import list_seals

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_proof.py"


def verified(
    tmp_path: Path, proof: dict[str, object], head: str
) -> subprocess.CompletedProcess[str]:
    """The documented script over a proof."""
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof, ensure_ascii=False), encoding="utf-8")
    command = [sys.executable, "-I", str(SCRIPT), str(file), head]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_a_record_is_proved_to_a_stranger(api: Api, tmp_path: Path) -> None:
    load = accepted(api)
    assert api.get("op-p1", f"/seals/0/proof?record={load['id']}").status_code == 404  # unsealed
    for who in ("op-p1", "head-p1", "manager-a"):
        assert api.post(who, "/seals", {}).status_code == 403
    made = api.post("admin", "/seals", {})
    assert made.status_code == 201
    head = made.get_json()["head"]
    assert api.post("admin", "/seals", {}).status_code == 409
    assert [item["head"] for item in api.get("op-p2", "/seals").get_json()["items"]] == [head]
    assert api.get("op-p2", "/seals/1").get_json()["number"] == 1
    assert api.get("op-p2", "/seals/7").status_code == 404
    path = f"/seals/1/proof?record={load['id']}"
    assert api.get("op-p2", path).status_code == 404  # none of his business
    proof = api.get("op-use", path).get_json()
    kinds = [item["kind"] for item in proof["proofs"]]
    assert kinds.count("load") == 1 and kinds.count("event") == load["version"] - 1
    done = verified(tmp_path, proof, head)
    assert done.returncode == 0 and load["doc_no"] in done.stdout
    assert verified(tmp_path, proof, "0" * 64).returncode == 1
    nothing = verified(tmp_path, {**proof, "proofs": []}, head)
    assert nothing.returncode == 1 and "proves no record" in nothing.stderr
    text = proof["proofs"][0]["text"]
    proof["proofs"][0]["text"] = text.replace(load["doc_no"], load["doc_no"] + "x")
    assert "not in its seal" in verified(tmp_path, proof, head).stderr


def test_the_server_seals_on_schedule(api: Api) -> None:
    accepted(api)
    moment = datetime.now(UTC)
    house = Housekeeping(api.db, lambda: moment, seal_hours=24)
    house.round()
    assert [row["sealed_by"] for row in list_seals(db=api.db)] == ["schedule"]
    accepted(api)
    moment += timedelta(hours=23)
    house.round()
    assert len(list_seals(db=api.db)) == 1
    moment += timedelta(hours=2)
    house.round()
    assert len(list_seals(db=api.db)) == 2
