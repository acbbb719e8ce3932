"""The `wasteflow` command: one group, its commands in the modules beside; no rule lives here.

Commands are imported only when called, so that `wasteflow --help` answers at once.
"""

from __future__ import annotations

import importlib

import click

from wasteflow import __version__

_COMMANDS = {
    "audit-figures": ("audit", "audit_figures"),
    "backup": ("backups", "backup"),
    "balance": ("reports", "balance"),
    "bulletin": ("office", "bulletin"),
    "check": ("reports", "check"),
    "close": ("closes", "close"),
    "correct": ("corrections", "correct"),
    "crosscheck": ("planning", "crosscheck"),
    "db": ("data", "db"),
    "demo": ("demo", "demo"),
    "dependence": ("dependence", "dependence"),
    "export": ("data", "export"),
    "findings": ("findings", "findings"),
    "flows": ("reports", "flows"),
    "gap": ("trace", "gap"),
    "import": ("data", "import_"),
    "loops": ("trace", "loops"),
    "lost": ("records", "lost"),
    "map": ("reports", "map_"),
    "ledger-forms": ("office", "ledger_forms"),
    "indicators": ("office", "indicators"),
    "match": ("symbiosis", "match"),
    "postings": ("drill", "postings"),
    "quota": ("planning", "quota"),
    "rates": ("reports", "rates"),
    "records": ("drill", "records"),
    "remind": ("telling", "remind"),
    "restore": ("backups", "restore"),
    "reverse": ("records", "reverse"),
    "scenario": ("scenarios", "scenario"),
    "offers": ("offers", "offers"),
    "seal": ("seals", "seal"),
    "seed": ("data", "seed"),
    "serve": ("demo", "serve"),
    "synth": ("demo", "synth"),
    "targets": ("planning", "targets"),
    "template": ("work", "template"),
    "token": ("accounts", "token"),
    "trace": ("trace", "trace"),
    "webhooks": ("telling", "webhooks"),
    "user": ("accounts", "user"),
    "worker": ("work", "worker"),
}
_ABOUT = {
    "audit-figures": "核对公布数 · Which formula gives a published rate, does it balance",
    "backup": "备份 · Write the whole database and its documents to a file",
    "balance": "物料平衡 · Opening, in, out, closing and residual",
    "bulletin": "年度信息公报 · The annual bulletin of an area",
    "check": "校验账本 · Prove the books; exit 0 sound, 1 with each fault named",
    "close": "结账 · Close a month, reopen it, list what is closed",
    "correct": "更正多单 · Propose corrections of many loads from a file",
    "crosscheck": "产污核对 · Generation against product output",
    "db": "数据库 · Migrations: upgrade, check; rebuild",
    "demo": "演示 · Fresh demo database, report, pages",
    "dependence": "依存 · What breaks if a receiver closes (N-1)",
    "export": "导出 · Write a kind, flows or balances to a file",
    "findings": "提示清单 · What looks wrong in the books",
    "flows": "流向图 · The flow graph of a period",
    "gap": "申报与核实之差 · Paper reuse: declared against verified",
    "import": "导入 · Take a file, all or nothing",
    "loops": "环流与转卖 · Loops and resale",
    "lost": "灭失 · Record that a load on the road was lost",
    "map": "地图 · A map file that works from disk without internet",
    "ledger-forms": "台账附表1–7 · Statutory ledger forms of a firm as XLSX",
    "match": "潜在链接 · Potential links: the cheapest feasible allocation",
    "postings": "过账 · The postings behind a firm's figure",
    "quota": "以用定产 · Phosphogypsum consumed against generated",
    "rates": "综合利用率 · Utilisation rates with their tonnes",
    "records": "原始记录 · The loads or entries behind a posting",
    "remind": "提醒 · Mail every user what waits for them",
    "restore": "恢复 · Put a backup into an empty database and prove it",
    "reverse": "冲销 · Reverse a record",
    "scenario": "情景 · What if: run, save and compare scenarios",
    "offers": "供需对接 · Offers, asks and proposed links",
    "seal": "封存 · Seal the records; list seals; prove a record",
    "seed": "基础数据 · Registry facts and targets of the source documents",
    "serve": "服务 · Serve the pages",
    "synth": "合成数据 · Deterministic synthetic registry and loads",
    "targets": "目标状态 · Status of every target",
    "template": "填报模板 · A workbook to fill in, with lists to choose from",
    "token": "接口令牌 · API tokens: create, list, revoke",
    "trace": "溯源 · Provenance of a firm's waste",
    "webhooks": "回调 · Tell other software of changes",
    "user": "用户 · Users: create, list, password, deactivate, grant, revoke",
    "worker": "后台任务 · Do uploads and exports beside a server",
}


class _Lazy(click.Group):
    """Group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_ABOUT)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module = importlib.import_module(f"wasteflow.cli.{where[0]}")
        command: click.Command = getattr(module, where[1])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("命令 · Commands"):
            formatter.write_dl([(name, _ABOUT[name]) for name in sorted(_ABOUT)])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wasteflow")
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    envvar="WASTEFLOW_LANG",
    default="zh",
    show_default=True,
    help="语言 · Language of messages.",
)
@click.option(
    "--database",
    envvar="WASTEFLOW_DATABASE_URL",
    default="",
    help="数据库地址 · Database URL (default: a SQLite file in the instance folder).",
)
@click.pass_context
def main(ctx: click.Context, lang: str, database: str) -> None:
    """wasteflow 大宗工业固废台账、流向图与综合利用率.

    Ledger, flow graph and utilisation rates of bulk industrial solid waste.  Start with
    `wasteflow demo`.
    """
    from wasteflow.cli.common import Settings

    ctx.obj = Settings(lang=lang, database=database)
