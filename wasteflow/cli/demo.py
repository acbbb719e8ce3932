"""Commands that show and serve: synth, demo, serve."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    default_period,
    now,
    open_database,
    shown,
    table_text,
    told,
)
from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import InvalidValue, WasteflowError
from wasteflow.core.periods import SHANGHAI, next_month

DEMO_FILE = "demo.sqlite3"
OPEN_READING = "WASTEFLOW_OPEN_READING"
_NO_BYTECODE = (
    "提示：PYTHONDONTWRITEBYTECODE 已设置，每个进程都要重新编译，启动慢一倍以上；去掉它。",
    "Note: PYTHONDONTWRITEBYTECODE is set, so every process compiles the program anew and starts "
    "at half the speed or less; unset it.",
)


@click.command()
@click.option("--loads", type=click.IntRange(1), required=True)
@click.option("--enterprises", type=click.IntRange(2), required=True)
@click.option("--parks", type=click.IntRange(1), required=True)
@click.option("--months", type=click.IntRange(1), required=True)
@click.option("--seed", type=int, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.pass_obj
@told
def synth(
    settings: Settings, loads: int, enterprises: int, parks: int, months: int, seed: int, out: Path
) -> None:
    """合成数据 · Deterministic synthetic registry and loads in the import format.

    Example: wasteflow synth --loads 100000 --enterprises 400 --parks 20 --months 24 --seed 1
    --out synthetic
    """
    from wasteflow.synthetic import synth as make

    try:
        made = make(
            loads=loads, enterprises=enterprises, parks=parks, months=months, seed=seed, out=out
        )
    except ValueError as error:
        raise InvalidValue("synth_impossible", reason=error) from error
    rows = [[name, str(count)] for name, count in made.rows.items()]
    click.echo(table_text(["文件 · file", "行 · rows"], rows))
    settings.say(
        f"全部为合成数据。先 wasteflow seed，再按 parks enterprises facilities entries shipments "
        f"的次序导入 {out}。",
        f"All synthetic. Run wasteflow seed, then import parks, enterprises, facilities, entries, "
        f"shipments from {out}.",
    )


@click.command()
@click.option("--months", type=click.IntRange(1, 120), default=24, show_default=True)
@click.option("--serve/--no-serve", "serving", default=True, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.pass_obj
@told
def demo(settings: Settings, months: int, serving: bool, host: str, port: int) -> None:
    """演示 · Fresh demo database with marked synthetic loads, a report, and pages.

    Example: wasteflow demo --no-serve
    """
    database = _fresh_demo(settings)
    settings.say(
        "正在建立演示账本（真实园区，合成运单）…",
        "Making the demo books (real parks, synthetic loads) …",
    )
    fill_demo(database, months, settings)
    print_demo_report(database, settings)
    print_demo_people(database, settings)
    print_demo_findings(database, settings)
    os.environ[OPEN_READING] = "1"
    if serving:
        _serve(settings, database.url, host, port, workers=1)
    else:
        settings.say(
            f"查看页面: {OPEN_READING}=1 wasteflow --database {database.url} serve",
            f"See the pages: {OPEN_READING}=1 wasteflow --database {database.url} serve",
        )


def print_demo_people(database: Any, settings: Settings) -> None:
    """Make a user of every role and print how to sign in, this once."""
    from wasteflow.cli.demo_live import fill_live
    from wasteflow.cli.demo_people import enrol_demo
    from wasteflow.core.permission_words import ROLE_LABELS

    people = enrol_demo(db=database, now=now())
    live = fill_live(db=database, now=now())
    zh = settings.lang == "zh"
    heads = (
        ["登录名", "密码", "角色", "单位"] if zh else ["login", "password", "role", "organisation"]
    )
    rows = [
        [who.login, who.password, ROLE_LABELS[who.role][0 if zh else 1], who.organisation or "–"]
        for who in people
    ]
    settings.say(
        "\n演示用户（密码随机，只显示这一次；无须登录也能查看全部页面）",
        "\nDemo users (random passwords, shown this once; every page can be read without)",
    )
    click.echo(table_text(heads, rows))
    settings.say(
        f"另有 {live} 张合成运单供办理：用 receiver 登录看 /inbox（待办）。",
        f"{live} synthetic loads wait to be dealt with: sign in as receiver and open /inbox.",
    )


def print_demo_findings(database: Any, settings: Settings) -> None:
    """Add the firms in trouble, list the kinds of findings, and seal the books."""
    from wasteflow.cli.demo_troubles import fill_troubles
    from wasteflow.services.finding_list import open_counts, refresh_findings
    from wasteflow.services.reports import overview
    from wasteflow.services.seals import seal_books

    moment = now()
    today = moment.astimezone(SHANGHAI)
    fill_troubles(db=database, now=moment, last=next_month(today.year * 100 + today.month, -1))
    refresh_findings(db=database, now=moment)
    firms = frozenset(overview(db=database).registry.enterprises)
    counts = open_counts(db=database, firms=firms, now=moment)
    done = seal_books(db=database, now=moment, by="demo")
    assert done is not None  # there are records
    settings.say(
        f"提示清单 {sum(counts.values())} 条，{len(counts)} 种（/findings）；"
        f"已封存 {done['count']} 条记录（/seals），封存码 {done['head'][:16]}…",
        f"{sum(counts.values())} findings of {len(counts)} kinds (/findings); "
        f"{done['count']} records sealed (/seals), head {done['head'][:16]}…",
    )


def _fresh_demo(settings: Settings) -> Any:
    """An empty migrated demo database; only the demo file of the instance folder is replaced."""
    from wasteflow.config import instance_folder
    from wasteflow_models import migrate

    if settings.database:
        if migrate.current(settings.database) is not None:
            raise WasteflowError("demo_needs_empty", url=shown(settings.database))
        return open_database(settings, create=True)
    path = instance_folder() / DEMO_FILE
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    return open_database(Settings(settings.lang, f"sqlite:///{path}"), create=True)


def fill_demo(database: Any, months: int, settings: Settings) -> None:
    """Seed the registry and import the synthetic loads of `months` up to the last full month."""
    from wasteflow.jobs import import_folder, seed_database
    from wasteflow.synthetic import demo_rows, write_demo
    from wasteflow.synthetic.demo import KINDS

    moment = now()
    today = moment.astimezone(SHANGHAI)
    last = next_month(today.year * 100 + today.month, -1)
    seed_database(db=database, now=moment)
    with tempfile.TemporaryDirectory() as folder:
        write_demo(demo_rows(months=months, end=(last // 100, last % 100)), Path(folder))
        reports = import_folder(
            db=database, folder=Path(folder), kinds=KINDS, now=moment, synthetic=True
        )
    rows = [[report.kind, str(report.taken)] for report in reports]
    heads = ["合成数据", "行"] if settings.lang == "zh" else ["synthetic", "rows"]
    click.echo(table_text(heads, rows))


def print_demo_report(database: Any, settings: Settings) -> None:
    """Rates by material, judged targets, findings and the proof of the books."""
    from wasteflow.cli.planning import target_table
    from wasteflow.cli.reports import rate_table
    from wasteflow.services.checking import check_books
    from wasteflow.services.rating import rates_report
    from wasteflow.services.target_status import targets_report

    period = default_period(database)
    for formula in ("simple", "official"):
        report = rates_report(db=database, period=period, by="material", formula=formula)
        zh = "简单综合利用率" if formula == "simple" else "综合利用率（官方公式）"
        settings.say(
            f"\n{period.text} 年 {zh}（合成数据）",
            f"\n{period.text} utilisation rate, formula {formula} (synthetic data)",
        )
        click.echo(table_text(*rate_table(report, ["material"], settings.lang)))
    judged = [row for row in targets_report(db=database)["rows"] if row["status"]]
    settings.say("\n评判的目标（虚构）", "\nJudged targets (invented)")
    click.echo(table_text(*target_table(judged, settings.lang)))
    checked = check_books(db=database)
    codes = sorted({finding["code"] for finding in checked.findings})
    settings.say(
        f"\n校验: {'账本无误' if checked.ok else '有错误'}；运单 {checked.shipments}、记录 "
        f"{checked.entries}；提示 {len(checked.findings)} 条（{', '.join(codes)}）",
        f"\nCheck: {'sound' if checked.ok else 'FAULTS'}; {checked.shipments} shipments, "
        f"{checked.entries} entries; {len(checked.findings)} findings ({', '.join(codes)})",
    )
    if not checked.ok:
        sys.exit(1)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.pass_obj
@told
def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """服务 · Serve the pages with gunicorn; only this machine unless --host says otherwise.

    With open reading (WASTEFLOW_OPEN_READING=1) only this machine.

    Example: wasteflow serve --port 8080
    """
    with no_collecting():  # of the imports, as in `_load_application`
        open_database(settings).dispose()
    _serve(settings, settings.url(), host, port, workers)


def _load_application() -> None:
    """Import the pages once, so that the workers forked from here have them at once.

    The collector would walk over what is being loaded again and again, a third of the time, and
    would later copy it into every worker.
    """
    with no_collecting():
        import_module("wasteflow.app")
    gc.freeze()


def _serve(settings: Settings, url: str, host: str, port: int, workers: int) -> None:
    """Run the server until it is stopped."""
    from wasteflow.config import load_config
    from wasteflow.worker import keep_worker

    if sys.dont_write_bytecode:
        settings.say(*_NO_BYTECODE, err=True)
    open_reading = load_config().accounts.open_reading
    if open_reading and host not in ("127.0.0.1", "localhost", "::1"):
        raise WasteflowError("host_not_local", host=host)
    _load_application()
    settings.say(
        f"\n页面: http://{host}:{port}/   （停止: Ctrl-C）",
        f"\nPages: http://{host}:{port}/   (stop: Ctrl-C)",
    )
    sys.stdout.flush()
    os.environ["WASTEFLOW_DATABASE_URL"] = url
    keep_worker(url)
    if sys.platform == "win32":
        from wasteflow.app import create_app

        create_app(warm=True).run(host=host, port=port)
        return
    from gunicorn.app.wsgiapp import run

    sys.argv = [
        "wasteflow",
        f"--bind={host}:{port}",
        f"--workers={workers}",
        "--threads=4",
        "--keep-alive=15",
        "--no-control-socket",
        "wasteflow.app:create_app(warm=True)",
    ]
    run()
