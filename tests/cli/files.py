"""The command in-process, and files for it: what a test of the command line needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from tests.store.books import Rows, write_rows
from tests.store.databases import row_counts
from wasteflow.cli import main
from wasteflow_models.engine import Database


@dataclass(slots=True)
class Command:
    """`wasteflow` on one database."""

    url: str
    folder: Path

    def __call__(self, *words: str | Path, lang: str = "zh") -> Result:
        """Run a command; a traceback is never an answer."""
        asked = ["--lang", lang, "--database", self.url, *map(str, words)]
        result = CliRunner().invoke(main, asked)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def good(self, *words: str | Path) -> str:
        """Run a command that must end with 0; returns what it printed."""
        result = self(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def file(self, name: str, content: bytes | str) -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def rows(self, name: str, *rows: dict[str, str]) -> Path:
        """A CSV file of rows."""
        given: Rows = rows
        return write_rows(self.folder / name, given)

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        db = Database(self.url)
        try:
            return row_counts(db)
        finally:
            db.dispose()
