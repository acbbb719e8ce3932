"""Wording of codes about background work and uploaded files; see `messages`."""

from __future__ import annotations

from typing import Final

JOB_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "job_broke": (
        "后台任务出错中断，账目未受影响（{why}）。"
        "请重试；若再次出错，请将任务号 {job} 告诉管理员。",
        "the background job broke off, the books are untouched ({why}); try again, and if it "
        "happens again give the administrator the job number {job}",
    ),
    "job_gave_up": (
        "任务已重新开始 {count} 次都没有做完，已停止，账目未受影响。"
        "请查看服务器内存与日志后重新上传。",
        "the job was started {count} times without coming to an end and was stopped; the books are "
        "untouched: look at memory and log of the server, then upload again",
    ),
    "job_cancelled": (
        "任务已取消，账目未受影响。需要时请重新上传。",
        "the job was cancelled, the books are untouched; upload the file again if it is needed",
    ),
    "job_state": (
        "任务处于“{state}”，不能{action}。请刷新页面查看最新状态。",
        "the job is {state} and cannot {action}; reload to see where it stands",
    ),
    "job_file_gone": (
        "任务 {value} 的这份文件不存在或已过期删除。请重新上传或重新生成。",
        "this file of job {value} does not exist or has expired; upload or make it again",
    ),
    "job_lease_lost": (
        "任务 {job} 已由另一个后台进程接手，本进程停止处理。无需操作。",
        "another worker has taken job {job} over, so this one stops; nothing is to be done",
    ),
}
"""Code → (Chinese, English)."""
