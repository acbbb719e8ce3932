"""Every code is worded in both languages, and rendering never fails; no rule is tested here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import wasteflow
from wasteflow.core.errors import RowIssue, RowsRefused, UnusableFile
from wasteflow.core.messages import CHINESE_WORDS, MESSAGES, render
from wasteflow.core.messages_access import ACCESS_MESSAGES
from wasteflow.core.messages_alerts import ALERT_MESSAGES
from wasteflow.core.messages_api import API_MESSAGES
from wasteflow.core.messages_audit import AUDIT_MESSAGES
from wasteflow.core.messages_closes import CLOSE_MESSAGES
from wasteflow.core.messages_corrections import CORRECTION_MESSAGES
from wasteflow.core.messages_disk import DISK_MESSAGES
from wasteflow.core.messages_files import FILE_MESSAGES
from wasteflow.core.messages_findings import FINDING_MESSAGES
from wasteflow.core.messages_geo import GEO_MESSAGES
from wasteflow.core.messages_jobs import JOB_MESSAGES, UPLOAD_MESSAGES
from wasteflow.core.messages_lists import LIST_MESSAGES
from wasteflow.core.messages_moves import MOVE_MESSAGES
from wasteflow.core.messages_offers import OFFER_MESSAGES
from wasteflow.core.messages_office import OFFICE_MESSAGES
from wasteflow.core.messages_rules import RULE_MESSAGES
from wasteflow.core.messages_scenarios import SCENARIO_MESSAGES
from wasteflow.core.messages_seals import SEAL_MESSAGES
from wasteflow.core.messages_symbiosis import SYMBIOSIS_MESSAGES
from wasteflow.core.messages_targets import TARGET_MESSAGES
from wasteflow.core.vocabulary import LABELS

PACKAGE = Path(wasteflow.__file__).parent
PARAMETER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
CALLS = frozenset(
    ["InvalidValue", "RuleBroken", "NotFound", "UnusableFile", "WasteflowError", "Remark", "Fault"]
)


def test_no_code_is_worded_twice() -> None:
    parts = (
        DISK_MESSAGES,
        FILE_MESSAGES,
        RULE_MESSAGES,
        FINDING_MESSAGES,
        AUDIT_MESSAGES,
        TARGET_MESSAGES,
        ACCESS_MESSAGES,
        API_MESSAGES,
        CLOSE_MESSAGES,
        CORRECTION_MESSAGES,
        MOVE_MESSAGES,
        OFFER_MESSAGES,
        SYMBIOSIS_MESSAGES,
        LIST_MESSAGES,
        SCENARIO_MESSAGES,
        SEAL_MESSAGES,
        ALERT_MESSAGES,
        JOB_MESSAGES,
        GEO_MESSAGES,
        UPLOAD_MESSAGES,
        OFFICE_MESSAGES,
    )
    assert len(MESSAGES) == sum(len(part) for part in parts)


def test_both_languages_say_the_same_thing() -> None:
    for code, (chinese, english) in MESSAGES.items():
        assert re.search("[\u4e00-\u9fff]{3}", chinese), code
        assert re.search("[a-z]{3}", english), code
        assert not re.search("[\u4e00-\u9fff]", english.replace("2026年1月2日", "")), code
        assert set(PARAMETER.findall(chinese)) == set(PARAMETER.findall(english)), code
        for words in (chinese, english):
            assert words.count("[[") == words.count("]]"), code


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_rendering_leaves_no_placeholder(lang: str) -> None:
    for code, (chinese, _) in MESSAGES.items():
        names = PARAMETER.findall(chinese)
        full = render(code, lang, {name: f"<{name}>" for name in names})
        assert all(f"<{name}>" in full for name in names), code
        bare = render(code, lang, {})
        assert "[[" not in full + bare, code
        assert not PARAMETER.search(bare), code


def test_a_missing_parameter_shows_a_question_mark_and_an_optional_part_goes() -> None:
    assert "“?”" in render("not_a_number", "en", {})
    assert "今天" not in render("future_date", "zh", {})
    assert "今天是 2026-07-01" in render("future_date", "zh", {"today": "2026-07-01"})


def test_unknown_codes_are_shown_as_they_are() -> None:
    assert render("no_such_code", "zh", {}) == "no_such_code"


def test_words_in_parameters_are_told_in_the_language() -> None:
    params = {"what": "enterprise", "value": "ent.x"}
    assert "没有企业“ent.x”" in render("unknown_code", "zh", params)
    assert "no enterprise “ent.x”" in render("unknown_code", "en", params)


def test_the_chinese_words_are_those_of_the_vocabulary() -> None:
    assert LABELS["state"].items() <= CHINESE_WORDS["state"].items()
    assert CHINESE_WORDS["needed"].items() <= LABELS["fate"].items()


def test_the_reason_of_a_rate_carries_its_month() -> None:
    assert "2024-01" in render("ledger_starts_2024-01", "zh", {})
    assert "2024-01" in render("ledger_starts_2024-01", "en", {})


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_no_parameter_breaks_rendering(code: str, params: dict[str, str]) -> None:
    params["value"] = "{value} [[x]] {"
    for lang in ("zh", "en"):
        assert render(code, lang, params)


def test_a_row_issue_says_where_what_and_what_to_do() -> None:
    issue = RowIssue(7, "tonnes", "-3", "negative_tonnes")
    assert issue.text("zh").startswith("第 7 行  tonnes='-3': ")
    assert "from_yard" in issue.text("zh") and "from_yard" in issue.text("en")
    rows = [replace(issue, line=line, field=name) for line in range(12) for name in ("day", "kg")]
    assert "12 rows" in RowsRefused(rows).text("en")  # not as many as there are reasons
    assert "CSV UTF-8" in UnusableFile("looks_like_zip", file="a.csv").text("zh")


def test_every_code_raised_in_the_package_is_worded() -> None:
    unworded = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and code.value not in MESSAGES:
                    unworded.append(f"{path.name}:{node.lineno} {code.value!r}")
    assert unworded == []
