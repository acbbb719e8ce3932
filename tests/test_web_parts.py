"""Parts of the pages without a request: texts, months, targets, Sankey, tables, settings."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wasteflow.web
from wasteflow.config import SETTINGS, database_url, load_config
from wasteflow.core.periods import Period
from wasteflow.core.registry import Enterprise, Park, Region, Registry, Target
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LABELS
from wasteflow.services.reports import Overview
from wasteflow.web import identity, texts
from wasteflow.web.formats import kg_of
from wasteflow.web.pages import months, targets
from wasteflow.web.pages.loads_one import steps, story
from wasteflow.web.pages.loads_words import STEPS
from wasteflow.web.pages.rates import TERMS, Rate, RateRow, rate_of
from wasteflow.web.pages.view import default_period

WEB = Path(wasteflow.web.__file__).parent


# --- texts --------------------------------------------------------------------------------------


def used_keys() -> set[str]:
    """Every key that stands whole in a template or a module."""
    found: set[str] = set()
    for path in sorted([*WEB.rglob("*.html"), *WEB.rglob("*.py")]):
        content = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""\b(?:t|text)\(\s*["']([a-z_0-9.,]+)["']\s*[,)]""", content))
        found |= set(re.findall(r"""["'](col\.[a-z]+|filter\.[a-z_]+|nav\.[a-z]+)["']""", content))
    return found


def test_no_key_is_missing_and_both_languages_are_there() -> None:
    known = texts.catalogue()
    assert used_keys() <= set(known), sorted(used_keys() - set(known))
    assert len(used_keys()) > 100
    for key, (zh, en) in known.items():
        assert zh.strip() and en.strip(), key
        assert sorted(re.findall(r"\{\w+\}", zh)) == sorted(re.findall(r"\{\w+\}", en)), key
        assert not re.search(r"[\u4e00-\u9fff]", en) or key == "switch.to_lang", key


def test_keys_made_of_words_exist_for_every_word() -> None:
    known = texts.catalogue()
    for head, words in {
        "metric": LABELS["metric"],
        "binding": LABELS["binding"],
        "evidence": LABELS["evidence"],
        "level_of": ("enterprise", "park", "region"),
        "none": ("park", "region", "enterprise", "material"),
        "col": ("park", "enterprise", "region", "material", "month", "quarter", "year"),
        "formula": ("official", "simple"),
        "level": ("alert", "warn", "info"),
    }.items():
        for word in words:
            assert f"{head}.{word}" in known
    for code in (
        "negative_stock",
        "unbalanced",
        "stocktake_stale",
        "disputed",
        "in_transit",
    ):
        for part in ("title", "count", "next"):
            assert f"notice.{code}.{part}" in known


def test_official_terms_are_those_of_the_vocabulary() -> None:
    for word, zh in {**LABELS["metric"], **LABELS["evidence"], **LABELS["binding"]}.items():
        key = next(f"{h}.{word}" for h in ("metric", "evidence", "binding") if word in LABELS[h])
        if word != "consumption_balance":
            assert texts.catalogue()[key][0] == zh


def test_texts_are_json_without_a_key_twice() -> None:
    for path in sorted((WEB / "translations").glob("*.json")):
        pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys))


# --- settings -----------------------------------------------------------------------------------


def test_settings_have_a_row_each_and_defaults_are_neutral(tmp_path: Path) -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.zh and setting.en for setting in SETTINGS)
    config = load_config({"WASTEFLOW_INSTANCE": str(tmp_path)})
    assert config.database_url == f"sqlite:///{(tmp_path / 'wasteflow.sqlite3').as_posix()}"
    assert config.lang == "zh" and config.basemap is None
    assert load_config({"WASTEFLOW_LANG": "fr"}).lang == "zh"
    assert database_url({"WASTEFLOW_DATABASE_URL": "sqlite://"}) == "sqlite://"
    basemap = load_config({"WASTEFLOW_BASEMAP_URL": "https://x.org/{z}", "WASTEFLOW_LANG": "en"})
    assert basemap.basemap is not None and basemap.basemap.as_dict()["url"] == "https://x.org/{z}"


# --- periods and months ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (202411, 202610, "2026-01..2026-10"),
        (202411, 202612, "2026"),
        (202401, 202602, "2025"),
        (202601, 202602, "2026-01..2026-02"),
        (202608, 202610, "2026-08..2026-10"),
        (201912, 201912, "2019"),
    ],
)
def test_the_default_is_year_to_date_or_the_last_full_year(
    monkeypatch: pytest.MonkeyPatch, first: int, last: int, expected: str
) -> None:
    monkeypatch.setattr(identity, "now", lambda: datetime(2027, 1, 15, tzinfo=UTC))
    assert _default(first, last) == Period.parse(expected).text


