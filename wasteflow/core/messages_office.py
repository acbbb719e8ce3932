"""Wording of forms, bulletin and park indicators; see `core.messages`."""

from __future__ import annotations

from typing import Final

OFFICE_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- bulletin ------------------------------------------------------------------------
    "bad_places": (
        "万吨的小数位应为 0 到 {most}，给的是“{value}”。",
        "decimals of 10,000 t are from 0 to {most}, not “{value}”",
    ),
    "bulletin_left_out": (
        "有 {number} 家企业的账本从期间开始之后（最晚 {month}）才起，未计入[[：{firms}]]。"
        "补报期初库存或改选之后的期间即可计入。",
        "left out, because the ledger starts after the period begins (the last in {month}): "
        "{number}[[, {firms}]]; opening stock, or a later period, brings them in",
    ),
    "bulletin_unfinished": (
        "账本最晚记到 {month}，本期尚未结束，所列为累计数。",
        "the books end in {month}, before the period does: the figures are of what there is so far",
    ),
    "bulletin_not_comparable": (
        "{period} 尚缺 {number} 家企业的账本，与本期不可比，故不列增减。",
        "firms whose ledgers do not reach back to {period}: {number}; the two cannot be compared, "
        "and no change is told",
    ),
    "bulletin_hidden": (
        "不足 {least} 家企业的数字已隐去；可与其他所公布数字（包括其他季度和所含园区、地区的数字）"
        "加减而推出的数字一并隐去。一行在全年各季度要么都列、要么都隐；期初库存见上年公报的期末库存，"
        "跨省转移、库存和证据只在全年公报中列出。",
        "figures of fewer than {least} firms are hidden, and so is what could be worked out from "
        "other published figures, those of other quarters and of parks and regions inside among "
        "them, by adding and subtracting; a line is told in all quarters of a year or in none. "
        "Stock at the start stands in the bulletin of the year before; transfers, stock and "
        "evidence are told of whole years only",
    ),
    "period_not_told": (
        "不能查看每家企业的人只能看到已结束的整季度及其在同一年内的合计，"
        "“{value}”不是[[；请改用 {told}]]。"
        "分月或未结束的期间会使单家企业的数字可由相减得出。",
        "sums without the firms behind them are told of whole quarters that are over, and of runs "
        "of them within one year, and “{value}” is none[[; ask for {told}]]. Months, or a period "
        "that is still running, would tell of single firms by subtraction",
    ),
    # --- what is stated once a year --------------------------------------------------------
    "input_differs": (
        "该园区该年已报为 {known}[[（{source}，{who}）]]。若要更正，请填写原因（reason）。",
        "{known} is stated already for this park and year[[ ({source}, {who})]]; to correct it, "
        "give a reason",
    ),
    "statement_twice_in_file": (
        "同一项同一年在本文件第 {other_line} 行已有另一内容，请只留一行。",
        "line {other_line} of this file says something else of the same thing and year; keep one",
    ),
    # --- park indicators -------------------------------------------------------------------
    "indicator_year": (
        "园区指标按自然年计算，期间“{value}”不是一个自然年。请写成 2025 这样的年份。",
        "park indicators are of a calendar year, and “{value}” is none; write a year like 2025",
    ),
    "input_missing": (
        "缺少：{missing}。请在本页、用接口或导入 park_inputs 填报。",
        "missing: {missing}; state it on this page, over the API or by importing park_inputs",
    ),
    "input_zero": (
        "{missing}为零，不能作除数。",
        "{missing} is zero and cannot divide",
    ),
    "year_before_missing": (
        "账本没有上一年的数据，无法与上年比较。补报期初库存或上年记录即可。",
        "the books do not hold the year before, so there is nothing to compare with; records of it "
        "bring it in",
    ),
    "nothing_left_before": (
        "上一年没有贮存和处置，无法计算下降幅度。",
        "nothing was stored or disposed of in the year before, so there is nothing to decline from",
    ),
    "no_firms": (
        "园区内没有登记企业。",
        "no firm is registered in the park",
    ),
    "nothing_recorded": (
        "本园区该年没有产生记录。",
        "the books hold no generation of this park and year",
    ),
    "indicator_left_out": (
        "有 {number} 家企业的账本从该年 1 月之后才起，其数量未计入：{firms}。",
        "ledgers that start after January of the year are left out: {number}, {firms}",
    ),
    "indicator_threshold_unverified": (
        "带 * 的参考值凭记忆整理，未与标准原文核对，只供参照，不作评判。",
        "reference values marked * are recalled and not compared with the standards: nothing is "
        "judged by them",
    ),
}
"""Code → (Chinese, English)."""
