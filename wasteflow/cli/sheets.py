"""What `wasteflow import` does with a spreadsheet, and with text whose columns must be told."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from wasteflow.cli.common import Settings, now
from wasteflow.core.errors import RowsRefused


class SheetOptions(Struct, frozen=True):
    """How the file is to be read, as given with the command."""

    sheet: str
    header_row: int
    encoding: str
    chosen: tuple[str, ...]
    fixed: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether something was told beside the encoding."""
        return bool(self.sheet or self.header_row or self.chosen or self.fixed)


def import_sheet(
    settings: Settings,
    db: Any,
    kind: str,
    file: Path,
    told: SheetOptions,
    dry_run: bool,
    round_kg: bool,
    errors: Path | None,
    progress: Callable[[int, int], None],
) -> tuple[Any, str]:
    """Import the file; (report, how it was read).  Raises UnusableFile, RowsRefused."""
    from wasteflow.importing.marking import mark_file
    from wasteflow.importing.opening import Asked
    from wasteflow.sheet_files import open_and_guess, prepare, record

    pairs = {name: _pairs(given, name) for name, given in
             (("--column", told.chosen), ("--set", told.fixed))}  # fmt: skip
    asked = Asked(told.sheet, told.header_row, told.encoding, pairs["--column"], pairs["--set"])
    source, layout = open_and_guess(file, file.name, kind, asked)
    with tempfile.TemporaryDirectory(prefix="wasteflow-") as name:
        folder = Path(name)
        prepared = prepare(db=db, source=source, layout=layout, folder=folder)
        for number, role, text in prepared.normalised.skipped:
            settings.say(
                f"第 {number} 行未导入（{role}）：{text}",
                f"row {number} left out ({role}): {text}",
                err=True,
            )
        try:
            done = record(
                db=db,
                prepared=prepared,
                now=now(),
                dry_run=dry_run,
                round_kg=round_kg,
                progress=progress,
            )
        except RowsRefused as error:
            if errors is not None:
                made = mark_file(file, source, layout, error.issues, settings.lang, folder).path
                errors.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made, errors)
                settings.say(f"错误文件: {errors}", f"Rows with reasons: {errors}", err=True)
            raise
    return done.report, done.encoding


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    """NAME=VALUE texts as a mapping."""
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r}: NAME=VALUE", param_hint=option)
        found[name.strip()] = value.strip()
    return found
