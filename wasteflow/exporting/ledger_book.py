"""附表1–7 as a workbook: one sheet a form, A4 landscape, heads and feet as an office files them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from wasteflow.core.ledger_forms import Form, Late, Mass
from wasteflow.core.periods import month_text

TITLES: Final = {
    1: "附表1 一般工业固体废物产生清单",
    2: "附表2 一般工业固体废物流向汇总表",
    3: "附表3 一般工业固体废物出厂环节记录表",
    4: "附表4 一般工业固体废物产生环节记录表",
    5: "附表5 一般工业固体废物贮存环节记录表",
    6: "附表6 一般工业固体废物自行利用环节记录表",
    7: "附表7 一般工业固体废物自行处置环节记录表",
}
HEADS: Final = {
    "serial": "序号",
    "code": "代码",
    "name": "名称",
    "class": "类别",
    "stage": "产生环节",
    "form": "物理性状",
    "composition": "主要成分",
    "pollution": "污染特性",
    "yearly": "产生量（吨）",
    "month": "月份",
    "generated": "产生量（吨）",
    "stored": "贮存量（吨）",
    "stock": "累计贮存量（吨）",
    "own_use_way": "自行利用方式",
    "own_use": "自行利用数量（吨）",
    "given_use_way": "委托利用方式",
    "given_use": "委托利用数量（吨）",
    "own_disposal_way": "自行处置方式",
    "own_disposal": "自行处置数量（吨）",
    "given_disposal_way": "委托处置方式",
    "given_disposal": "委托处置数量（吨）",
    "other_way": "其他去向",
    "other": "其他数量（吨）",
    "dumped": "倾倒丢弃（吨）",
    "left_at": "出厂时间",
    "left": "出厂数量（吨）",
    "doc_no": "运单号",
    "handler": "经办人",
    "carrier": "运输单位",
    "vehicle": "运输信息（车牌）",
    "mode": "运输方式",
    "receiver": "接收单位",
    "direction": "流向类型",
    "number": "记录表编号",
    "facility": "设施",
    "made_at": "产生时间",
    "made": "产生数量（吨）",
    "recirculated": "利用后再产生（吨）",
    "to": "转移去向",
    "put_at": "入库时间",
    "put": "入库数量（吨）",
    "put_by": "入库经办人",
    "taken_at": "出库时间",
    "taken": "出库数量（吨）",
    "taken_to": "废物去向",
    "taken_by": "出库经办人",
    "way": "方式",
    "source": "来源",
    "before": "前序表单编号",
    "at": "时间",
    "mass": "数量（吨）",
}
"""Key of a column → its heading on the form."""
WORDS: Final = {
    "within": "省内转移",
    "across": "跨省转移",
    "other": "其他",
    "road": "公路",
    "rail": "铁路",
    "water": "水路",
    "conveyor": "皮带",
    "pipeline": "管道",
    "yard": "堆场",
    "site": "厂内",
}
"""Words of cells as the forms say them."""
WIDEST, LINE = 26, 15
"""Characters of the widest column, points of a line."""
NOT_VERIFIED: Final = "* 栏目名称凭记忆整理，附表原件未复核；报出前请与公告原文核对。"
KEPT: Final = "依据：固废法第三十六条、生态环境部公告2021年第82号。台账保存期限不少于5年。"
FORM_NOTES: Final = {
    3: "拒收部分的退回和改送未再次出厂，随原运单登记，不另列行，不重复计量。",
    4: "利用同一固体废物后再产生的数量单列，附表1、附表2的产生量和综合利用率均不含。",
    5: "记录表编号按登记先后编定，补记、冲销均不改变其他编号；前序表单编号按日期先后衔接。",
}
"""Form → a note of its own."""


def notes_of(form: int, foot: str, late: Sequence[Late] = ()) -> tuple[str, ...]:
    """The lines below a form: its own, the fixed ones, `foot` (the seal).

    late: rows of all forms booked later; the forms have no column for it, so the annex lists them.
    """
    own = (FORM_NOTES[form],) if form in FORM_NOTES else ()
    rows = len(late) if form in SUMMED else sum(item.form == form for item in late)
    if rows:
        where = "本期记录中" if form in SUMMED else "本表"
        own = (*own, f"{where}有 {rows} 行为补记（入账月份晚于发生月份），见“{LATE}”。")
    return (*own, NOT_VERIFIED, KEPT, foot)


def late_rows(late: Sequence[Late]) -> list[tuple[str, ...]]:
    """Rows of the annex under `LATE_HEADS`."""
    return [
        (f"附表{item.form}", item.number, month_text(item.month), month_text(item.booked))
        for item in late
    ]


SUMMED: Final = (1, 2)
"""Forms of sums, in which rows of the others are added up."""
LATE: Final = "补记清单"
LATE_NOTE: Final = (
    "发生月份关账后补记或更正的行：列在发生月份的附表中，但不在该月关账时报出的数字中。"
)
LATE_HEADS: Final = ("附表", "编号或运单号", "发生月份", "入账月份")


def words_of(form: Form, row: Sequence[Any]) -> list[str | Mass | date]:
    """Cells of a row as the form says them."""
    worded = {"direction", "mode", "taken_to", "source"}
    return [
        WORDS.get(cell, cell) if name in worded and isinstance(cell, str) else cell
        for name, cell in zip(form.columns, row, strict=True)
    ]


def ledger_book(
    forms: Sequence[Form],
    *,
    firm: str,
    uscc: str,
    period: str,
    foot: str,
    synthetic: bool,
    late: Sequence[Late] = (),
) -> bytes:
    """The workbook; texts are written as texts, so that none can be a formula.

    foot: what stands under every form beside the fixed notes (root of the seal).
    """
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    styles = _Styles(book)
    for form in forms:
        notes = notes_of(form.number, foot, late)
        _sheet(book, styles, form, firm, uscc, period, notes, synthetic)
    if late:
        _annex(book, styles, late)
    book.close()
    return out.getvalue()


class _Styles:
    """Formats of a workbook."""

    def __init__(self, book: Any) -> None:
        line = {"border": 1, "valign": "vcenter", "font_name": "宋体", "font_size": 10}
        self.title = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        self.plain = book.add_format({"font_name": "宋体", "font_size": 10})
        self.note = book.add_format({"font_size": 9, "font_color": "#555555", "text_wrap": True})
        self.mark = book.add_format({"bold": True, "font_color": "#9C5700", "bg_color": "#FFEB9C"})
        self.head = book.add_format(
            {**line, "bold": True, "text_wrap": True, "align": "center", "bg_color": "#EDF3EF"}
        )
        self.text = book.add_format({**line, "text_wrap": True, "num_format": "@"})
        self.mass = book.add_format({**line, "num_format": "#,##0.000"})
        self.day = book.add_format({**line, "num_format": "yyyy-mm-dd", "align": "center"})
        self.sum = book.add_format({**line, "num_format": "#,##0.000", "bold": True})
        self.sum_text = book.add_format({**line, "bold": True})


def _sheet(
    book: Any,
    styles: _Styles,
    form: Form,
    firm: str,
    uscc: str,
    period: str,
    notes: Sequence[str],
    synthetic: bool,
) -> None:
    sheet = book.add_worksheet(f"附表{form.number}")
    last = len(form.columns) - 1
    sheet.merge_range(0, 0, 0, last, TITLES[form.number], styles.title)
    code = f"统一社会信用代码：{uscc or '＿＿＿＿'}"
    sheet.write_string(1, 0, f"单位名称：{firm}", styles.plain)
    sheet.write_string(1, max(2, last // 2), code, styles.plain)
    sheet.write_string(1, last, f"期间：{period}", styles.plain)
    if synthetic:
        sheet.write_string(2, 0, "含合成演示数据，不得报出", styles.mark)
    for place, name in enumerate(form.columns):
        sheet.write_string(3, place, f"{HEADS[name]}*", styles.head)
        sheet.set_column(place, place, _width(form, place))
    for number, row in enumerate(form.rows, 4):
        cells = words_of(form, row)
        for place, cell in enumerate(cells):
            _write(sheet, number, place, cell, styles)
        sheet.set_row(number, LINE * max(map(_lines, cells), default=1))
    end = 4 + len(form.rows)
    if not form.rows:
        sheet.write_string(end, 0, "本期无记录", styles.text)
    elif form.sums:
        _sums(sheet, styles, form, end)
    sheet.write_string(end + 2, 0, "负责人（签字）：＿＿＿＿＿＿", styles.plain)
    sheet.write_string(end + 2, max(2, last // 2), "填表人：＿＿＿＿＿＿", styles.plain)
    sheet.write_string(end + 2, last, "日期：＿＿＿＿＿＿", styles.plain)
    for place, words in enumerate(notes, end + 3):
        sheet.write_string(place, 0, words, styles.plain)
    _print(sheet, last)


def _annex(book: Any, styles: _Styles, late: Sequence[Late]) -> None:
    sheet = book.add_worksheet(LATE)
    sheet.merge_range(0, 0, 0, len(LATE_HEADS) - 1, LATE, styles.title)
    sheet.merge_range(1, 0, 2, len(LATE_HEADS) - 1, LATE_NOTE, styles.note)
    for place, words in enumerate(LATE_HEADS):
        sheet.write_string(3, place, words, styles.head)
        sheet.set_column(place, place, WIDEST)
    for number, row in enumerate(late_rows(late), 4):
        for place, words in enumerate(row):
            sheet.write_string(number, place, words, styles.text)
    _print(sheet, len(LATE_HEADS) - 1)


def _write(sheet: Any, row: int, column: int, cell: str | Mass | date, styles: _Styles) -> None:
    if isinstance(cell, Mass):
        sheet.write_number(row, column, cell.kg / 1000, styles.mass)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, styles.day)
    else:
        sheet.write_string(row, column, cell, styles.text)


def _lines(cell: str | Mass | date) -> int:
    """Lines a cell takes in the widest column."""
    return 1 if not isinstance(cell, str) else 1 + _columns(cell) // (WIDEST - 1)


def _columns(words: str) -> int:
    """Width of a text in characters; a Chinese one takes two."""
    return sum(2 if ord(letter) > 255 else 1 for letter in words)


def _sums(sheet: Any, styles: _Styles, form: Form, end: int) -> None:
    """The row of sums: formulas with the value beside them, so that it shows without a recount."""
    from xlsxwriter.utility import xl_col_to_name

    for place in range(len(form.columns)):
        sheet.write_blank(end, place, None, styles.sum_text)
    sheet.write_string(end, 0, "合计", styles.sum_text)
    for place, mass in form.sums.items():
        letter = xl_col_to_name(place)
        formula = f"=SUM({letter}5:{letter}{end})"
        sheet.write_formula(end, place, formula, styles.sum, mass.kg / 1000)


def _width(form: Form, place: int) -> float:
    """Width of a column by its longest cell, within what a page bears."""
    cells = [words_of(form, row)[place] for row in form.rows[:200]]
    texts = [cell.tonnes if isinstance(cell, Mass) else str(cell) for cell in cells]
    return float(
        min(
            max(
                [
                    9,
                    _columns(HEADS[form.columns[place]]) / 2 + 3,
                    *(_columns(words) + 2 for words in texts),
                ]
            ),
            WIDEST,
        )
    )


def _print(sheet: Any, last: int) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, 3)
    sheet.freeze_panes(4, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer("&C第 &P 页 共 &N 页")
    sheet.set_row(3, 30)


def book_of(
    forms: Sequence[Form],
    *,
    firm: str,
    uscc: str,
    period: str,
    root: str,
    synthetic: bool,
    late: Sequence[Late] = (),
) -> bytes:
    """`ledger_book` with the foot that names the seal, or says that there is none."""
    return ledger_book(
        forms,
        firm=firm,
        uscc=uscc,
        period=period,
        foot=foot_of(root),
        synthetic=synthetic,
        late=late,
    )


def foot_of(root: str) -> str:
    """The line that names the chain of seals."""
    return f"封存链首：{root}" if root else "封存链首：尚未封存"
