"""Settings of the program, one documented row each, from the environment."""

from __future__ import annotations

import os
from pathlib import Path


def instance_folder() -> Path:
    """WASTEFLOW_INSTANCE, else `instance` under the working directory: where databases lie."""
    return Path(os.environ.get("WASTEFLOW_INSTANCE", "instance")).resolve()


def database_url() -> str:
    """WASTEFLOW_DATABASE_URL, else a SQLite file in the instance folder."""
    return os.environ.get("WASTEFLOW_DATABASE_URL") or (
        f"sqlite:///{instance_folder() / 'wasteflow.sqlite3'}"
    )
