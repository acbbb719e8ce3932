"""Settings of uploaded files; no other logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

FILE_SETTINGS: Final = (
    (
        "WASTEFLOW_UPLOAD_MB",
        "512",
        "上传文件的最大兆字节数（CSV；表格文件另见下项）",
        "megabytes of an uploaded file at most (CSV; spreadsheets see below)",
    ),
    (
        "WASTEFLOW_SHEET_MB",
        "128",
        "上传的 Excel/ODS 文件的最大兆字节数",
        "megabytes of an uploaded spreadsheet at most",
    ),
    (
        "WASTEFLOW_SHEET_INFLATED_MB",
        "1024",
        "Excel/ODS 文件解压后的最大兆字节数",
        "megabytes a spreadsheet may inflate to",
    ),
    (
        "WASTEFLOW_SHEET_RATIO",
        "200",
        "Excel/ODS 文件的最大解压倍数",
        "how many times its size a spreadsheet may inflate to",
    ),
    (
        "WASTEFLOW_SHEET_CELLS",
        "30000000",
        "工作表的最大单元格数（行 × 列）",
        "cells of a sheet at most (rows × columns)",
    ),
)
"""(name, default, Chinese, English); part of `config.SETTINGS`."""


class FileConfig(Struct, frozen=True):
    """Limits in force."""

    upload_mb: int = 512
    sheet_mb: int = 128
    inflated_mb: int = 1024
    ratio: int = 200
    cells: int = 30_000_000


USUAL_FILES: Final = FileConfig()
"""The default."""


def load_files(env: Mapping[str, str]) -> FileConfig:
    """The limits out of the environment; what is no positive number falls back to its default."""
    values = []
    for name, default, _, _ in FILE_SETTINGS:
        text = env.get(name, "")
        number = int(text) if text.isascii() and text.isdigit() else 0
        values.append(number or int(default))
    return FileConfig(*values)
