"""`wasteflow correct`: a file of corrections looked at, proposed, and told why not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.files import Command
from tests.store.books import Books, load
from wasteflow_models import migrate
from wasteflow_models.engine import Database


def test_corrections_of_a_file_are_looked_at_and_proposed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'books.sqlite3'}"
    migrate.upgrade(url)
    db = Database(url)
    books = Books(db, tmp_path)
    books.register()
    books.loads(load("F1", "30.000", "30.000"), load("F2", "20.000", "20.000"))
    db.dispose()
    command = Command(url, tmp_path)
    for login, firm in (("mill", "maker"), ("plant", "cement")):
        how = ("--no-password", "--oidc-subject", login)
        command.good("user", "create", login, "--role", "operator", "--org", firm, *how)
    file = tmp_path / "corrections.csv"
    file.write_text("doc_no,field,value,why\nF1,dispatched_t,30.5,scale\nF9,remark,x,y\n", "utf-8")
    asked = ("correct", str(file), "--user", "mill")
    looked = command(*asked, "--dry-run", lang="en")
    assert looked.exit_code == 1 and "dispatched_t=30.500" in looked.output
    assert "checked" in looked.output and "cement" in looked.output
    done = command(*asked, "--format", "json", lang="en")
    rows = json.loads(done.output)["rows"]
    assert [(row["doc_no"], row["status"], row["asked"]) for row in rows] == [
        ("F1", "pending", "cement"),
        ("F9", "refused", ""),
    ]
    assert "F9" in rows[1]["problem"] and done.exit_code == 1
    file.write_text("doc_no,field,value,why\nF2,dispatched_t,-1,x\n", "utf-8")
    assert "dispatched_t: " in command(*asked, "--dry-run", lang="en").output
    file.write_text("doc_no,field,value,why\nF2,remark,late,noted\n", "utf-8")
    told = command.good(*asked, "--format", "csv")
    assert told.splitlines()[1].startswith("F2,,") and ",approved," in told
    assert command("correct", str(file), "--user", "nobody").exit_code != 0
    assert command("correct", str(tmp_path / "none.csv"), "--user", "mill").exit_code == 2
    assert command("check").exit_code == 0
