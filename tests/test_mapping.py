"""The map's content over real books: scope, parks with their rate, and page = command."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from tests import web_books
from wasteflow.cli import main
from wasteflow.core.periods import Period
from wasteflow.mapping import map_of
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import flows_report
from wasteflow_models.engine import Database


def test_a_map_of_a_scope_shows_its_links_and_the_rates_of_the_rates_page(
    database_url: str, tmp_path: Path
) -> None:
    web_books.load(database_url, tmp_path, (*web_books.REGISTRY, *web_books.LEDGER))
    db, period = Database(database_url), Period.parse("2026")
    try:
        whole, park, other = (
            map_of(db=db, period=period, scope=scope)
            for scope in ("all", "park:park.a", "enterprise:ent.trade")
        )
        flows = flows_report(db=db, period=period)
        rates = rates_report(db=db, period=period, by="park")
    finally:
        db.dispose()
    between = [
        edge
        for edge in flows["edges"]
        if edge["source"].startswith("ent.") and edge["target"].startswith("ent.")
    ]
    assert sum(link.kg for link in whole.links) == sum(edge["kg"] for edge in between) > 0
    mine = [edge for edge in between if "ent.p1" in (edge["source"], edge["target"])]
    assert sum(link.kg for link in park.links) == sum(edge["kg"] for edge in mine) > 0
    assert not other.links, "a firm without links has none on its map"
    shown = {area["code"]: area["value"] for area in whole.parks}
    for row in rates["rows"]:
        value = shown[row["park"]]
        assert (None if value is None else float(value)) == row["value"]


def test_the_command_draws_the_scope_asked_for(database_url: str, tmp_path: Path) -> None:
    web_books.load(database_url, tmp_path, (*web_books.REGISTRY, *web_books.LEDGER))
    out = tmp_path / "map.html"
    call = ["--lang", "en", "--database", database_url, "map", "--period", "2026"]
    done = CliRunner().invoke(main, [*call, "--scope", "park:park.a", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "Producer One" in out.read_text("utf-8")
    wrong = CliRunner().invoke(main, [*call, "--scope", "park:none", "--out", str(out)])
    assert wrong.exit_code != 0 and "none" in wrong.output
