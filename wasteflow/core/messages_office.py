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
}
"""Code → (Chinese, English)."""
