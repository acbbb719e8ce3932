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
}
