"""A balance report as a flat table of text cells, for the command line and for files."""

from __future__ import annotations

from typing import Any

from wasteflow.core.units import kg_from_tonnes, tonnes_text


def balance_table(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of a balance report."""
    columns = ["enterprise", "compartment", "material", "opening_t", "in_t", "out_t", "closing_t"]
    columns += ["residual_t", "in", "out", "findings"]
    rows = []
    for row in [*report["rows"], {**report["total"], "enterprise": "total"}]:
        rows.append(
            [
                row["enterprise"],
                row["compartment"],
                row["material"],
                row["opening_t"],
                _sum(row["in"]),
                _sum(row["out"]),
                row["closing_t"],
                row["residual_t"],
                " ".join(f"{word}={tonnes}" for word, tonnes in row["in"].items()),
                " ".join(f"{word}={tonnes}" for word, tonnes in row["out"].items()),
                " ".join(row["findings"]),
            ]
        )
    return columns, rows


def _sum(parts: dict[str, str]) -> str:
    return tonnes_text(sum(kg_from_tonnes(tonnes) for tonnes in parts.values()))
