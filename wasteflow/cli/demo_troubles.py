"""Two invented firms of the demo with one of every finding that the other books do not have."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from wasteflow.core.periods import month_text, next_month
from wasteflow.synthetic.writing import DEMO_SOURCE, REMARK

GIVER, TAKER, SITE, FILING = (
    "demo.trouble", "demo.trouble_yc", "demo.trouble_yc.line", "demo.filing.trouble",
)  # fmt: skip
SLAG: Final = "steel_slag"
ROUTE: Final = "ss_road_aggregate"
Row = Mapping[str, str]


def fill_troubles(*, db: Any, now: datetime, last: int) -> int:
    """Import the firms and their records of the month `last` and the one before; rows taken.

    In two steps: what comes late makes the stocktake of the first stale.
    """
    from wasteflow.jobs import import_file

    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, rows) in enumerate(_files(last)):
            path = _written(Path(folder) / f"{number}-{kind}.csv", rows)
            report = import_file(db=db, kind=kind, path=path, now=now, synthetic=True).report
            taken += report.taken
    return taken


def _files(last: int) -> list[tuple[str, list[Row]]]:
    before, twice = next_month(last, -1), next_month(last, -2)
    return [
        ("enterprises", [
            _firm(GIVER, "示范问题炼钢厂", "Demonstration troubled steelworks",
                  "park.anning.metal"),
            _firm(TAKER, "示范问题路材厂", "Demonstration road base in trouble", "park.yongchuan"),
        ]),
        ("facilities", [{
            "code": SITE, "enterprise": TAKER, "park": "park.yongchuan", "kind": "use",
            "name": "示范问题破碎线", "material": SLAG, "route": ROUTE,
            "capacity_t_per_year": "150", "status": "operating",
            "valid_from": "2020-01-01", "valid_to": f"{month_text(twice)}-20",
            "source": DEMO_SOURCE,
        }]),
        ("filings", [{
            "code": FILING, "from_region": "530000", "to_region": "500000", "enterprise": GIVER,
            "material": SLAG, "quota_t": "60", "valid_from": f"{month_text(last)}-01",
            "valid_to": f"{month_text(last)}-28", "document": "示范备案〔演示〕1号",
        }]),
        ("entries", [_entry("G1", GIVER, "generation", "100.000", f"{month_text(before)}-02")]),
        ("shipments", [
            *(_load(f"A{day:02d}", before, day, "30.000") for day in range(4, 10)),
            _load("A10", before, 10, "41.500"),
            _load("A11", before, 11, "30.000", received_at="", accepted_t=""),
            _load("B04", last, 4, "29.500", ticket_no="DT-0007"),
            _load("B05", last, 5, "30.500", ticket_no="DT-0007"),
            _load("B06", last, 6, "30.100"),
        ]),
        ("entries", [
            _entry("U1", TAKER, "use", "150.000", f"{month_text(before)}-20", route=ROUTE),
            _entry("D1", TAKER, "disposal", "40.000", f"{month_text(before)}-22",
                   route="ss_landfill"),
            _entry("S1", TAKER, "stocktake", "31.000", f"{month_text(before)}-25",
                   facility=SITE, reason="survey"),
        ]),
        ("shipments", [_load("A12", before, 12, "30.000")]),
    ]  # fmt: skip


def _firm(code: str, name_zh: str, name_en: str, park: str) -> Row:
    return {
        "code": code, "name_zh": name_zh, "name_en": name_en, "park": park,
        "industry": "示范", "source": DEMO_SOURCE,
    }  # fmt: skip


def _entry(doc: str, firm: str, kind: str, tonnes: str, day: str, **more: str) -> Row:
    return {
        "doc_no": f"DEMO-X-{doc}", "enterprise": firm, "kind": kind, "material": SLAG,
        "date": day, "tonnes": tonnes, "remark": REMARK, **more,
    }  # fmt: skip


def _load(doc: str, month: int, day: int, tonnes: str, **more: str) -> Row:
    date = f"{month_text(month)}-{day:02d}"
    return {
        "doc_no": f"DEMO-X-{doc}", "consignor": GIVER, "consignee": TAKER, "material": SLAG,
        "route": ROUTE, "mode": "road", "vehicle": f"云A·问{day:02d}", "carrier": "示范物流01",
        "dispatched_at": f"{date}T08:00:00+08:00", "dispatched_t": tonnes,
        "received_at": f"{date}T20:00:00+08:00", "accepted_t": tonnes, "remark": REMARK, **more,
    }  # fmt: skip


def _written(path: Path, rows: list[Row]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