def test_the_running_month_waits_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "now", lambda: datetime(2026, 6, 30, 15, 59, tzinfo=UTC))
    assert _default(202401, 202606) == "2026-01..2026-05"
    assert _default(202606, 202606) == "2026-06", "there is no other"
    monkeypatch.setattr(identity, "now", lambda: datetime(2026, 6, 30, 16, 0, tzinfo=UTC))
    assert _default(202401, 202606) == "2026H1", "July has begun in Shanghai"


def _default(first: int, last: int) -> str:
    period = default_period(Overview(Registry(), first, last, False))
    assert period is not None
    return period.text


def test_empty_books_have_no_default_period() -> None:
    assert default_period(Overview(Registry(), None, None, False)) is None


def row(keys: dict[str, str], generated: int, used: int | None) -> RateRow:
    rate = Rate("official", None, None)
    return RateRow(keys, rate, rate, {}, generated, used, 0, 0, 0, (), ())


def test_columns_stand_on_each_other_and_the_scale_holds_them() -> None:
    rows = [
        row({"month": "2026-01", "enterprise": "a", "material": "phosphogypsum"}, 600, 200),
        row({"month": "2026-01", "enterprise": "b", "material": "red_mud"}, 200, None),
        row({"month": "2026-03", "enterprise": "a", "material": "phosphogypsum"}, 100, 300),
    ]
    quarter = Period.parse("2026Q1")
    chart = months.draw(rows, quarter, Period.parse("2026-03"), "month", "zh")
    assert [column.label for column in chart.columns] == ["1月", "2月", "3月"]
    assert [column.inside for column in chart.columns] == [False, False, True]
    assert chart.columns[0].generated_kg == 800 and chart.columns[0].used_kg == 200
    blocks = chart.columns[0].generated
    assert blocks[0].y == pytest.approx(blocks[1].y + blocks[1].height, abs=0.01)
    assert blocks[0].height == pytest.approx(3 * blocks[1].height, abs=0.01)
    assert min(block.y for column in chart.columns for block in column.generated) >= months.TOP
    assert chart.open_materials == ("red_mud",)


@given(st.integers(min_value=0, max_value=10**13))
def test_an_axis_has_round_steps_and_is_never_twice_too_high(largest: int) -> None:
    top = months.scale_top(largest)
    assert top >= largest and (largest < 8 or top <= 2.5 * largest)
    assert top % months.PARTS == 0


def test_long_periods_are_cut_into_quarters_and_years() -> None:
    rows = [row({"quarter": "2025Q1", "enterprise": "a", "material": "red_mud"}, 5, 1)]
    two_years = Period.parse("2025-01..2026-12")
    chart = months.draw(rows, two_years, two_years, "quarter", "en")
    assert len(chart.columns) == 8 and chart.columns[0].label == "25Q1"
    assert chart.columns[0].generated_kg == 5
    part = Period.parse("2024-11..2026-10")
    labels = [column.label for column in months.draw([], part, part, "quarter", "en").columns]
    assert labels[0] == "24/11–12" and labels[-1] == "26/10"


def test_beyond_the_largest_materials_the_rest_is_one() -> None:
    rows = [
        row({"month": "2026-01", "material": f"m{number}"}, 10 * number, number)
        for number in range(1, 10)
    ]
    month = Period.parse("2026-01")
    chart = months.draw(rows, month, month, "month", "zh")
    assert [code for code, _ in chart.materials] == [*(f"m{n}" for n in range(4, 10)), ""]
    assert chart.columns[0].generated_kg == sum(block.kg for block in chart.columns[0].generated)
    assert chart.columns[0].generated_kg == 450 and chart.columns[0].used_kg == 45


# --- rates and targets ----------------------------------------------------------------------------


def report(why: str | None, **tonnes: str) -> dict[str, Any]:
    return {"not_computable": why, **{f"{word}_t": tonnes.get(word, "0.000") for word in TERMS}}


def test_other_formulas_follow_from_the_terms_of_the_row() -> None:
    given_ = report(None, generated="200.000", utilised="50.000", utilised_prior="10.000")
    assert rate_of(given_, "simple").value == 0.25
    assert rate_of(given_, "new_waste").value == 0.2
    assert rate_of(given_, "official").value == pytest.approx(50 / 210)
    assert rate_of(report(None, utilised="5.000"), "simple").why == "nothing_generated"
    for why in ("product", "ledger_starts_2026-03"):
        assert rate_of(report(why, generated="200.000"), "simple") == Rate("simple", None, why)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_tonnes_come_back_to_the_kilogram(kg: int) -> None:
    assert kg_of(tonnes_text(kg)) == kg


