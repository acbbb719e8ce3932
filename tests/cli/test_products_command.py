"""Product output through the installed commands: import, refuse, reverse, import again, export."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from tests.store.books import REGISTRY, write_rows
from wasteflow.cli import main


def test_output_is_taken_refused_reversed_and_taken_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'books.sqlite3'}"

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, ["--lang", "en", "--database", url, *words])

    for kind in ("regions", "parks", "enterprises"):
        path = write_rows(tmp_path / f"{kind}.csv", REGISTRY[kind])
        assert call("import", kind, str(path)).exit_code == 0
    row = {"企业": "maker", "产品": "粗钢", "日期": "2026-03-31", "产量(吨)": "20.000"}
    first = write_rows(tmp_path / "first.csv", [row])
    second = write_rows(tmp_path / "second.csv", [row | {"产量(吨)": "21.000"}])
    taken = call("import", "products", str(first))
    assert taken.exit_code == 0 and "new 1" in taken.output
    assert "unknown_product" in taken.output
    refused = call("import", "products", str(second))
    assert refused.exit_code == 1
    assert "wasteflow reverse maker/crude_steel/2026-03-31" in refused.output
    gone = call("reverse", "maker/crude_steel/2026-03-31", "--reason", "typing error")
    assert gone.exit_code == 0 and "20.000 t" in gone.output
    assert call("reverse", "maker/crude_steel/2026-03-31", "--reason", "again").exit_code == 1
    assert call("reverse", "maker/crude_steel", "--reason", "x").exit_code == 1
    assert call("import", "products", str(second)).exit_code == 0
    out = tmp_path / "out.csv"
    assert call("export", "products", "--out", str(out)).exit_code == 0
    assert out.read_text(encoding="utf-8-sig").splitlines() == [
        "enterprise,product,date,tonnes,p2o5_pct",
        "maker,crude_steel,2026-03-31,21.000,",
    ]
