"""Commands of scenarios: `scenario projects | list | run | save | compare | delete`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    csv_of,
    json_text,
    now,
    open_database,
    table_text,
    told,
)

_FORMAT = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table"
)
_FIGURES = (
    "rate",
    "generated_t",
    "utilised_t",
    "stored_t",
    "stock_t",
    "moved_t",
    "taken_t",
    "unplaced_t",
    "short_t",
    "cost",
    "co2_t",
)


@click.group()
def scenario() -> None:
    """情景 · What if: saved scenarios run over a copy of the books."""


@scenario.command("projects")
@click.pass_obj
@told
def projects(settings: Settings) -> None:
    """现成项目 · The projects of the source documents as blocks.

    Example: wasteflow scenario projects
    """
    from wasteflow.core.scenarios.projects import PROJECTS
    from wasteflow.core.units import tonnes_text

    rows = [
        [
            item.code,
            item.name_zh if settings.lang == "zh" else item.name_en,
            item.material,
            tonnes_text(item.capacity_kg),
            item.source,
        ]
        for item in PROJECTS
    ]
    click.echo(table_text(["code", "name", "material", "t/a", "source"], rows))


@scenario.command("list")
@_FORMAT
@click.pass_obj
@told
def list_(settings: Settings, shape: str) -> None:
    """列出 · Saved scenarios.

    Example: wasteflow scenario list
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.scenarios import list_scenarios

    items = list_scenarios(db=open_database(settings), actor=commander()).items
    rows = [
        {
            "id": item.uid,
            "name": item.draft.name,
            "scope": item.draft.scope,
            "base": item.draft.base,
            "years": item.draft.years,
            "blocks": len(item.draft.blocks),
            "version": item.version,
        }
        for item in items
    ]
    heads = ["id", "name", "scope", "base", "years", "blocks", "version"]
    if shape == "json":
        click.echo(json_text({"rows": rows}))
    elif shape == "csv":
        click.echo(csv_of(heads, rows), nl=False)
    else:
        click.echo(table_text(heads, [[str(row[name]) for name in heads] for row in rows]))


@scenario.command("run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_FORMAT
@click.pass_obj
@told
def run_(settings: Settings, file: Path, shape: str) -> None:
    """试算 · Run a scenario out of a JSON file, without saving it.

    FILE holds {"scope", "name", "base", "material", "years", "fill", "blocks": […]} as the API
    takes it.

    Example: wasteflow scenario run plan.json
    """
    from wasteflow.services.scenario_runs import run_draft

    found = run_draft(db=open_database(settings), draft=_draft(file))
    _tell(settings, [found], shape)


@scenario.command("save")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
@told
def save(settings: Settings, file: Path) -> None:
    """保存 · Save a scenario out of a JSON file; its id is printed.

    Example: wasteflow scenario save plan.json
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.scenarios import create_scenario

    item = create_scenario(
        db=open_database(settings),
        draft=_draft(file),
        actor=commander(),
        now=now(),
        address="command",
    )
    click.echo(item.uid)


@scenario.command("compare")
@click.argument("ids", nargs=-1, required=True)
@_FORMAT
@click.pass_obj
@told
def compare(settings: Settings, ids: tuple[str, ...], shape: str) -> None:
    """比较 · Up to four saved scenarios side by side.

    Example: wasteflow scenario compare 01a2… 01a3…
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.scenario_runs import compare_drafts
    from wasteflow.services.scenarios import get_scenario

    database = open_database(settings)
    items = [get_scenario(db=database, uid=uid, actor=commander()) for uid in ids]
    results = compare_drafts(db=database, drafts=[item.draft for item in items])
    _tell(settings, results, shape, [item.draft.name for item in items])


@scenario.command("delete")
@click.argument("uid", metavar="ID")
@click.pass_obj
@told
def delete(settings: Settings, uid: str) -> None:
    """删除 · Delete a saved scenario.

    Example: wasteflow scenario delete 01a2…
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.scenarios import delete_scenario

    delete_scenario(
        db=open_database(settings),
        uid=uid,
        version="",
        actor=commander(),
        now=now(),
        address="command",
    )
    settings.say("已删除", "deleted")


def _draft(file: Path) -> Any:
    """The draft in a file; UnusableFile `bad_scenario_file`."""
    from wasteflow.core.errors import UnusableFile
    from wasteflow.services.scenarios import FIELDS, Draft

    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        named = {name: given[name] for name in FIELDS if name in given}
        known = isinstance(given, dict) and not set(given) - set(FIELDS)
        if not known or not isinstance(named.get("blocks", []), list):
            raise ValueError(", ".join(sorted(set(given) - set(FIELDS))) or "blocks")
        for name, value in named.items():
            if not isinstance(value, {"years": int, "fill": bool, "blocks": list}.get(name, str)):
                raise ValueError(name)
        if not all(isinstance(block, dict) for block in named.get("blocks", [])):
            raise ValueError("blocks")
        return Draft(**{"scope": "all", "name": file.stem, **named})
    except (ValueError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise UnusableFile("bad_scenario_file", reason=str(error)[:200]) from error


def _tell(
    settings: Settings, results: list[dict[str, Any]], shape: str, names: list[str] | None = None
) -> None:
    if shape == "json":
        click.echo(json_text(results[0] if names is None else {"scenarios": results}))
        return
    for number, found in enumerate(results):
        for issue in found.get("refused", ()):
            words = f"{issue['pointer']}: {issue[settings.lang]}"
            settings.say(f"第 {number + 1} 个不能推算：{words}", f"{number + 1} refused: {words}")
    run = [found for found in results if "refused" not in found]
    columns = {"today": run[0]["today"]} if run else {}
    for number, found in enumerate(results):
        if "refused" in found:
            continue
        head = f"{number + 1} {names[number]}" if names else "scenario"
        columns[head] = found["years"][-1]
    rows = [
        {"figure": name, **{head: year[name] for head, year in columns.items()}}
        for name in ("period", *_FIGURES)
    ]
    heads = ["figure", *columns]
    if shape == "csv":
        click.echo(csv_of(heads, rows), nl=False)
        return
    cells = [["-" if row[head] is None else str(row[head]) for head in heads] for row in rows]
    click.echo(table_text(heads, cells))
