"""Files of corrections: which rows make one correction, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.corrections import open_corrections
from wasteflow.schemas.correction_rows import MOST, read_corrections

HEAD = ["单号", "更正字段", "更正为", "更正原因", "发货单位"]


def test_rows_of_a_load_are_one_correction_and_a_wrong_row_takes_its_load_out() -> None:
    rows = [
        ["七月更正"],
        HEAD,
        ["A1", "发货量（吨）", "30.120", "抄错"],
        ["A1", "ticket_no", " T-9 ", "补磅单号", ""],
        ["A1", "发货量", "30.120", "抄错"],
        ["", "", "", ""],
        ["A2", "consignee", "x", "错"],
        ["A3", "received_t", "1", "错"],
        ["A3", "received_t", "2", "错"],
        ["A4", "received_t", "1", ""],
        ["A5", "remark", "", "不要备注"],
        ["A5", "remark", "甲", "错", "maker"],
    ]
    found, issues = read_corrections(enumerate(rows, start=1), "更正.xlsx")
    assert [(item.doc_no, item.consignor, item.changes, item.why) for item in found] == [
        ("A1", "", {"dispatched_t": "30.120", "ticket_no": "T-9"}, "抄错; 补磅单号"),
        ("A5", "", {"remark": ""}, "不要备注"),
        ("A5", "maker", {"remark": "甲"}, "错"),
    ]
    assert found[0].lines == [3, 4, 5]
    assert [(issue.line, issue.field, issue.code) for issue in issues] == [
        (7, "field", "not_revisable"),
        (9, "value", "corrected_twice"),
        (10, "why", "missing_value"),
    ]
    for lang, word in (("zh", "可更正"), ("en", "these can")):
        assert word in issues[0].text(lang) and "?" not in issues[1].text(lang)


def test_what_is_no_list_of_corrections_is_said(tmp_path: Path) -> None:
    body = [["doc_no", "field", "value", "reason"]]
    body += [[f"A{number}", "remark", "x", "y"] for number in range(MOST + 1)]
    for rows, code in ((body[:1], "no_rows"), (body[1:9], "missing_column"),
                       (body, "too_many_corrections")):  # fmt: skip
        with pytest.raises(UnusableFile) as caught:
            read_corrections(enumerate(rows, start=1), "x.csv")
        assert caught.value.code == code
        assert "?" not in caught.value.text("en")


def test_a_workbook_and_a_text_file_say_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (HEAD, ["A1", "received_t", 30.1, "磅错", None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "b.csv").write_bytes(
        f"{','.join(HEAD)}\nA1,received_t,30.1,磅错,\n".encode("gb18030")
    )
    one, two = (open_corrections(tmp_path / name, name)[0] for name in ("a.xlsx", "b.csv"))
    assert one == two and one[0].changes == {"received_t": "30.1"}
