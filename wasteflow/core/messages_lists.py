"""Wording of codes about long lists; see `messages`."""

from __future__ import annotations

from typing import Final

LIST_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "sort_too_wide": (
        "要排序的运单太多。请选定不超过 {months} 个月的发货期间，或运单较少的单位；"
        "不排序时最新的在前。",
        "there are too many loads to sort; choose a period of dispatch of {months} months at "
        "most or an enterprise with fewer loads, or leave the newest first",
    ),
}
