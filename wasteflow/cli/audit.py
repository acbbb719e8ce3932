"""Command `audit-figures`: a table of published figures in, what they amount to out."""

from __future__ import annotations

import sys
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasteflow.cli.common import (
    EXIT_REFUSED,
    SHOWN_ISSUES,
    Settings,
    json_text,
    table_text,
    told,
)
from wasteflow.core.errors import RowsRefused

if TYPE_CHECKING:
    from wasteflow.core.audit import Audit
    from wasteflow.core.audit_rates import RateInterval

_HEADS = {
    "zh": ["公式", "", "%", "下限 %", "上限 %", "与公布值"],
    "en": ["formula", "", "%", "low %", "high %", "published"],
}
_MATCHES = {
    "zh": {"rounded": "相符", "truncated": "截尾相符", "": "不符"},
    "en": {"rounded": "agrees", "truncated": "agrees truncated", "": "differs"},
}


@click.command("audit-figures")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
@told
def audit_figures(settings: Settings, file: Path, shape: str) -> None:
    """核对公布数 · Which formula gives a published rate, does its identity close.

    FILE is a CSV or JSON table of published figures; docs/audit.md tells its columns.  Findings do
    not change the exit code.  Example: wasteflow audit-figures figures.csv --format json
    """
    from wasteflow.importing.reading import read_table
    from wasteflow.services.auditing import audit_report, audit_table

    try:
        audits = audit_table(read_table(file))
    except RowsRefused as error:
        _tell_cells(error, settings)
        sys.exit(EXIT_REFUSED)
    if shape == "json":
        click.echo(json_text(audit_report(audits)))
        return
    for audit in audits:
        click.echo(audit_text(audit, settings.lang) + "\n")
    found = sum(bool(audit.findings) for audit in audits)
    settings.say(
        f"共 {len(audits)} 行，{found} 行有发现。", f"{len(audits)} rows, {found} with findings."
    )


def _tell_cells(error: RowsRefused, settings: Settings) -> None:
    for issue in error.issues[:SHOWN_ISSUES]:
        click.echo(issue.text(settings.lang), err=True)
    count = len(error.issues)
    settings.say(
        f"有 {count} 个单元格不可用（最多列出 {SHOWN_ISSUES} 个），未作核对。",
        f"{count} cells are unusable (at most {SHOWN_ISSUES} listed); nothing was audited.",
        err=True,
    )


def audit_text(audit: Audit, lang: str) -> str:
    """One figure as a block: title, formulas, identity, findings."""
    figure = audit.figure
    title = "  ".join(
        part for part in (figure.id, figure.scope, figure.year, figure.material) if part
    )
    if figure.published_rate is not None:
        word = "公布" if lang == "zh" else "published"
        title += f"  {word} {figure.published_rate:f} %"
    lines = [title, table_text(_HEADS[lang], _rows(audit, lang)), _identity(audit, lang)]
    lines += [f"· {finding.text(lang)}" for finding in audit.findings]
    return "\n".join(lines)


def _rows(audit: Audit, lang: str) -> list[list[str]]:
    from wasteflow.core.messages import render
    from wasteflow.core.messages_audit import FORMULA_NAMES

    places = max(2, audit.rate_decimals + 1)
    rows = []
    for name, rate in audit.rates.items():
        label = FORMULA_NAMES[name][0 if lang == "zh" else 1]
        if rate.value is None:
            missing = {"columns": ", ".join(rate.missing)}
            note = render(str(rate.not_computable), lang, missing)
        elif audit.figure.published_rate is None:
            note = ""
        else:
            note = _MATCHES[lang][audit.matches[name]]
        rows.append([name, label, *_percents(rate, places), note])
    return rows


def _percents(rate: RateInterval, places: int) -> list[str]:
    """Value, low and high in percent; the bounds rounded outwards, ∞ where there is none."""
    if rate.value is None:
        return ["", "", ""]
    scale = Fraction(100 * 10**places)
    ends = (
        "-∞" if rate.low is None else _fixed(floor(rate.low * scale), places),
        "∞" if rate.high is None else _fixed(ceil(rate.high * scale), places),
    )
    return [_fixed(round(rate.value * scale), places), *ends]


def _fixed(scaled: int, places: int) -> str:
    sign = "-" if scaled < 0 else ""
    return f"{sign}{abs(scaled) // 10**places}.{abs(scaled) % 10**places:0{places}d}"


def _identity(audit: Audit, lang: str) -> str:
    from wasteflow.core.audit_findings import amount_text

    zh, residual = lang == "zh", audit.residual
    if residual is None:
        return "平衡式：数量不全，无法检验" if zh else "identity: amounts missing, not testable"
    value, low, high = (amount_text(end) for end in (residual.value, residual.low, residual.high))
    closes = residual.low <= 0 <= residual.high
    if zh:
        return f"平衡式：残差 {value}（{low} 至 {high}），{'闭合' if closes else '不闭合'}"
    word = "closes" if closes else "does not close"
    return f"identity: residual {value} ({low} to {high}), {word}"
