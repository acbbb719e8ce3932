"""No text stands in a template, a script or a page module: all come out of the two catalogues."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
WEB: Final = ROOT / "wasteflow" / "web"
MAPS: Final = ROOT / "maps" / "wasteflow_maps"
CHINESE: Final = re.compile("[\u4e00-\u9fff]")
SAME: Final = frozenset(
    {
        *("-", "–", "E", "≤", "…", "/", "t", "km", "KB", "MB", "CO₂", "CNY/t", "wasteflow"),
        *("Excel", "PNG", "SVG", "GeoJSON", ".xlsx", "openapi.json", "CGCS2000"),
        *("UTF-8", "BOM", "GB18030", "GBK", "--role", "system_admin"),
        *("required", "page-map", "slip-page"),
    }
)
"""Names, units and formats: the same in both languages."""
COMMANDS: Final = re.compile(r"wasteflow (demo|seed|import|db|user)\b[^<]*")
EXAMPLES: Final = frozenset({"id,year,generated,utilised,published_rate", "road / * / "})
"""What is typed into a file or a field: the words of the contract."""
OFFICIAL: Final = frozenset({"ledger_forms.html"})
"""A form the ministry prescribes, in Chinese as it must be filed."""
UNITS: Final = re.compile("[ 0-9亿万吨元年月第季度上下半—]*")
PAIRS: Final = frozenset({"problems.py", "auditor.py"})
"""Both languages beside each other; an example of a file."""


def of_template(source: str) -> Iterator[str]:
    """Words of a template that no catalogue gave."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    for expression in re.findall(r"\{[{%].*?[}%]\}", source, flags=re.DOTALL):
        for word in re.findall(r"'([^']*)'", expression):
            if CHINESE.search(word) and not UNITS.fullmatch(word) and word != "中文":
                yield word
    source = re.sub(r"\{\{.*?\}\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%.*?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
    shown = r'\b(?:aria-label|title|placeholder|alt|data-failed)="([^"]*)"'
    yield from (w for w in re.findall(shown, source) if _said(w) and w not in EXAMPLES)
    for part in re.sub(r"<(?:\"[^\"]*\"|[^>\"])*>", "\0", source).split("\0"):
        text = COMMANDS.sub(" ", re.sub(r"&[a-z#0-9]+;", " ", part)).strip()
        text = re.sub(r'[a-z-]+="[^"]*"', " ", text).strip()  # attributes of a tag that jinja cut
        words = set(re.sub("[^A-Za-z0-9\u4e00-\u9fff./_-]", " ", text).split())
        if _said(text) and not words <= SAME:
            yield text


def _said(text: str) -> bool:
    return bool(re.search("[A-Za-z]{2}", text) or CHINESE.search(text))


def of_script(source: str) -> Iterator[str]:
    """Words of a script: Chinese, or a sentence."""
    source = re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
    for word in re.findall(r'"((?:[^"\\\n]|\\.)*)"', source):
        if CHINESE.search(word) and not UNITS.fullmatch(word):
            yield word
        if re.match(r"[A-Z][a-z]+ [a-z]+|[a-z]+ [a-z]+ [a-z]+ [a-z]+$", word):
            yield word


def of_module(source: str) -> Iterator[str]:
    """Chinese in the literals of a module; its docstrings may."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in docs else ""
        if isinstance(text, str) and CHINESE.search(text) and not UNITS.fullmatch(text):
            yield text


def test_what_is_hard_coded_would_be_seen() -> None:
    """A test that finds nothing proves something only if it would find something."""
    assert list(of_template("<p>Total of all</p>{# 中文 #}{{ t('x.y') }}")) == ["Total of all"]
    assert list(of_template('<a title="合计" aria-label="{{ t(1) }}">{{ "x" }}</a>')) == ["合计"]
    assert list(of_template("{{ '共计' if zh else '' }} · Excel")) == ["共计"]
    assert list(of_script('a.textContent = "Nothing found here";\n// 中文\nb = "无";')) == [
        "Nothing found here", "无",
    ]  # fmt: skip
    assert list(of_module('"""中文"""\nx = "无记录"\ny = f"{1}万吨"')) == ["无记录"]


TEMPLATES: Final = [*sorted((WEB / "templates").glob("*.html")), MAPS / "static" / "page.html"]
SCRIPTS: Final = [*sorted((WEB / "static").glob("*.js")), *sorted((MAPS / "static").glob("*.js"))]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (TEMPLATES, of_template),
        (SCRIPTS, of_script),
        (sorted(WEB.rglob("*.py")), of_module),
    ],
    ids=["templates", "scripts", "pages"],
)
def test_every_text_comes_from_a_catalogue(files: list[Path], words: object) -> None:
    assert callable(words)
    found = [
        f"{path.name}: {word[:80]}"
        for path in files
        if path.name not in OFFICIAL | PAIRS
        for word in words(path.read_text(encoding="utf-8"))
    ]
    assert len(files) > 10 and found == []
