"""Our side of every report: calls of public functions of wasteflow, ready to be timed.

Nothing of another package is measured here, and nothing private of wasteflow is called.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from benchmarks.measuring import Prepared
from wasteflow import jobs, load_files
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.units import kg_from_tonnes
from wasteflow.mapping import map_of
from wasteflow.services import checking, rating, reports
from wasteflow_models import migrate
from wasteflow_models.engine import Database

REGISTRY_KINDS = ("parks", "enterprises", "facilities")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
"""The moment of every import: after the last month of the synthetic ledger."""
LEVEL_OF_RATES = "park,material,quarter"


def kilograms(tonnes: str | None) -> int:
    """Whole kilograms of a tonnes text of a report.

    >>> kilograms("31.480"), kilograms(None)
    (31480, 0)
    """
    return kg_from_tonnes(tonnes) if tonnes else 0


# --- import --------------------------------------------------------------------------------


def books_before_loads(url: str, folder: str) -> Prepared:
    """A new database with seed data and the synthetic registry; the clock sees its entries."""
    migrate.upgrade(url)
    db = Database(url)
    jobs.seed_database(db=db, now=NOW)
    common: dict[str, Any] = {"db": db, "now": NOW, "synthetic": True}
    jobs.import_folder(folder=Path(folder), kinds=REGISTRY_KINDS, **common)
    path = Path(folder) / "entries.csv"
    return Prepared(
        run=lambda: jobs.import_file(kind="entries", path=path, **common),
        facts=lambda done: {"rows": done.report.taken},
        end=db.dispose,
    )


def import_loads(url: str, shipments: str, sample: str) -> Prepared:
    """The file of loads into a database with registry and entries; sample: its first rows."""
    db = Database(url)
    common: dict[str, Any] = {"db": db, "kind": "shipments", "now": NOW, "synthetic": True}

    def facts(done: load_files.Imported) -> dict[str, Any]:
        return {"rows": done.report.taken, "warnings": sum(done.report.warnings.counts.values())}

    return Prepared(
        run=lambda: jobs.import_file(path=Path(shipments), **common),
        facts=facts,
        warm=lambda: jobs.import_file(path=Path(sample), dry_run=True, **common),
        end=db.dispose,
    )


# --- reports -------------------------------------------------------------------------------


def _use_routes(registry: Registry) -> set[str]:
    return {code for code, route in registry.routes.items() if route.fate == "use"}


def accepted_by_park(db: Database, period: Period) -> dict[str, int]:
    """`park|material|quarter` of the consignor → kilograms accepted under a use route.

    What a script without tracing calls utilised; from the flow graphs of the quarters.
    """
    found: dict[str, int] = defaultdict(int)
    registry = reports.overview(db=db).registry
    routes = _use_routes(registry)
    for quarter in rating.cut(period, "quarter"):
        for edge in reports.flows_report(db=db, period=quarter)["edges"]:
            if edge["route"] in routes and {edge["source"], edge["target"]} <= set(
                registry.enterprises
            ):
                park = registry.park_of(edge["source"])
                found[f"{park}|{edge['material']}|{quarter.text}"] += int(edge["kg"])
    return {key: kg for key, kg in sorted(found.items()) if kg}


def rates(url: str, warm_url: str, period: str) -> Prepared:
    """Declared rates by park, material and quarter; products too, since the peers count them."""
    db, small, span = Database(url), Database(warm_url), Period.parse(period)

    def facts(report: dict[str, Any]) -> dict[str, Any]:
        generated = {
            f"{row['park']}|{row['material']}|{row['quarter']}": kilograms(row["generated_t"])
            for row in report["rows"]
        }
        credited = sum(kilograms(row["utilised_t"]) for row in report["rows"])
        return {
            "rows": len(report["rows"]),
            "generated": {key: kg for key, kg in sorted(generated.items()) if kg},
            "accepted": accepted_by_park(db, span),
            "utilised_kg": credited,
        }

    def run(books: Database) -> dict[str, Any]:
        return rating.rates_report(db=books, period=span, by=LEVEL_OF_RATES, include_products=True)

    return Prepared(lambda: run(db), facts, warm=_warm(db, lambda: run(small)), end=db.dispose)


def _warm(db: Database, job: Callable[[], object]) -> Callable[[], None]:
    """Open the connection that the timed run will use, and load packages by a run elsewhere."""

    def warm() -> None:
        with db.read() as session:
            session.connection()
        job()

    return warm


def graph(url: str, warm_url: str, period: str) -> Prepared:
    """The NetworkX graph of every flow, firm by firm."""
    db, small, span = Database(url), Database(warm_url), Period.parse(period)

    def facts(made: tuple[Any, bool]) -> dict[str, Any]:
        firms = reports.overview(db=db).registry.enterprises
        edges = {
            f"{source}|{target}|{key}": data["kg"]
            for source, target, key, data in made[0].edges(keys=True, data=True)
            if source in firms and target in firms and data["kg"]
        }
        return {"all_edges": made[0].number_of_edges(), "edges": dict(sorted(edges.items()))}

    def run(books: Database) -> tuple[Any, bool]:
        return reports.flow_graph(db=books, period=span)

    return Prepared(lambda: run(db), facts, warm=_warm(db, lambda: run(small)), end=db.dispose)


def check(url: str, warm_url: str) -> Prepared:
    """The proof of the books."""
    db, small = Database(url), Database(warm_url)

    def facts(report: checking.CheckReport) -> dict[str, Any]:
        return {"rows": report.shipments, "faults": len(report.faults), "flows": report.flows}

    return Prepared(
        run=lambda: checking.check_books(db=db),
        facts=facts,
        warm=_warm(db, lambda: checking.check_books(db=small)),
        end=db.dispose,
    )


# --- map -----------------------------------------------------------------------------------


def map_of_books(url: str, warm_url: str, period: str) -> Prepared:
    """The map page as users get it: from the books to HTML, many links added up by park."""
    from wasteflow_maps.page import render_map

    db, small, span = Database(url), Database(warm_url), Period.parse(period)

    def run(books: Database) -> str:
        data = map_of(db=books, period=span)
        return render_map(data, lang="zh", single_file=False, asset_url=_asset, nonce="n")

    return Prepared(
        run=lambda: run(db),
        facts=lambda page: {"bytes": len(page.encode())},
        warm=_warm(db, lambda: run(small)),
        end=db.dispose,
    )


def _asset(name: str) -> str:
    return f"/assets/{name}"


def map_page(url: str, period: str, links: int) -> Prepared:
    """A page that draws the largest `links` links one by one; the flow report is made before."""
    from wasteflow_maps.layers import MapData, map_data
    from wasteflow_maps.page import render_map

    db, span = Database(url), Period.parse(period)
    flows, registry = reports.flows_report(db=db, period=span), reports.overview(db=db).registry
    flows = {**flows, "edges": _largest(flows["edges"], registry, links)}
    parks = [_located(park) for park in registry.parks.values()]
    firms = [_located(firm) for firm in registry.enterprises.values()]
    materials = [asdict(item) for item in registry.materials.values()]
    made: list[MapData] = []

    def run() -> str:
        data = map_data(
            flows,
            parks,
            firms,
            period=span.text,
            materials=materials,
            rates={},
            synthetic=True,
            basemap=None,
            evidence_date="",
            max_links=links,
        )
        made[:] = [data]
        return render_map(data, lang="zh", single_file=False, asset_url=_asset, nonce="n")

    def facts(page: str) -> dict[str, Any]:
        drawn = made[0].links
        return {
            "links": len(drawn),
            "kg": sum(link.kg for link in drawn),
            "bytes": len(page.encode()),
        }

    return Prepared(run, facts, warm=run, end=db.dispose)


def _located(item: Any) -> dict[str, Any]:
    radius = item.precision_km
    row = {**asdict(item), "precision_km": float(radius) if radius else None}
    row.pop("boundary", None)
    return row


def _largest(edges: list[dict[str, Any]], registry: Registry, links: int) -> list[dict[str, Any]]:
    """Edges of the largest links between firms; a link joins the routes of one material."""
    mass: dict[tuple[str, str, str], int] = defaultdict(int)
    for edge in edges:
        ends = edge["source"], edge["target"]
        if set(ends) <= set(registry.enterprises) and edge["kg"]:
            mass[*ends, edge["material"]] += int(edge["kg"])
    order = sorted(mass.items(), key=lambda item: (-item[1], item[0]))
    chosen = {key for key, _ in order[:links]}
    return [e for e in edges if (e["source"], e["target"], e["material"]) in chosen]


# --- start-up ------------------------------------------------------------------------------


def start(command: list[str]) -> Prepared:
    """A command in a process of its own, from nothing to its end."""

    def run() -> int:
        return subprocess.run(command, capture_output=True, check=True).returncode

    return Prepared(run, lambda code: {"exit": code}, warm=run)


def help_command() -> list[str]:
    """`wasteflow --help` of this environment, without needing the script on the PATH."""
    return [sys.executable, "-c", "from wasteflow.cli import main; main(['--help'])"]