REGISTRY = Registry(
    regions={"53": Region("53", "省", "Province"), "5301": Region("5301", "市", "City", "53")},
    parks={"p": Park("p", "园", "Park", "", "5301"), "q": Park("q", "子园", "Sub", "p", "")},
    enterprises={"e": Enterprise("e", "企业", "Firm", park="q")},
    targets={
        code: Target(code, scope, materials, metric, ">=", value, "fraction", year)
        for code, scope, materials, metric, value, year in (
            ("a", "all", ("x",), "official", "0.65", 2026),
            ("b", "region:53", ("x",), "official", "0.66", 2025),
            ("c", "all", ("x",), "new_waste", "0.60", 2025),
            ("d", "park:p", ("x",), "official", "0.90", 2030),
            ("old", "all", ("x",), "official", "0.10", 2010),
        )
    },
    materials={"x": SimpleNamespace(code="x", is_waste=True)},  # type: ignore[dict-item]
)


def test_targets_hold_for_a_scope_from_all_around_it() -> None:
    assert targets.covering(REGISTRY, "all") == ["all"]
    assert targets.covering(REGISTRY, "region:5301") == ["region:5301", "region:53", "all"]
    around = ["park:q", "park:p", "region:5301", "region:53", "all"]
    assert targets.covering(REGISTRY, "park:q") == around
    assert targets.covering(REGISTRY, "enterprise:e") == ["enterprise:e", *around]


def test_metrics_never_share_a_scale_and_labels_keep_apart() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def rate_of(metric: str, materials: tuple[str, ...]) -> Rate:
        asked.append((metric, materials))
        return Rate(metric, 0.5, None)

    found = targets.scales(REGISTRY, "park:q", "", 2026, rate_of)
    assert [scale.metric for scale in found] == ["official", "new_waste"]
    assert all(len({target.metric for target in scale.targets}) == 1 for scale in found)
    ticks = found[0].ticks
    assert [tick.target.code for tick in ticks] == ["a", "b", "d"], "a plan of 2010 is not drawn"
    assert [tick.row for tick in ticks] == [0, 1, 2]
    assert [scale.actual.formula for scale in found] == ["official", "new_waste"]
    assert sorted(asked) == [("new_waste", ("x",)), ("official", ("x",))]


def test_targets_elsewhere_are_listed_apart() -> None:
    assert [t.code for t in targets.regional(REGISTRY, "all", "")] == ["d", "b"]


def test_the_line_of_steps_has_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load of a file was neither drafted nor issued, one decided on the road not received."""
    monkeypatch.setattr("wasteflow.web.pages.loads_one.text", str)
    load = {"state": "accepted", "reversed": False, "created_at": "2026-11-01T08:00:00+08:00"}
    at = {"at": "2026-10-01T08:00:00+08:00", "by": None}
    story = [{"event": name, **at} for name in ("dispatched", "decided")]
    assert [(step.key, step.status) for step in steps(load, story)] == [
        ("in_transit", "done"),
        ("decided", "done"),
    ]
    assert [step.key for step in steps({**load, "state": "draft"}, [])] == list(STEPS)


def test_the_story_of_a_corrected_load_is_in_order_of_time() -> None:
    """A correction carries the moment of what it corrects; it happened when it was recorded."""
    moments = {
        "dispatched": ("2026-10-01T08:00:00+08:00", "2026-10-03T09:00:00+08:00"),
        "received": ("2026-10-02T01:00:00+00:00", "2026-10-02T01:00:00+00:00"),
        "revision_proposed": ("2026-10-04T08:00:00+08:00", "2026-10-04T08:00:00+08:00"),
        "revised": ("2026-10-01T08:30:00+08:00", "2026-10-05T08:00:00+08:00"),
        "receipt_revised": ("2026-10-02T09:00:00+08:00", "2026-10-05T08:00:00+08:00"),
    }
    recorded = ("received", "dispatched", "revision_proposed", "revised", "receipt_revised")
    events = [
        {"event": name, "at": moments[name][0], "recorded_at": moments[name][1]}
        for name in recorded
    ]
    told = story(events)
    assert [event["event"] for event in told] == [
        "receipt_revised", "revised", "revision_proposed", "received", "dispatched",
    ]  # fmt: skip
    assert [event["when"][:10] for event in told] == [
        "2026-10-05", "2026-10-05", "2026-10-04", "2026-10-02", "2026-10-01",
    ]  # fmt: skip
