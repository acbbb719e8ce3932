"""Wording of codes about seals, proofs, backup and restore; see `messages`."""

from __future__ import annotations

from typing import Final

SEAL_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "seal_running": (
        "另一个进程正在封存。请稍后再试。",
        "another process is sealing; try again when it is done",
    ),
    "nothing_to_seal": (
        "没有新的记录需要封存：所有记录都已在封存中。",
        "there is nothing new to seal: every record is in a seal already",
    ),
    "seal_block_damaged": (
        "第 {number} 次封存的叶子无法读取，不能继续封存。"
        "请先运行 wasteflow check --full 并从备份恢复。",
        "the leaves of seal {number} cannot be read, so nothing is sealed on top; run wasteflow "
        "check --full and restore a backup first",
    ),
    "backup_exists": (
        "{file} 已存在，不会覆盖。请换一个文件名，或先移走它。",
        "{file} is there already and is not overwritten; choose another name or move it away",
    ),
    "backup_unreadable": (
        "{file} 不是可读的备份（{reason}）。请选择 wasteflow backup 写出的文件。",
        "{file} is no backup that can be read ({reason}); choose a file that wasteflow backup "
        "wrote",
    ),
    "backup_damaged": (
        "备份 {file} 的 {part} 已损坏，什么都没有恢复。请用另一份备份。",
        "{part} of the backup {file} is damaged, so nothing was restored; use another backup",
    ),
    "backup_newer": (
        "备份 {file} 的数据库版本 {revision} 比本程序新。请先升级程序再恢复。",
        "the backup {file} is of revision {revision}, which this program does not know; install a "
        "newer program first",
    ),
    "restore_revision": (
        "目标数据库的版本是 {found}，备份的是 {wanted}。请恢复到新的空数据库。",
        "the database is at revision {found}, the backup at {wanted}; restore into a new, empty "
        "database",
    ),
    "restore_not_empty": (
        "目标数据库不是空的（{table} 中有数据），没有恢复。请换一个空数据库，"
        "或加 --replace 丢弃其中的全部数据。",
        "the database is not empty (there is data in {table}), so nothing was restored; name an "
        "empty one, or throw away what is in it with --replace",
    ),
    "seal_unknown": (
        "没有第 {number} 次封存。请用 wasteflow seal --list 查看。",
        "there is no seal {number}; wasteflow seal --list shows them",
    ),
    "record_not_sealed": (
        "记录 {record} 尚未封存[[，或不在第 {number} 次封存中]]。"
        "请先运行 wasteflow seal，或等下一次定时封存。",
        "record {record} is not sealed yet[[, or not in seal {number}]]; run wasteflow seal, or "
        "wait for the next one on schedule",
    ),
    "record_altered_since": (
        "记录 {record} 与封存时不同，无法出具证明。请运行 wasteflow check --full。",
        "record {record} is not what was sealed, so nothing can be proved; run wasteflow check "
        "--full",
    ),
    "sealed_altered": (
        "“{key}”在封存之后被改动：内容与封存时的哈希不符。请从备份恢复，或查明是谁绕过程序改的。",
        "“{key}” was changed after it was sealed: its content does not give the sealed hash; "
        "restore a backup or find out who changed it behind the program",
    ),
    "sealed_missing": (
        "“{key}”已封存，但账本中没有了。请从备份恢复，或查明是谁删除的。",
        "“{key}” was sealed and is gone; restore a backup or find out who removed it",
    ),
    "sealed_inserted": (
        "“{key}”自称记于 {found}，而此后的封存中没有它：它是后来插入的。请查明来源。",
        "“{key}” says it was recorded at {found}, but the seal made after that does not hold it: "
        "it was slipped in later; find out where it comes from",
    ),
    "seal_altered": (
        "“{key}”被改动：应为 {expected}，实为 {found}。请对照表单上印的封存码，并从备份恢复。",
        "“{key}” was changed: expected {expected}, found {found}; compare the heads printed on "
        "forms and restore a backup",
    ),
    "seal_missing": (
        "“{key}”不见了，封存链断开：应为 {expected}，实为 {found}。请从备份恢复。",
        "“{key}” is gone and the chain is broken: expected {expected}, found {found}; restore a "
        "backup",
    ),
    "seal_dropped": (
        "最后的封存“{key}”（{expected}）被删去，现在只到 {found}。请从备份恢复。",
        "the last seal, “{key}” ({expected}), was dropped; the chain ends at {found}; restore a "
        "backup",
    ),
    "seal_forgotten": (
        "数据库记下的最后一次封存与“{key}”不符[[：应为 {expected}]]，实为 {found}。"
        "请对照表单上印的封存码。",
        "what the database remembers of its last seal does not fit “{key}”[[: expected "
        "{expected}]], found {found}; compare the heads printed on forms",
    ),
    "seal_unknown_head": (
        "“{key}”（{expected}）不是本账本任何一次封存的封存码：账本不是出具它的那一份，"
        "或那次封存已被抹去。请从备份恢复。",
        "“{key}” ({expected}) is the head of no seal here: these are not the books it came from, "
        "or that seal was wiped out; restore a backup",
    ),
    "seal_leaves_altered": (
        "“{key}”的叶子被改动[[：应为 {expected}]]，实为 {found}。请从备份恢复。",
        "the leaves of “{key}” were changed[[: expected {expected}]], found {found}; restore a "
        "backup",
    ),
    "seal_root_broken": (
        "“{key}”的叶子得不出它的根：应为 {expected}，实为 {found}。请从备份恢复。",
        "the leaves of “{key}” do not lead to its root: expected {expected}, found {found}; "
        "restore a backup",
    ),
}
"""Code → (Chinese, English)."""
