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
        "不足 {least} 家企业的数字已隐去；可与其他所印数字加减而推出的数字一并隐去。",
        "figures of fewer than {least} firms are hidden, and so is what could be worked out from "
        "other printed figures by adding and subtracting",
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
