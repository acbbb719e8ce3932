"""What `import boundaries` tells: outlines of parks taken from a geodata file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wasteflow.cli.common import Settings, json_text, now, table_text


def show_outlines(settings: Settings, database: Any, file: Path, shape: str, **asked: Any) -> None:
    """Take outlines of parks and tell of each: area, what was mended, how far it moved."""
    from wasteflow.jobs import import_boundaries

    done = import_boundaries(db=database, path=file, now=now(), **asked)
    if shape == "json":
        click.echo(json_text(done))
        return
    heads = ["园区", "面积 km²", "角点", "修复", "位移 m"]
    if settings.lang == "en":
        heads = ["park", "area km²", "corners", "mended", "moved m"]
    rows = [
        [
            item["park"],
            f"{item['area_km2']:.3f}",
            str(item["corners"]),
            " ".join(item["notes"]) or "–",
            "–" if item["shift_m"] is None else f"{item['shift_m']:.0f}",
        ]
        for item in done["outlines"]
    ]
    click.echo(table_text(heads, rows))
    number, left = len(done["outlines"]), len(done["unmatched"])
    settings.say(
        f"边界 {number} 个（{done['crs']}），未匹配要素 {left} 个。",
        f"{number} boundaries ({done['crs']}), {left} features of no park.",
    )
