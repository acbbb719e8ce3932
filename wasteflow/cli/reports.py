"""Commands that answer: rates, flows, balance, map, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    as_of_option,
    default_period,
    emit,
    json_text,
    month_of,
    open_database,
    period_of,
    say_reported,
    table_text,
    told,
)
from wasteflow.core.periods import Period

_SCOPE = click.option(
    "--scope", default="all", show_default=True, help="all, region:… park:… enterprise:…"
)
_MATERIAL = click.option("--material", default="", help="物料代码 · Material code.")
_PERIOD = click.option(
    "--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, 2024-01..2024-06"
)


def _csv(columns: list[str], rows: list[list[Any]]) -> str:
    from wasteflow.exporting.tables import csv_text

    text: str = csv_text(columns, rows)
    return text


@click.command()
@_SCOPE
@_PERIOD
@_MATERIAL
@click.option(
    "--formula",
    default="official",
    show_default=True,
    help="official simple new_waste fate_share disposal_inclusive consumption_balance",
)
@click.option(
    "--basis", default="declared", show_default=True, help="declared verified territorial"
)
@click.option(
    "--by", default="", help="region park enterprise material route evidence month quarter year"
)
@click.option("--include-products", is_flag=True, help="含产品 · Count petroleum coke too.")
@as_of_option
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def rates(
    settings: Settings,
    scope: str,
    period: str | None,
    material: str,
    formula: str,
    basis: str,
    by: str,
    include_products: bool,
    as_of: str,
    shape: str,
) -> None:
    """综合利用率 · Utilisation rates with the tonnes they are made of.

    Example: wasteflow rates --scope park:park.anning --period 2026 --by material --formula simple
    """
    from wasteflow.services.rating import rates_report

    database = open_database(settings)
    report = rates_report(
        db=database,
        scope=scope,
        period=period_of(period, settings) or default_period(database),
        material=material,
        formula=formula,
        basis=basis,
        by=by,
        include_products=include_products,
        as_of=month_of(as_of),
    )
    if shape == "json":
        click.echo(json_text(report))
        return
    keys = [word for word in by.split(",") if word]
    if shape == "csv":
        click.echo(_csv(*rate_cells(report, keys)), nl=False)
        return
    columns, rows = rate_table(report, keys, settings.lang)
    click.echo(_title(report, settings.lang))
    say_reported(report, settings)
    click.echo(table_text(columns, rows))
    if report["pseudo"]:
        settings.say("\n不归属任何产生单位", "\nCredited to no generator")
        click.echo(table_text(*pseudo_table(report["pseudo"], settings.lang)))


def _title(report: dict[str, Any], lang: str) -> str:
    mark = ""
    if report["synthetic"]:
        mark = "  [含合成数据]" if lang == "zh" else "  [contains synthetic data]"
    return f"{report['period']} {report['scope']} {report['formula']} {report['basis']}{mark}"


def pseudo_table(pseudo: list[dict[str, str]], lang: str) -> tuple[list[str], list[list[str]]]:
    """Pseudo-origins by kind and material with their number of places, in tonnes."""
    from wasteflow.core.units import kg_from_tonnes, tonnes_text

    heads = ["来历", "物料", "处数", "出现 t", "利用 t", "其中贮存 t"]
    if lang == "en":
        heads = ["origin", "material", "places", "arose t", "utilised t", "stored t"]
    sums: dict[tuple[str, str], list[int]] = {}
    for row in pseudo:
        kinds = sums.setdefault((row["origin"].partition("@")[0], row["material"]), [0, 0, 0, 0])
        kinds[0] += 1
        for n, name in enumerate(("arose_t", "utilised_t", "stored_t"), start=1):
            kinds[n] += kg_from_tonnes(row[name])
    rows = [
        [*key, str(count), *(tonnes_text(kg) for kg in kilograms)]
        for key, (count, *kilograms) in sorted(sums.items())
    ]
    return heads, rows


def rate_cells(report: dict[str, Any], keys: list[str]) -> tuple[list[str], list[list[Any]]]:
    """A rates report for programs: the names of the JSON, fractions, blank = not known.

    The total stands last, its keys blank and `total` true.
    """
    plain = [name for name in report["total"] if name not in ("by_evidence", "notes")]
    marks = ["period", "scope", "formula", "basis", "synthetic"]
    if "as_reported" in report:
        report = {**report, "as_of": report["as_reported"]["month"]}
        marks.append("as_of")
    rows = [
        [
            *(report[mark] for mark in marks),
            *(row.get(key, "") for key in keys),
            total,
            *("" if row.get(name) is None else row[name] for name in plain),
            "; ".join(row["notes"]),
        ]
        for row, total in [*((row, "false") for row in report["rows"]), (report["total"], "true")]
    ]
    return [*marks, *keys, "total", *plain, "notes"], rows


def rate_table(
    report: dict[str, Any], keys: list[str], lang: str
) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of a rates report, the total last."""
    heads = {
        "zh": [
            "综合利用率",
            "产生 t",
            "利用 t",
            "其中往年 t",
            "贮存 t",
            "处置 t",
            "残差 t",
            "说明",
        ],
        "en": [
            "rate",
            "generated t",
            "utilised t",
            "of it prior t",
            "stored t",
            "disposed t",
            "residual t",
            "notes",
        ],
    }[lang]

    traced = "cumulative_verified" in report["total"]
    if traced:
        heads = [*heads[:-1], "累计核实" if lang == "zh" else "cumulative", heads[-1]]

    def cells(row: dict[str, Any]) -> list[str]:
        value = "-" if row["value"] is None else f"{row['value'] * 100:.2f} %"
        names = ("generated_t", "utilised_t", "utilised_prior_t", "stored_t", "disposed_t")
        tonnes = [row[name] if row[name] is not None else "-" for name in names]
        residual = row["identity_residual_t"]
        ever = row.get("cumulative_verified")
        share = ["-" if ever is None else f"{ever * 100:.2f} %"] if traced else []
        words = "; ".join(note_words(row, lang))
        return [value, *tonnes, "-" if residual is None else residual, *share, words]

    rows = [[row[key] or "-" for key in keys] + cells(row) for row in report["rows"] if keys]
    total = ["合计" if lang == "zh" else "total", *[""] * (len(keys) - 1)] if keys else []
    return [*keys, *heads], [*rows, [*total, *cells(report["total"])]]


