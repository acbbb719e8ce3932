"""The data of a benchmark: synthetic files made once per set of parameters; no database here."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import wasteflow.synthetic
from wasteflow.core.periods import Period, next_month
from wasteflow.jobs import seed_folder
from wasteflow.synthetic import synth
from wasteflow.synthetic.synth import LAST_MONTH

MILLION = 1_000_000
FULL_FIRMS, FULL_PARKS = 2000, 60
"""Firms and parks of the bars, which are set for a million loads (3-architecture 3.5)."""
LAST = LAST_MONTH[0] * 100 + LAST_MONTH[1]
"""Last month of every synthetic ledger, yyyymm."""


@dataclass(frozen=True, slots=True)
class Size:
    """Parameters of `wasteflow synth`."""

    loads: int
    enterprises: int = FULL_FIRMS
    parks: int = FULL_PARKS
    months: int = 36
    seed: int = 1

    @classmethod
    def of(cls, loads: int) -> Size:
        """The size of a run: from a million loads on always the same firms, below it fewer.

        >>> Size.of(10_000_000).enterprises, Size.of(20_000).enterprises
        (2000, 200)
        """
        firms = min(FULL_FIRMS, max(24, loads // 100))
        return cls(loads, firms, min(FULL_PARKS, max(4, firms // 30)))

    def period(self, months: int) -> Period:
        """The last `months` months of the ledger, or all of them if there are fewer."""
        return Period.of(next_month(LAST, 1 - min(months, self.months)), LAST)

    def key(self) -> str:
        """Name of the folder of these files: the parameters and the program that writes them."""
        numbers = (self.loads, self.enterprises, self.parks, self.months, self.seed)
        return "-".join([*(str(number) for number in numbers), _program()])


TINY = Size(loads=200, enterprises=24, parks=4)
"""A database so small that one report over it costs nothing but the imports of packages."""


@cache
def _program() -> str:
    """Changes with the source of the synthetic data."""
    found = hashlib.sha256()
    for path in sorted(Path(wasteflow.synthetic.__file__).parent.glob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a size, and where the copies that peers make of them lie."""

    size: Size
    folder: Path

    @property
    def shipments(self) -> Path:
        """Loads, 27 columns."""
        return self.folder / "shipments.csv"

    @property
    def entries(self) -> Path:
        """Generation, use, yards, disposal of single firms."""
        return self.folder / "entries.csv"

    @property
    def enterprises(self) -> Path:
        """Firms with their park and position."""
        return self.folder / "enterprises.csv"

    @property
    def materials(self) -> Path:
        """Registered materials (seed data)."""
        return seed_folder() / "materials.csv"

    @property
    def routes(self) -> Path:
        """Registered routes with their fate (seed data)."""
        return seed_folder() / "routes.csv"

    @property
    def duck(self) -> Path:
        """DuckDB file with typed tables of the same rows; made by `peers.duck_file`."""
        return self.folder / "tables.duckdb"

    def as_options(self) -> dict[str, str]:
        """The paths as plain text, for a call in another process."""
        names = ("shipments", "entries", "enterprises", "materials", "routes", "duck")
        return {name: str(getattr(self, name)) for name in names}


def files_of(size: Size, cache_folder: Path) -> Files:
    """The files of `size`, written into `cache_folder` unless they are there."""
    folder = cache_folder / size.key()
    if not folder.is_dir():
        cache_folder.mkdir(parents=True, exist_ok=True)
        # Renamed when complete: an interrupted run leaves nothing that looks like data.
        made = Path(tempfile.mkdtemp(prefix="making-", dir=cache_folder))
        try:
            synth(size.loads, size.enterprises, size.parks, size.months, size.seed, made)
            made.chmod(0o755)
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return Files(size, folder)
