"""A file of corrections as people write it, opened and read; pages and the command share it."""

from __future__ import annotations

from pathlib import Path

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.importing.opening import Source
from wasteflow.importing.sheets import plain_text
from wasteflow.schemas.correction_rows import Correction, read_corrections


def open_corrections(
    path: Path, name: str, encoding: str = ""
) -> tuple[list[Correction], list[RowIssue]]:
    """Corrections of a delimited file, or of the first sheet of a workbook that is not hidden.

    Raises UnusableFile.
    """
    if not path.is_file():
        raise UnusableFile("file_missing", file=str(path))
    source = Source(path, name, encoding)
    sheet = next((item.name for item in source.sheets if not item.hidden), source.sheets[0].name)
    rows = ((number, [plain_text(cell) for cell in cells]) for number, cells in source.rows(sheet))
    return read_corrections(rows, name)
