"""Scenarios as one table for XLSX and CSV, and what an asker may see of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from wasteflow.core.messages import render
from wasteflow.exporting.sheets import NUMBER, Head, Sheet
from wasteflow.services.scenario_runs import METHOD, Eyes
from wasteflow.services.scenarios import Scenario
from wasteflow.web.access import books_seen
from wasteflow.web.identity import reach
from wasteflow.web.texts import lang, text

Pair = tuple[Scenario, Mapping[str, Any]]
FIGURES: Final = (
    ("rate", "%"),
    ("generated_t", "t"),
    ("utilised_t", "t"),
    ("stored_t", "t"),
    ("disposed_t", "t"),
    ("stock_t", "t"),
    ("moved_t", "t"),
    ("taken_t", "t"),
    ("unplaced_t", "t"),
    ("short_t", "t"),
    ("cost", "CNY"),
    ("co2_t", "t"),
)
"""Figures of a year in the order they are told, with their unit."""

NOT_PRICED: Final = {"cost": "cost_unknown", "co2_t": "co2_unknown"}
"""Why a figure of money or CO2 is missing."""


def eyes() -> Eyes:
    """What the asker may see of a result."""
    own = reach()
    if own.everything:
        return Eyes()
    registry = books_seen().registry
    return Eyes(lambda scope: own.holds(registry, scope), own.firms)


def scenario_sheet(pairs: Sequence[Pair]) -> Sheet:
    """Every figure, target, changed link and unserved tonne of scenarios, a row each.

    The second sheet holds method, blocks and the synthetic mark.
    """
    columns = ("part", "name", "period", "subject", "to", "material", "what", "value", "unit")
    heads = [
        Head(text(f"scenario.file.{name}"), NUMBER if name == "value" else "text")
        for name in (*columns, "note")
    ]
    rows: list[Sequence[Any]] = []
    for item, found in pairs:
        told = _refused(found) if "refused" in found else _rows(found)
        rows += [[row[0], item.draft.name, *row[1:]] for row in told]
    notes = [(text("export.what"), text("nav.scenarios"))]
    for item, _ in pairs:
        notes.append((item.draft.name, f"{item.draft.scope} {item.draft.base} v{item.version}"))
        notes += [("", json.dumps(block, ensure_ascii=False)) for block in item.draft.blocks]
    notes += list(METHOD.items())
    if any(found.get("synthetic") for _, found in pairs):
        notes.append((text("synthetic.mark"), text("synthetic.words")))
    return Sheet("scenarios", heads, rows, notes, text("export.total"))


def _refused(found: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Why a scenario could not be run, a row for each fault."""
    for row in found["refused"]:
        part = text("scenario.file.refused")
        yield [part, "", row["pointer"], "", "", "", None, "", row[lang()]]


def _rows(found: Mapping[str, Any]) -> Iterator[list[Any]]:
    """(part, period, subject, to, material, what, value, unit, note) of a result."""
    for kind, years in (("today", [found["today"]]), ("year", found["years"])):
        for year in years:
            for name, unit in FIGURES:
                value = year[name]
                if value is not None and name == "rate":
                    value = round(value * 100, 7)
                why = year["not_computable"] if name == "rate" else NOT_PRICED.get(name)
                note = "" if value is not None else _reason(why)
                what = text(f"scenario.figure.{name}")
                yield [
                    text(f"scenario.file.{kind}"), year["period"], "", "", "", what, value, unit,
                    note,
                ]  # fmt: skip
    period = found["years"][-1]["period"]
    for row in found["targets"]:
        unit = "t" if isinstance(row["then"] or row["today"], str) else "1"
        for name in ("today", "then", "goal"):
            yield [
                text("scenario.file.target"), period, row["code"], row["scope"],
                ";".join(row["materials"]), text(f"scenario.target.{name}"), row[name], unit,
                row["source"],
            ]  # fmt: skip
    for row in found["flows"]:
        yield [
            text("scenario.file.link"), period, row["from"], row["to"] or "", row["material"],
            text(f"scenario.what.{row['what']}"), row["change_t"], "t", row["route"],
        ]  # fmt: skip
    for row in found["unserved"]:
        yield [
            text("scenario.file.unserved"), period, row["enterprise"], "", row["material"],
            text(f"scenario.what.{row['what']}"), row["tonnes"], "t", _reason(row["reason"]),
        ]  # fmt: skip


def _reason(code: str | None) -> str:
    return render(code, lang(), {}) if code else ""


def names_of(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Codes of the targets of several results, each once, in order."""
    return list(dict.fromkeys(row["code"] for found in results for row in found["targets"]))
