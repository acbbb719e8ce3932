"""The command that does background work: worker."""

from __future__ import annotations

import logging
import os
import signal
import threading

import click

from wasteflow.cli.common import Settings, now, open_database, told

PARENT_EVERY_S = 1.0


@click.command()
@click.option("--once", is_flag=True, help="做完等待中的任务即退出 · Stop when nothing waits.")
@click.option("--parent", type=int, default=0, hidden=True)
@click.pass_obj
@told
def worker(settings: Settings, once: bool, parent: int) -> None:
    """后台任务 · Do uploads and exports; `wasteflow serve` runs one by itself.

    More may run beside it, with PostgreSQL also on other machines: a job is done by one of them.

    Example: wasteflow worker
    """
    from wasteflow.worker import Worker

    logging.basicConfig(level=logging.INFO)
    at_work = Worker(open_database(settings), now)
    if once:
        while at_work.once() is not None:
            pass
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if parent:
        threading.Thread(target=_outlive, args=(parent, stop), daemon=True).start()
    at_work.run(stop)


def _outlive(parent: int, stop: threading.Event) -> None:
    """Set `stop` when the process that started this one is gone."""
    while os.getppid() == parent:
        stop.wait(PARENT_EVERY_S)
    stop.set()


if __name__ == "__main__":
    worker.main(obj=Settings())
