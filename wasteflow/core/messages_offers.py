"""Wording of codes about offers, asks and proposed links."""

from __future__ import annotations

from typing import Final

OFFER_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "offer_mass": (
        "数量须大于 0 吨且不过大。请填实际可供或所需的吨数。",
        "the mass must be above 0 t and not beyond reason; give what can be had or is needed",
    ),
    "offer_days": (
        "日期不对：{first} 至 {last}。止日不得早于起日，也不得早于今天。",
        "the days {first} to {last} do not fit: the last is not before the first, nor before today",
    ),
    "offer_words": (
        "文字过长：地点、质量说明、备注各不超过 {limit} 字。",
        "too long: place, quality and note have at most {limit} characters each",
    ),
    "offer_note_missing": (
        "留言是空的。请写下要告诉对方的话再发送。",
        "the note is empty; write what the other side should read, then send it",
    ),
    "offer_firms": (
        "单位不对：供应只填供方，求购只填需方，建议须填两个不同的单位。",
        "the firms do not fit: an offer names its producer, an ask its receiver, a proposal two "
        "different firms",
    ),
    "offer_product": (
        "“{material}”是产品不是固废，不在供需对接之列。请选择固废物料。",
        "“{material}” is a product, not a waste; choose a waste",
    ),
    "offer_move_illegal": (
        "当前状态（{state}）下不能做“{move}”，或须由另一方来做。请刷新后再看可做的操作。",
        "“{move}” cannot be done while it is {state}, or the other side has to; load it again and "
        "see what can be done",
    ),
}
"""Code → (Chinese, English)."""
