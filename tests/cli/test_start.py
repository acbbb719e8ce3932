"""What a command may load before it is asked to do something: help must come at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wasteflow.cli import _ABOUT

HEAVY = (
    "alembic",
    "flask",
    "folium",
    "geopandas",
    "jinja2",
    "marshmallow",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "psycopg",
    "scipy",
    "shapely",
    "sqlalchemy",
)
PROGRAM = """
import sys
from wasteflow.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
found = sorted(set(sys.modules) & set({heavy!r}))
assert not found, f"loaded for {{sys.argv[1:]}}: {{found}}"
own = sorted(name for name in sys.modules if name.startswith("wasteflow.cli."))
print("loaded:", *own)
"""


def loaded(*arguments: str) -> list[str]:
    """Our command modules after a call; it fails if anything heavy was loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].removeprefix("loaded:").split()


@pytest.mark.parametrize("word", ["--help", "-h", "--version"])
def test_help_and_version_load_no_command_and_nothing_heavy(word: str) -> None:
    assert loaded(word) == []


def test_the_help_of_every_command_loads_its_module_and_nothing_heavy() -> None:
    for name in _ABOUT:
        assert set(loaded(name, "--help")) - {"wasteflow.cli.common"}, name


def test_pages_are_there_before_what_only_figures_and_files_need() -> None:
    late = {"alembic", "folium", "geopandas", "networkx", "openpyxl", "pandas", "polars"}
    late |= {"apispec", "flask_smorest", "psycopg", "scipy", "shapely", "xlsxwriter", "yaml"}
    program = f"import sys, wasteflow.app; print(*sorted(set(sys.modules) & set({late!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
