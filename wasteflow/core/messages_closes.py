"""Wording of codes about closed months and the books as they were reported; see `messages`."""

from __future__ import annotations

from typing import Final

CLOSE_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "month_closed": (
        "{month} 的记录要求记在 {asked}，但该月已结账，最早可记在 {open}。"
        "去掉记账月份即记入 {open}，发生月份不变；或请园区管理员重新打开该月。",
        "a record of {month} asks to be booked in {asked}, which is closed; the first open month "
        "is {open}. Leave the booking month out and it is booked in {open} with its own month "
        "kept, or have the park manager reopen the month",
    ),
    "booking_month": (
        "“{key}”的记账月份不对：应为 {expected}，实为 {found}。记录只能记在本月，"
        "或其单位结账之后的第一个未结账月份。请从备份恢复或查明来源。",
        "the booking month of “{key}” cannot be: expected {expected}, found {found}; a record is "
        "booked in its own month, or in the first open one after a close. Restore a backup or find "
        "out what changed it",
    ),
    "late_mismatch": (
        "补记汇总 flow_late“{key}”与记录不符：应为 {expected}，实为 {found}。"
        "请运行 wasteflow db rebuild，或从备份恢复。",
        "the late rows flow_late “{key}” do not equal their records: expected {expected}, found "
        "{found}; run wasteflow db rebuild, or restore a backup",
    ),
    "close_mismatch": (
        "“{key}”结账时的账目与现在按该月口径重算的不符：应为 {expected}，实为 {found}。"
        "已结账月份被绕过程序改动过，请从备份恢复或查明来源。",
        "the books “{key}” was closed on do not come out again: expected {expected}, found "
        "{found}; something changed a closed month behind the program, restore a backup or find "
        "out what did",
    ),
    "close_figures": (
        "“{key}”结账时存下的数字与重算的不符：应为 {expected}，实为 {found}。"
        "请从备份恢复或查明来源。",
        "the figures stored when “{key}” was closed do not follow from its books: expected "
        "{expected}, found {found}; restore a backup or find out what changed them",
    ),
    "close_attribution": (
        "“{key}”结账时存下的归属数量与账目不符[[：应为 {expected}，实为 {found}]]。"
        "请从备份恢复或查明来源。",
        "the attribution stored when “{key}” was closed does not follow from its books"
        "[[: expected {expected}, found {found}]]; restore a backup or find out what changed it",
    ),
    "close_order": (
        "“{key}”的结账月份不连续：应为 {expected}，实为 {found}。请从备份恢复或查明来源。",
        "the months closed by “{key}” have a gap: expected {expected}, found {found}; restore a "
        "backup or find out what changed them",
    ),
    "month_not_over": (
        "{month} 还没有结束，不能结账。请等到下月初再结。",
        "{month} is not over and cannot be closed yet; close it when the next month has begun",
    ),
    "month_already_closed": (
        "“{value}”的 {month} 已经结账。要更正已结账月份的记录，直接补记或冲销即可，"
        "系统会记入最早的未结账月份。",
        "{month} is already closed for “{value}”; to correct a record of a closed month just "
        "record or reverse it: it is booked in the first open month",
    ),
    "month_not_closed": (
        "“{value}”自己没有结 {month} 的账，无从重新打开。"
        "用 wasteflow close --list 查看已结的月份。",
        "“{value}” itself has not closed {month}, so there is nothing to reopen; "
        "wasteflow close --list shows what is closed",
    ),
    "reopen_later_first": (
        "“{value}”已结账到 {month}。请从最后一个月开始，逐月重新打开。",
        "“{value}” has closed its months up to {month}; reopen the last one first",
    ),
    "closed_by_park": (
        "{month} 由园区 {park} 统一结账，只能由该园区重新打开（对其全部企业）。",
        "{month} is closed by the park {park}, which alone can reopen it (for all its firms)",
    ),
    "close_needs_one": (
        "请指明一个企业或一个园区，不能都给，也不能都不给。",
        "name one enterprise or one park, not both and not neither",
    ),
    "external_keeps_no_books": (
        "“{value}”是系统外单位，没有账可结。请换成园区内的企业。",
        "“{value}” stands outside the books and has no months to close; name a firm of the park",
    ),
    "as_of_before_period": (
        "统计期 {period} 晚于 {month}，那个月结账时还没有这段数字。"
        "请选更早的统计期，或去掉 --as-of。",
        "the period {period} begins after {month}, so it was not reported at that close; choose an "
        "earlier period or leave --as-of out",
    ),
    "month_not_closed_by_all": (
        "有企业尚未结该月的账，其数字仍可能变动",
        "a firm has not closed this month yet; its figures may still change",
    ),
    "close_open_loads": (
        "企业“{enterprise}”月末仍有 {count} 车在途未验收：{records}",
        "“{enterprise}” still has {count} loads on the road at the month's end: {records}",
    ),
    "close_unbalanced": (
        "企业“{enterprise}”{month} {material}（{compartment}）账实不平，差 {residual} 吨",
        "“{enterprise}” {month}: {material} ({compartment}) does not balance by {residual} t",
    ),
    "close_negative_stock": (
        "企业“{enterprise}”{month} {material}（{compartment}）库存为负，月末 {closing} 吨",
        "“{enterprise}” {month}: the stock of {material} ({compartment}) was below zero; "
        "{closing} t at the month's end",
    ),
}