def note_words(row: dict[str, Any], lang: str) -> list[str]:
    """Reason and notes of a rate row in words; many firms left out are counted, not listed."""
    from wasteflow.core.messages import render

    notes = [note for note in row["notes"] if "ledger_starts_" not in note]
    late = [note for note in row["notes"] if "ledger_starts_" in note]
    words = [reason_text(row["not_computable"], lang)] if row["not_computable"] else []
    if len(late) > 1:
        words.append(render("left_out", lang, {"count": str(len(late))}))
    elif late and not row["not_computable"]:
        words.append(reason_text(late[0], lang))
    return [*words, *(reason_text(note, lang) for note in notes)]


def reason_text(note: str, lang: str) -> str:
    """A reason or note of a rate in words."""
    from wasteflow.core.messages import render

    if "ledger_starts_" in note:
        firm, _, month = note.rpartition("ledger_starts_")
        return firm + render("ledger_starts", lang, {"month": month})
    return render(note, lang, {})


@click.command()
@_PERIOD
@_MATERIAL
@click.option("--level", default="enterprise", show_default=True, help="enterprise, park, region")
@click.option("--transit", is_flag=True, help="保留在途节点 · Keep transit places as nodes.")
@as_of_option
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json", "csv", "graphml", "gexf", "geojson", "sankey"]),
    default="table",
)
@click.option("--out", type=click.Path(path_type=Path), default=None)
@click.pass_obj
@told
def flows(
    settings: Settings,
    period: str | None,
    material: str,
    level: str,
    transit: bool,
    as_of: str,
    shape: str,
    out: Path | None,
) -> None:
    """流向图 · The flow graph of a period (NetworkX node-link, GraphML, GEXF, GeoJSON, Sankey).

    Example: wasteflow flows --period 2026 --level park --format json
    """
    from wasteflow.exporting.flow_text import flows_text
    from wasteflow.services.reports import flows_report

    database = open_database(settings)
    report = flows_report(
        db=database,
        period=period_of(period, settings) or default_period(database),
        level=level,
        material=material,
        keep_transit=transit,
        as_of=month_of(as_of),
    )
    if shape != "table":
        emit(flows_text(report, shape), out)
        return
    say_reported(report, settings)
    names = {node["id"]: node[f"name_{settings.lang}"] for node in report["nodes"]}
    heads = ["从", "到", "物料/去向", "吨", "车次"]
    if settings.lang == "en":
        heads = ["from", "to", "material/route", "tonnes", "loads"]
    rows = [
        [names[e["source"]], names[e["target"]], e["key"], e["tonnes"], str(e["loads"])]
        for e in sorted(report["edges"], key=lambda e: (-e["kg"], e["source"], e["target"]))
    ]
    emit(table_text(heads, rows), out)


