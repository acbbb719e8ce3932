"""Commands of files that are sent in: worker, template."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path

import click

from wasteflow.cli.common import Settings, now, open_database, told
from wasteflow.core.errors import WasteflowError

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

    logging.basicConfig(level=logging.WARNING)
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


@click.command()
@click.argument("kind")
@click.option("--enterprise", multiple=True, help="企业代码 · Own firm, whose lists come first.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.pass_obj
@told
def template(settings: Settings, kind: str, enterprise: tuple[str, ...], out: Path) -> None:
    """填报模板 · Write a workbook to fill in for KIND, with lists to choose from.

    Example: wasteflow template shipments --enterprise ent.tianan --out loads.xlsx
    """
    from wasteflow.cli.common import emit_bytes
    from wasteflow.exporting.template_book import template_book
    from wasteflow.services.template_choices import template_choices
    from wasteflow.services.uploads import UPLOAD_RIGHTS

    if kind not in UPLOAD_RIGHTS:
        raise WasteflowError("upload_kind", value=kind, known=", ".join(UPLOAD_RIGHTS))
    choices = template_choices(db=open_database(settings), kind=kind, firms=enterprise or None)
    emit_bytes(template_book(kind, choices), out)
    settings.say(f"模板: {out}", f"Template: {out}")


if __name__ == "__main__":
    worker.main(obj=Settings())
