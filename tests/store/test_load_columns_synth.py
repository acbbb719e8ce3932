"""Synthetic shipments in columns: as one by one, nearly all in the fast lane, in any chunks."""

from __future__ import annotations

from pathlib import Path

from tests.load_columns_cases import Outcome, in_columns, one_by_one
from tests.store.books import NOW
from wasteflow.jobs import import_file, seed_database
from wasteflow.synthetic.synth import synth
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def test_synthetic_loads_take_the_fast_lane(db: Database, tmp_path: Path) -> None:
    made = synth(loads=3000, enterprises=60, parks=4, months=6, seed=1, out=tmp_path)
    seed_database(db=db, now=NOW)
    for kind in ("parks", "enterprises", "facilities"):
        import_file(db=db, kind=kind, path=made.files[kind], now=NOW)
    with db.read() as session:
        keys = load_keys(session)
    path = made.files["shipments"]
    found = in_columns(path, keys=keys)
    assert found == one_by_one(path, keys=keys)
    assert isinstance(found, Outcome)
    assert found.issues == [] and found.fast > 0.95 * made.rows["shipments"]
    assert in_columns(path, chunk_rows=700, keys=keys) == found
