"""A balance report as a flat table of text cells, for the command line and for files."""

from __future__ import annotations

from typing import Any

from wasteflow.core.messages import CHINESE_WORDS
from wasteflow.core.units import kg_from_tonnes, tonnes_text

COLUMNS = {
    "enterprise": "企业",
    "compartment": "位置",
    "material": "物料",
    "opening_t": "期初 t",
    "in_t": "收入 t",
    "out_t": "支出 t",
    "closing_t": "期末 t",
    "residual_t": "残差 t",
    "in": "收入明细",
    "out": "支出明细",
    "findings": "提示",
}
"""Column → Chinese heading."""

WORDS = {
    "generation": "产生",
    "recirculated": "再产生",
    "opening": "期初",
    "received": "接收",
    "returned": "退回",
    "redirected": "转送",
    "accepted": "被接收",
    "dispatched": "发运",
    "from_yard": "出库",
    "to_yard": "入库",
    "use": "利用",
    "disposal": "处置",
    "dumping": "倾倒",
    "outside": "系统外",
    "weighing_difference": "称量差",
    "lost": "灭失",
    "stocktake": "盘点差",
    "negative_stock": "负库存",
    "unbalanced": "不平衡",
}
"""Word of a movement or finding → Chinese."""


def balance_table(report: dict[str, Any], lang: str = "") -> tuple[list[str], list[list[str]]]:
    """Columns and cells of a balance report, the total last.

    lang "": the words of the contract and columns `synthetic` and `as_of`, for files; "zh" or
    "en": for people.
    """
    rows = []
    as_of = [report["as_reported"]["month"]] if "as_reported" in report else []
    for row in [*report["rows"], {**report["total"], "enterprise": _word("total", lang)}]:
        cells = [
            row["enterprise"],
            _word(row["compartment"], lang),
            row["material"],
            row["opening_t"],
            _sum(row["in"]),
            _sum(row["out"]),
            row["closing_t"],
            row["residual_t"],
            " ".join(f"{_word(word, lang)}={tonnes}" for word, tonnes in row["in"].items()),
            " ".join(f"{_word(word, lang)}={tonnes}" for word, tonnes in row["out"].items()),
            " ".join(_word(word, lang) for word in row["findings"]),
        ]
        marks = ["true" if report["synthetic"] else "false", *as_of]
        rows.append(cells if lang else [*cells, *marks])
    if not lang:
        return [*COLUMNS, "synthetic", *(["as_of"] if as_of else [])], rows
    return list(COLUMNS.values() if lang == "zh" else COLUMNS), rows


def _word(word: str, lang: str) -> str:
    if lang != "zh":
        return word
    return {**CHINESE_WORDS["compartment"], **WORDS, "total": "合计"}.get(word, word)


def _sum(parts: dict[str, str]) -> str:
    return tonnes_text(sum(kg_from_tonnes(tonnes) for tonnes in parts.values()))
