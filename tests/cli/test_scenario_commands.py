"""Commands of dependence and scenarios: table, JSON, CSV, both languages, files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import Books
from tests.store.standing import standing  # noqa: F401

PLAN = {"base": "2026", "blocks": [{"kind": "close", "enterprise": "cement"}]}


@pytest.fixture
def command(standing: Books) -> Command:  # noqa: F811
    return Command(standing.db.url, standing.folder)


def test_dependence_in_three_shapes(command: Command) -> None:
    asked = ("dependence", "--period", "2026", "--material", "pg")
    table = command("--lang", "en", *asked)
    assert "cement" in table.output and "single receiver" in table.output
    found = json.loads(command(*asked, "--format", "json").output)
    assert found["rows"][0]["receiver"] == "cement"
    assert command(*asked, "--format", "csv").output.splitlines()[1].startswith("cement,")
    assert command(*asked, "--receiver", "nobody").exit_code == 1


def test_a_scenario_is_run_saved_compared_and_deleted(command: Command, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN), encoding="utf-8")
    table = command("scenario", "run", str(plan)).output
    assert "unplaced_t" in table and "250.000" in table
    assert json.loads(command("scenario", "run", str(plan), "--format", "json").output)["years"]
    uid = command("scenario", "save", str(plan)).output.strip()
    assert uid in command("scenario", "list").output
    both = command("scenario", "compare", uid, uid, "--format", "csv").output
    assert both.splitlines()[0].lstrip("\ufeff") == "figure,today,1 plan,2 plan"
    assert "90万t/a" in command("scenario", "projects").output
    assert command("--lang", "en", "scenario", "delete", uid).output.strip() == "deleted"
    assert command("scenario", "compare", uid).exit_code == 1
    unfit = ('{"base": "2026", "blocks": [1]}', '{"base": "2026", "years": "1"}', '{"base": 2026}')
    bare = ("[]", "{", '{"base": "2026", "blocks": 3}', '{"name": "no base"}', '{"x": 1}')
    for wrong in (*bare, *unfit):
        plan.write_text(wrong, encoding="utf-8")
        assert command("scenario", "run", str(plan)).exit_code == 2, wrong
