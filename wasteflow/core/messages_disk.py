"""Wording of what a full or failing disk leaves: nothing written, or nobody knows yet."""

from __future__ import annotations

from typing import Final

DISK_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "not_written": (
        "数据库的磁盘已满或出错，本次没有写入任何内容。请管理员检查磁盘空间与硬件后再试。",
        "the disk of the database is full or failing; nothing was written. Have its space and "
        "hardware checked, then send it again",
    ),
    "not_on_disk": (
        "磁盘未能确认已写入：本次内容可能已保存，也可能没有。请管理员检查磁盘与数据库，"
        "再用同一个 Idempotency-Key（或同一单号）重新发送：已保存的不会记两次。"
        "在确认之前，程序不再写入。",
        "the disk did not confirm what was written: it may be kept or not. Have disk and database "
        "checked and send it again with the same Idempotency-Key (or number): what was kept is not "
        "recorded twice. Nothing more is written until the disk confirms",
    ),
}
"""Code → (Chinese, English)."""
