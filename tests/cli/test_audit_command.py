"""`wasteflow audit-figures`: files in, JSON of the contract and tables out, faults told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wasteflow.cli import main
from wasteflow.core.audit_rates import RATIOS
from wasteflow.services.auditing import COLUMNS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example" / "figures.csv"
HEADER = ",".join(COLUMNS)


def run(*words: str) -> Result:
    """The command with its output; no database is opened."""
    return CliRunner().invoke(main, [*words], catch_exceptions=False)


def audit(tmp_path: Path, text: str, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """JSON of the command on a file of `text`."""
    path = tmp_path / "figures.csv"
    path.write_bytes(text.encode(encoding))
    result = run("audit-figures", str(path), "--format", "json")
    assert result.exit_code == 0, result.output
    answer: list[dict[str, Any]] = json.loads(result.stdout)
    return answer


def test_json_is_that_of_the_contract(tmp_path: Path) -> None:
    row = "r1,全国,2003,一般工业固废,100.0,60.0,20.0,20.0,0.0,40.0,0.0,5.0,,1,50.0,1"
    (found,) = audit(tmp_path, f"{HEADER}\n{row}\n")
    assert list(found) == ["id", "rates", "reproduced_by", "identity_residual", "findings"]
    assert list(found["rates"]) == list(RATIOS)
    assert found["rates"]["official"] == {
        "value": 0.5,
        "low": 0.499167360532,
        "high": 0.500834028357,
    }
    assert found["reproduced_by"] == ["official", "fate_share"]
    assert (found["identity_residual"], found["findings"]) == (0.0, [])


def test_blank_cells_and_missing_columns_are_not_zero(tmp_path: Path) -> None:
    (found,) = audit(tmp_path, "id,generated,utilised,published_rate\nr1,100,60,60\n")
    assert found["rates"]["official"] == {"not_computable": "not_published: utilised_prior"}
    assert found["identity_residual"] is None
    assert found["reproduced_by"] == ["simple"]
    assert found["findings"] == ["decimals_assumed", "decimals_assumed"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_labels_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    header = (
        "综合利用率（%）,编号,产生量（万吨）,综合利用量（万吨）,其中：综合利用往年贮存量,数量小数位"
    )
    (found,) = audit(tmp_path, f"{header}\n50.0%,甲,100,60,20,0\n", encoding)
    assert (found["id"], found["reproduced_by"]) == ("甲", ["official"])


def test_json_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('[{"id": "a", "generated": 10.50, "utilised": "5", "year": 2003}]', "utf-8")
    result = run("audit-figures", str(path), "--format", "json")
    assert json.loads(result.stdout)[0]["rates"]["simple"]["value"] == pytest.approx(5 / 10.5)


def test_a_table_without_rows_is_an_empty_list(tmp_path: Path) -> None:
    assert audit(tmp_path, HEADER + "\n") == []


def test_unusable_cells_are_all_told_and_nothing_is_audited(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(
        "id,generated,utilised,published_rate,decimals_of_amounts\n"
        "a,-,60,60,1\n,100,-3,60,1\nb,100,3,六成,0.5\nc,100,1,1,1\n",
        "utf-8",
    )
    result = run("--lang", "en", "audit-figures", str(path))
    assert (result.exit_code, result.stdout) == (1, "")
    told = result.stderr.splitlines()
    assert [line.split(":")[0] for line in told[:-1]] == [
        "line 2  generated='-'",
        "line 3  id=''",
        "line 3  utilised='-3'",
        "line 4  decimals_of_amounts='0.5'",
        "line 4  published_rate='六成'",
    ]
    assert told[-1].startswith("5 cells are unusable")
    assert "未作核对" in run("audit-figures", str(path)).stderr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("id,generated,waste\n1,2,3\n", "waste"),
        ("id,utilised\n1,2\n", "generated 产生量"),
        ("id,generated,产生量\n1,2,3\n", "generated 产生量"),
    ],
)
def test_a_wrong_header_is_unusable(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(text, "utf-8")
    result = run("audit-figures", str(path))
    assert result.exit_code == 2
    assert word in result.stderr


def test_a_missing_file_is_unusable(tmp_path: Path) -> None:
    assert run("audit-figures", str(tmp_path / "none.csv")).exit_code == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_names_formulas_matches_and_findings(lang: str) -> None:
    result = run("--lang", lang, "audit-figures", str(EXAMPLE))
    assert result.exit_code == 0
    words = {
        "zh": ("公布 55.8 %", "相符", "未公布 utilised_prior", "截尾相符", "像是累计贮存量"),
        "en": ("published 55.8 %", "agrees", "utilised_prior not published", "agrees truncated"),
    }[lang]
    for word in words:
        assert word in result.stdout
    assert "wasteflow" not in result.stderr


def test_the_results_of_the_page_are_those_of_the_program() -> None:
    """The result table of docs/audit.md, cell by cell."""
    found = json.loads(run("audit-figures", str(EXAMPLE), "--format", "json").stdout)
    lines = (ROOT / "docs" / "audit.md").read_text("utf-8").splitlines()
    start = lines.index("<!-- results of figures.csv -->")
    written = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines[start + 3 : start + 3 + len(found)]
    ]
    expected = []
    for item in found:
        rates = [
            f"{item['rates'][name]['value'] * 100:.2f}" if "value" in item["rates"][name] else "–"
            for name in ("official", "simple", "fate_share")
        ]
        residual = item["identity_residual"]
        expected.append(
            [
                f"`{item['id']}`",
                *rates,
                " ".join(f"`{name}`" for name in item["reproduced_by"]) or "–",
                "–" if residual is None else f"{residual:g}",
                " ".join(f"`{code}`" for code in item["findings"]) or "–",
            ]
        )
    assert written == expected


def test_every_column_formula_and_code_stands_on_the_page() -> None:
    from wasteflow.core.messages_audit import AUDIT_MESSAGES

    text = (ROOT / "docs" / "audit.md").read_text("utf-8")
    for name in (*COLUMNS, *RATIOS, *AUDIT_MESSAGES):
        assert f"`{name}`" in text, name
    for labels in COLUMNS.values():
        assert labels[0] in text
