"""Small books for the tests of the pages: two producers, a trader and a user."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from tests.store.databases import new_database
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.jobs import import_file
from wasteflow.web.access import books
from wasteflow_models.engine import Database

NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>&\''

REGIONS = "code,name_zh,name_en,parent\n530000,云南省,Yunnan,\n530181,安宁市,Anning,530000\n"
PARKS = (
    "code,name_zh,name_en,parent,region,level,lon,lat,crs,precision_km\n"
    "park.a,甲园区,Park A,,530181,national,102.4,24.9,WGS84,5\n"
    "park.b,乙园区,Park B,,530000,,102.8,25.1,WGS84,5\n"
)
ENTERPRISES = (
    "code,name_zh,name_en,park,lon,lat,crs,precision_km\n"
    "ent.p1,甲化工,Producer One,park.a,102.41,24.91,WGS84,1\n"
    "ent.p2,乙化工,Producer Two,park.b,102.81,25.11,WGS84,1\n"
    "ent.trade,丙贸易,Trader,park.b,102.82,25.12,WGS84,1\n"
    "ent.use,丁建材,User,park.b,102.85,25.15,WGS84,1\n"
)
MATERIALS = (
    "code,name_zh,name_en,is_waste\nphosphogypsum,磷石膏,Phosphogypsum,true\n"
    "petroleum_coke,石油焦,Petroleum coke,false\n"
)
ROUTES = (
    "code,material,name_zh,name_en,fate\n"
    "pg_use,phosphogypsum,水泥缓凝剂,Retarder,use\npg_yard,phosphogypsum,堆存,Yard,storage\n"
    "pg_trade,phosphogypsum,转运,Trade,transfer\npc_use,petroleum_coke,燃料,Fuel,use\n"
    "pc_yard,petroleum_coke,堆存,Yard,storage\n"
)
TARGETS = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.cn,all,phosphogypsum,official,>=,0.65,fraction,2026,,国家方案\n"
    "t.yn,region:530000,phosphogypsum,official,>=,0.75,fraction,2025,guiding,省方案\n"
    "t.new,all,phosphogypsum,new_waste,>=,0.60,fraction,2025,,另一指标\n"
    "t.amount,all,phosphogypsum,utilised_amount,>=,4000000000,t,2025,,年利用量\n"
)
ENTRIES = (
    "doc_no,enterprise,kind,material,route,date,tonnes\n"
    "g1,ent.p1,generation,phosphogypsum,,2026-01-15,1000.000\n"
    "g2,ent.p1,generation,phosphogypsum,,2026-03-15,500.000\n"
    "g3,ent.p2,generation,phosphogypsum,,2026-02-15,400.000\n"
    "u1,ent.use,use,phosphogypsum,pg_use,2026-04-20,200.000\n"
    "c1,ent.p2,generation,petroleum_coke,,2026-05-15,30.000\n"
)
SHIPMENTS = (
    "doc_no,consignor,consignee,material,route,mode,dispatched_at,dispatched_t,received_at,"
    "received_t,accepted_t,loads,reason\n"
    "s1,ent.p1,ent.use,phosphogypsum,pg_use,road,2026-01-20,300.000,2026-01-21,300.000,300.000,10,\n"
    "s2,ent.p1,ent.use,phosphogypsum,pg_use,road,2026-03-20,30.000,2026-03-21,25.000,25.000,1,loss\n"
    "s3,ent.p1,ent.use,phosphogypsum,pg_use,road,2026-05-28,30.000,,,,1,\n"
)
TRADES = (
    "doc_no,consignor,consignee,material,route,mode,dispatched_at,dispatched_t,received_at,"
    "received_t,accepted_t,loads\n"
    "x1,ent.p2,ent.trade,phosphogypsum,pg_trade,road,2026-02-20,90.000,2026-02-21,90.000,90.000,3\n"
    "x2,ent.trade,ent.use,phosphogypsum,pg_use,road,2026-02-25,60.000,2026-02-26,60.000,60.000,2\n"
    "x3,ent.trade,ent.p2,phosphogypsum,pg_yard,road,2026-02-27,20.000,2026-02-28,20.000,20.000,1\n"
)

REGISTRY = (
    ("regions", REGIONS),
    ("parks", PARKS),
    ("enterprises", ENTERPRISES),
    ("materials", MATERIALS),
    ("routes", ROUTES),
    ("targets", TARGETS),
)
LEDGER = (("entries", ENTRIES), ("shipments", SHIPMENTS))
TRADED = (*LEDGER, ("shipments", TRADES))


def load(url: str, folder: Path, files: Iterable[tuple[str, str]]) -> None:
    """Import the files into the database of `url`."""
    db = Database(url)
    try:
        for number, (kind, content) in enumerate(files):
            path = folder / f"{number:02d}_{kind}.csv"
            path.write_text(content, encoding="utf-8")
            import_file(db=db, kind=kind, path=path, now=NOW)
    finally:
        db.dispose()


@contextmanager
def opened(
    request: pytest.FixtureRequest, kind: str, folder: Path, files: Iterable[tuple[str, str]]
) -> Iterator[Flask]:
    """The application, open to readers, over a new database with these files."""
    with new_database(request, kind, folder) as url:
        load(url, folder, files)
        app = create_app(Config(url, accounts=OPEN))
        yield app
        books(app).db.dispose()


def synthetic(content: str) -> str:
    """The same entries or shipments, marked synthetic."""
    rows = list(csv.reader(io.StringIO(content)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*rows[0], "remark"])
    writer.writerows([*row, "synthetic"] for row in rows[1:])
    return out.getvalue()


def many_links(number: int) -> list[tuple[str, str]]:
    """Enterprises and shipments for `number` links of one producer."""
    firms = "code,name_zh,park\n" + "".join(f"many.{i},用户{i},park.b\n" for i in range(number))
    head = "doc_no,consignor,consignee,material,route,dispatched_at,dispatched_t,received_at,"
    loads = "".join(
        f"m{i},ent.p1,many.{i},phosphogypsum,pg_use,2026-04-01,1.000,2026-04-02,1.000,1.000\n"
        for i in range(number)
    )
    return [("enterprises", firms), ("shipments", f"{head}received_t,accepted_t\n{loads}")]