@click.command()
@_SCOPE
@_PERIOD
@_MATERIAL
@as_of_option
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def balance(
    settings: Settings, scope: str, period: str | None, material: str, as_of: str, shape: str
) -> None:
    """物料平衡 · Opening, in, out, closing and residual of every firm, compartment and material.

    Example: wasteflow balance --scope park:park.anning --period 2026-07
    """
    from wasteflow.services.balance_table import balance_table
    from wasteflow.services.reports import balance_report

    database = open_database(settings)
    chosen: Period = period_of(period, settings) or default_period(database)
    report = balance_report(
        db=database, scope=scope, period=chosen, material=material, as_of=month_of(as_of)
    )
    if shape == "json":
        click.echo(json_text(report))
        return
    if shape == "csv":
        click.echo(_csv(*balance_table(report)), nl=False)
    else:
        say_reported(report, settings)
        click.echo(table_text(*balance_table(report, settings.lang)))


@click.command("map")
@_SCOPE
@_PERIOD
@_MATERIAL
@click.option("--level", type=click.Choice(["enterprise", "park"]), default="enterprise")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.pass_obj
@told
def map_(
    settings: Settings, scope: str, period: str | None, material: str, level: str, out: Path
) -> None:
    """地图文件 · One HTML file that opens from disk without internet.

    Example: wasteflow map --period 2026 --out map.html
    """
    from wasteflow.mapping import map_of
    from wasteflow.web.formats import month_words, period_words
    from wasteflow_maps.page import render_map

    database = open_database(settings)
    chosen = period_of(period, settings) or default_period(database)
    data = map_of(
        db=database, period=chosen, scope=scope, material=material, level=level, months=True,
        month_word=lambda month: month_words(month, settings.lang),
        period_word=lambda span: period_words(span, settings.lang),
    )  # fmt: skip
    page = render_map(data, lang=settings.lang, single_file=True, asset_url=None, nonce=None)
    emit(page, out)
    click.echo(f"{out}: {len(page.encode()) / 1e6:.1f} MB")


@click.command()
@click.option(
    "--full", is_flag=True, help="含每个已结账月份和已封存记录 · Every close, every seal."
)
@click.option("--head", "heads", multiple=True, help="另处得知的封存码 · A head known elsewhere.")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
@told
def check(settings: Settings, full: bool, heads: tuple[str, ...], shape: str) -> None:
    """校验账本 · Prove the books; exit 0 sound, 1 with each fault named.

    Example: wasteflow check --full --format json
    """
    from wasteflow.services.checking import check_books

    report = check_books(db=open_database(settings), full=full or bool(heads), witnesses=heads)
    if shape == "json":
        click.echo(json_text(report.as_dict()))
    else:
        _print_check(report, settings)
    sys.exit(0 if report.ok else 1)


def _print_check(report: Any, settings: Settings) -> None:
    from wasteflow.core.messages import render

    for fault in report.faults:
        wanted, found = fault.expected or "-", fault.found or "-"
        records = ", ".join(fault.records) or "-"
        told = {"key": fault.key, "expected": wanted, "found": found, "records": records}
        words = render(fault.code, settings.lang, told)
        settings.say(
            f"✗ {fault.code} {fault.key}\n  应为 {wanted}，实为 {found}；单据 {records}\n  {words}",
            f"✗ {fault.code} {fault.key}\n  expected {wanted}, found {found}; records {records}\n"
            f"  {words}",
        )
    for finding in report.findings:
        words = render(finding["code"], settings.lang, finding)
        keys = ("enterprise", "compartment", "material")
        where = "/".join(finding[key] for key in keys if finding[key])
        click.echo(f"· {where}: {words}")
    if report.ok:
        settings.say(
            f"账本无误：运单 {report.shipments}、记录 {report.entries}、汇总 {report.flows} "
            "行均一致。",
            f"Sound: {report.shipments} shipments, {report.entries} entries, {report.flows} "
            "roll-up rows agree.",
        )
    else:
        settings.say(
            f"发现 {len(report.faults)} 处错误（见上）。", f"{len(report.faults)} faults (above)."
        )
