"""Settings of the program, one documented row each, from the environment."""

from __future__ import annotations

import os
from pathlib import Path


def database_url() -> str:
    """WASTEFLOW_DATABASE_URL, else a SQLite file in the instance folder."""
    url = os.environ.get("WASTEFLOW_DATABASE_URL", "")
    if url:
        return url
    folder = Path(os.environ.get("WASTEFLOW_INSTANCE", "instance")).resolve()
    return f"sqlite:///{folder / 'wasteflow.sqlite3'}"
