"""A small registry and the shortest way from rows to books, through the real files and services."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sqlalchemy.orm import Session

from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.core.periods import Period
from wasteflow.core.vocabulary import Evidence
from wasteflow.jobs import import_file
from wasteflow.services.checking import CheckReport, check_books
from wasteflow.services.outcome import ImportReport
from wasteflow.services.reports import balance_report, flows_report
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.rollup_stored import stored_rollup

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
"""The moment of every import of the tests: noon of 2026-11-21 in Asia/Shanghai."""

Rows = Sequence[Mapping[str, str]]


class FlowRow(NamedTuple):
    """A row of the roll-up, its places spelt out."""

    month: int
    s_kind: int
    s_a: int
    s_b: int
    t_kind: int
    t_a: int
    t_b: int
    material_id: int
    route_id: int
    evidence: int
    kg: int
    n: int


def flow_rows(session: Session) -> list[FlowRow]:
    """The whole roll-up as the database holds it, in order."""
    found = stored_rollup(session)
    table = np.column_stack([found.keys, found.kg, found.n]).tolist()
    return sorted(FlowRow(*row) for row in table)


REGISTRY: dict[str, list[dict[str, str]]] = {
    "regions": [
        {"code": "530000", "name_zh": "云南省"},
        {"code": "530100", "name_zh": "昆明市", "parent": "530000"},
        {"code": "520000", "name_zh": "贵州省"},
    ],
    "parks": [
        {"code": "park.a", "name_zh": "甲园区", "region": "530100"},
        {"code": "park.a.east", "name_zh": "甲园区东片", "parent": "park.a"},
        {"code": "park.b", "name_zh": "乙园区", "region": "520000"},
    ],
    "enterprises": [
        {"code": "maker", "name_zh": "磷化工厂", "park": "park.a"},
        {"code": "maker2", "name_zh": "第二磷化工厂", "park": "park.a.east"},
        {"code": "trader", "name_zh": "渣贸公司", "park": "park.b"},
        {"code": "cement", "name_zh": "水泥厂", "park": "park.a"},
        {"code": "board", "name_zh": "石膏板厂", "park": "park.b"},
        {"code": "far", "name_zh": "省外企业", "external": "true"},
    ],
    "materials": [
        {"code": "pg", "name_zh": "磷石膏", "is_waste": "true"},
        {"code": "slag", "name_zh": "钢渣", "is_waste": "true"},
    ],
    "routes": [
        {"code": "retarder", "material": "pg", "name_zh": "缓凝剂", "fate": "use"},
        {"code": "plaster", "material": "pg", "name_zh": "建筑石膏", "fate": "use"},
        {"code": "heap", "material": "pg;slag", "name_zh": "堆存", "fate": "storage"},
        {"code": "fill", "material": "*", "name_zh": "填埋", "fate": "disposal"},
        {"code": "wash", "material": "pg", "name_zh": "无害化", "fate": "treatment"},
        {"code": "trade", "material": "*", "name_zh": "转运", "fate": "transfer"},
        {"code": "powder", "material": "slag", "name_zh": "钢渣粉", "fate": "use"},
    ],
    "facilities": [
        {
            "code": "cement.kiln",
            "enterprise": "cement",
            "kind": "use",
            "name": "窑",
            "route": "retarder;powder",
        },
        {
            "code": "board.line",
            "enterprise": "board",
            "kind": "use",
            "name": "线",
            "material": "pg",
        },
        {"code": "maker.heap", "enterprise": "maker", "kind": "storage", "name": "渣库"},
        {"code": "maker.works", "enterprise": "maker", "kind": "generation", "name": "装置"},
    ],
}


def load(doc_no: str, sent: str = "30.000", got: str = "", **more: str) -> dict[str, str]:
    """A row of shipments: maker → cement on 2026-03-02, received the same day if `got` is given."""
    row = {
        "doc_no": doc_no,
        "consignor": "maker",
        "consignee": "cement",
        "material": "pg",
        "route": "retarder",
        "dispatched_at": "2026-03-02T08:00:00+08:00",
        "dispatched_t": sent,
    }
    if got:
        row |= {"received_at": "2026-03-02T15:00:00+08:00", "accepted_t": got}
    return row | more


def child(doc_no: str, parent: str, sent: str, kind: str = "return", **more: str) -> dict[str, str]:
    """A row for a refused part: cement → maker (or elsewhere), accepted a day later."""
    row = load(doc_no, sent, sent, kind=kind, parent_doc_no=parent)
    row |= {"consignor": "cement", "consignee": "maker"}
    row |= {"dispatched_at": "2026-03-03T08:00:00+08:00"}
    row |= {"received_at": "2026-03-03T12:00:00+08:00"}
    return row | more


def entry(
    doc_no: str, kind: str, tonnes: str, day: str = "2026-03-01", **more: str
) -> dict[str, str]:
    """A row of entries of maker for pg."""
    row = {"doc_no": doc_no, "enterprise": "maker", "kind": kind, "material": "pg"}
    return row | {"date": day, "tonnes": tonnes} | more


def write_rows(path: Path, rows: Rows) -> Path:
    """A CSV file of `rows`, with every column that one of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass(slots=True)
