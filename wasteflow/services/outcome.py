"""What an import or a write returns: counts, warnings, and the way a dry run ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from wasteflow.core.errors import Remark
from wasteflow.core.vocabulary import as_text

Progress = Callable[[int], None]
SHOWN_EXAMPLES = 5


class DryRunEnds(Exception):
    """Raised inside the transaction of a dry run so that it rolls back."""


class Warnings(Struct):
    """Warnings by code: how many rows, and the first few with their line."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[int, Remark]]] = field(default_factory=dict)

    def add(self, line: int, code: str, **params: object) -> None:
        """Note a warning of a file line."""
        self.counts[code] += 1
        shown = self.examples.setdefault(code, [])
        if len(shown) < SHOWN_EXAMPLES:
            told = {key: as_text(value) for key, value in params.items()}
            shown.append((line, Remark(code, told)))


class ImportReport(Struct):
    """Counts of one import. `completed`: loads that got their receipt; `confirmed`: loads in the
    books that the file's own firm signs by it; `skipped`: known already; `batch_id`: of what was
    published, 0 of nothing.
    """

    kind: str
    rows: int = 0
    taken: int = 0
    updated: int = 0
    completed: int = 0
    confirmed: int = 0
    skipped: int = 0
    rounded_rows: int = 0
    rounded_kg: str = "0"
    dry_run: bool = False
    batch_id: int = 0
    warnings: Warnings = field(default_factory=Warnings)

    def add_rounded(self, kg: Decimal) -> None:
        """Add what rounding changed to `rounded_kg`."""
        self.rounded_kg = str(Decimal(self.rounded_kg) + kg)

    def as_dict(self, lang: str = "zh") -> dict[str, Any]:
        """JSON shape of the report."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "taken": self.taken,
            "updated": self.updated,
            "completed": self.completed,
            "confirmed": self.confirmed,
            "skipped": self.skipped,
            "rounded_rows": self.rounded_rows,
            "rounded_kg": self.rounded_kg,
            "dry_run": self.dry_run,
            "warnings": [
                {
                    "code": code,
                    "rows": count,
                    "examples": [
                        {"line": line, "message": remark.text(lang)}
                        for line, remark in self.warnings.examples[code]
                    ],
                }
                for code, count in sorted(self.warnings.counts.items())
            ],
        }


class Row(Struct, frozen=True):
    """One checked row of a file: its line and its typed values by column name."""

    line: int
    values: Mapping[str, Any]
