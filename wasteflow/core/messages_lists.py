"""Wording of codes about long lists; see `messages`."""

from __future__ import annotations

from typing import Final

LIST_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "sort_too_wide": (
        "要排序的运单太多。请先选定一个单位，或不超过 {months} 个月的发货期间；"
        "不排序时最新的在前。",
        "there are too many loads to sort; choose an enterprise or a period of dispatch of "
        "{months} months at most, or leave the newest first",
    ),
}
