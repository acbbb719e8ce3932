"""The curl lines of docs/api.md, run in their order against a served program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.api.conftest import Api
from tests.api.people import PEOPLE
from tests.browser.serving import serve
from tests.web_books import LEDGER, REGISTRY
from wasteflow.cli import main
from wasteflow.core.actors import Membership, Role
from wasteflow.core.lifecycle import Waits
from wasteflow.services.checking import check_books
from wasteflow.web.access import books

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"
PERSONS = {"mill": "op-p1", "plant": "op-use", "park": "manager-b"}
"""Person of the page → who of the tests' people that is."""
TOOLS = ("curl", "jq", "bash")
SAID = {
    "jq -r '.state, .version, .moves[].move' load.json": "issued 2 dispatch cancel remind",
    "jq -r .state load.json": "partly_accepted",
    "jq -r '.kind, .state' back.json": "return accepted",
    "jq -r '.disputed, .evidence, .warnings[0].code' other.json": "true disputed weight_disputed",
    "jq -r '.disputed, .accepted_t' other.json": "false 29.400",
    "jq -r '.state, .evidence, .accepted_t, .signed_by": "accepted one_sided 28.000 ent.p1",
    "jq -r '.evidence, (.signed_by": "both ent.p1 and ent.use",
    "jq -r '.revision.status, .revision.before.received_t' revision.json": "pending 300.000",
    "jq -r '.revision.status, .shipment.accepted_t'": "approved 299.000",
    "jq -c .closed": '["2026-01","2026-02","2026-03"]',
    "jq -c '[.results[].status], .results[1].problem.code'": '[201,422] "negative_tonnes"',
    "jq -r '.filename, .size'": "ticket.pdf 21",
    "as_of=2026-03": "300.000",
}
"""Part of a line → what it must print."""


def lines_of_page() -> list[str]:
    """The command lines of the page, continued and quoted ones joined."""
    found: list[str] = []
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M):
        part = ""
        for line in block.splitlines():
            part += line if not part else "\n" + line
            if not line.endswith("\\") and not _open(part):
                found.append(part)
                part = ""
        assert not part
    return found


def _open(text: str) -> bool:
    """Whether a quotation is still open."""
    quote = ""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
    return bool(quote)


@pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="no curl, jq or bash")
def test_every_line_of_the_page_does_what_it_says(api_anywhere: Api, tmp_path: Path) -> None:
    held = books(api_anywhere.app)
    held.config = replace(held.config, waits=Waits(settle_days=0, close_days=0))
    script = ["set -euo pipefail"]
    lines = lines_of_page()
    with serve(api_anywhere.app) as address:
        for number, line in enumerate(lines):
            script += [f"echo '@@{number}'", line.replace("http://127.0.0.1:8765", address)]
        people = api_anywhere.people
        tokens = {
            "MILL": people["op-p1"].token,
            "PLANT": people["op-use"].token,
            "PARK": people["manager-b"].token,
        }
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=tmp_path,
            env={**os.environ, **tokens, "no_proxy": "*"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    printed = dict(
        (int(number), " ".join(text.split()))
        for number, text in re.findall(r"@@(\d+)\n(.*?)(?=@@|\Z)", done.stdout, re.S)
    )
    checked = 0
    for number, line in enumerate(lines):
        for part, expected in SAID.items():
            if part in line:
                assert printed[number] == expected, line
                checked += 1
    assert checked >= len(SAID)
    assert '409 "illegal_move"' in done.stdout.replace("\n", " ")
    events = next(text for number, text in printed.items() if "/events" in lines[number])
    assert events.startswith("dispatched decided") and "receipt_revised" in events
    assert check_books(db=api_anywhere.db).ok


def test_the_page_starts_with_books_and_people_like_those_of_this_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("WASTEFLOW_DATABASE_URL", f"sqlite:///{tmp_path / 'try.sqlite3'}")
    for kind, content in (*REGISTRY, *LEDGER):
        if kind != "targets":
            assert Path(f"docs/example/api/{kind}.csv").read_text(encoding="utf-8") == content
    setup, serving = re.findall(
        r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M
    )
    given: dict[str, tuple[Membership, ...]] = {}
    tokens = 0
    for line in setup.splitlines()[1:]:
        words = shlex.split(re.sub(r"^export \w+=\$\((.*)\)$", r"\1", line))
        assert words[0] == "wasteflow"
        done = CliRunner().invoke(main, words[1:])
        assert done.exit_code == 0, done.output
        if words[1:3] == ["user", "create"]:
            role, org = (words[words.index(name) + 1] for name in ("--role", "--org"))
            given[PERSONS[words[3]]] = (Membership(Role(role), org),)
        if words[1] == "token":
            tokens += bool(re.fullmatch(r"wf_\S+\n", done.stdout))
    assert given == {login: PEOPLE[login] for login in PERSONS.values()} and tokens == 3
    assert "WASTEFLOW_SETTLE_DAYS=0 WASTEFLOW_CLOSE_DAYS=0 wasteflow serve" in serving