class Books:
    """A database under test and the folder its files are written to."""

    db: Database
    folder: Path
    files: int = field(default=0)

    def register(self, registry: Mapping[str, Rows] = REGISTRY) -> None:
        """Import a registry."""
        for kind, rows in registry.items():
            self.take(kind, *rows)

    def take(self, kind: str, *rows: Mapping[str, str], dry_run: bool = False) -> ImportReport:
        """Import `rows` as one file of `kind`."""
        self.files += 1
        path = write_rows(self.folder / f"{kind}-{self.files}.csv", rows)
        return import_file(db=self.db, kind=kind, path=path, now=NOW, dry_run=dry_run).report

    def sign(self, firm: str, *rows: Mapping[str, str], dry_run: bool = False) -> ImportReport:
        """Import one file of shipments as the own file of a firm."""
        self.files += 1
        path = write_rows(self.folder / f"shipments-{self.files}.csv", rows)
        told: dict[str, Any] = {"kind": "shipments", "path": path, "now": NOW}
        return import_file(db=self.db, dry_run=dry_run, signer=firm, **told).report

    def loads(self, *rows: Mapping[str, str]) -> ImportReport:
        """Import one file of shipments."""
        return self.take("shipments", *rows)

    def entries(self, *rows: Mapping[str, str]) -> ImportReport:
        """Import one file of entries."""
        return self.take("entries", *rows)

    def refused(self, kind: str, *rows: Mapping[str, str]) -> list[RowIssue]:
        """Issues of a file that must be refused."""
        with pytest.raises(RowsRefused) as caught:
            self.take(kind, *rows)
        return caught.value.issues

    def codes(self, kind: str, *rows: Mapping[str, str]) -> list[tuple[int, str, str]]:
        """(line, field, code) of the issues of a file that must be refused."""
        return [(issue.line, issue.field, issue.code) for issue in self.refused(kind, *rows)]

    def check(self) -> CheckReport:
        """The proof of the books, which must hold."""
        report = check_books(db=self.db)
        assert report.faults == []
        return report

    def findings(self, code: str) -> list[dict[str, str]]:
        """Findings of a code, after the books were proved."""
        return [item for item in self.check().findings if item["code"] == code]

    def rollup(self) -> dict[tuple[int, str, str, str, str], tuple[int, int]]:
        """(month, from, to, material/route, evidence) → (kg, n) of the whole roll-up."""
        with self.db.read() as session:
            keys = load_keys(session)
            stuff, route = keys.codes["material"], keys.codes["route"]
            return {
                (
                    row.month,
                    keys.place(row.s_kind, row.s_a, row.s_b).key,
                    keys.place(row.t_kind, row.t_a, row.t_b).key,
                    f"{stuff[row.material_id]}/{route[row.route_id]}",
                    Evidence(row.evidence).word,
                ): (row.kg, row.n)
                for row in flow_rows(session)
            }

    def flows(self) -> dict[tuple[str, str, str], int]:
        """(from, to, material/route) → kg of the whole roll-up."""
        found: dict[tuple[str, str, str], int] = {}
        for (_, source, target, what, _), (kg, _) in self.rollup().items():
            found[source, target, what] = found.get((source, target, what), 0) + kg
        return found

    def graph(self, period: str = "2026", **options: Any) -> dict[str, Any]:
        """The flow graph of a period as node-link data."""
        return flows_report(db=self.db, period=Period.parse(period), **options)

    def closing(self, period: str = "2026") -> dict[str, str]:
        """`compartment:enterprise` → tonnes of pg at the end of the period."""
        report = balance_report(db=self.db, period=Period.parse(period), material="pg")
        return {
            f"{row['compartment']}:{row['enterprise']}": row["closing_t"]
            for row in report["rows"]
            if row["closing_t"] != "0.000"
        }
