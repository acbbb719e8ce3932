"""Wording of files of corrections; see `messages`."""

from __future__ import annotations

from typing import Final

CORRECTION_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "too_many_corrections": (
        "文件“{file}”更正 {count} 张运单，一次最多 {limit} 张。请分成几个文件。",
        "the file “{file}” corrects {count} loads, at most {limit} at once; send it in parts",
    ),
    "corrected_twice": (
        "同一张运单的这个字段在第 {line} 行起已写为“{other}”，不知以哪一个为准。请只留一行。",
        "the rows of this load from row {line} on say “{other}” for the same field, so it is "
        "unclear which one counts; keep one row",
    ),
    "load_number_unknown": (
        "没有单号为“{value}”的运单，或它不属于您的单位。请核对单号（冲销后重开的带 /2）。",
        "there is no load with the number “{value}”, or it is not your organisation's business; "
        "check the number (one made anew after a reversal ends in /2)",
    ),
    "load_number_twice": (
        "单号“{value}”有多家发货单位的运单：{firms}。请在“发货单位”一列写明是哪一家的。",
        "several consignors have a load “{value}”: {firms}; name the one that is meant (consignor)",
    ),
    "load_named": (
        "没有说明更正哪张运单。请给出 shipment（编号）或 doc_no（单号）。",
        "it is not said which load is corrected; give its id (shipment) or its number (doc_no)",
    ),
    "corrections_lost": (
        "这一页的更正内容没有完整传回，未作任何修改。请重新上传文件。",
        "what the page held of the corrections did not come back whole, so nothing was changed; "
        "upload the file again",
    ),
}
