"""A `flows` report as text in any of its formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wasteflow.exporting import graphs, sankey
from wasteflow.exporting.tables import json_text


def flows_text(report: dict[str, Any], shape: str) -> str:
    """A `flows` report in one of the graph formats."""
    writers: dict[str, Callable[[dict[str, Any]], str]] = {
        "json": json_text,
        "csv": graphs.to_csv,
        "graphml": graphs.to_graphml,
        "gexf": graphs.to_gexf,
        "geojson": graphs.to_geojson,
        "sankey": sankey.to_sankey,
    }
    return writers[shape](report)
