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
}
