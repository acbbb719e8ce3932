"""The documents against the code: commands and options exist, codes are told, tables are true."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from wasteflow.cli import main
from wasteflow.config import SETTINGS
from wasteflow.core.formulas import FORMULAS
from wasteflow.core.messages_findings import FINDING_MESSAGES
from wasteflow.core.messages_targets import TARGET_MESSAGES
from wasteflow.core.targets import AT_RISK, BEHIND, MET, ON_COURSE
from wasteflow.core.vocabulary import LABELS, EntryKind
from wasteflow.schemas.dictionary import DICTIONARY, Column
from wasteflow.services.rating import BASES

ROOT = Path(__file__).parents[1]
GUIDES = ("docs/guide.zh.md", "docs/guide.en.md")
READMES = ("README.md", "README.zh.md")
PAGES = (
    *READMES,
    *GUIDES,
    "docs/permissions.md",
    "docs/api.md",
    "docs/worked-example.md",
    "docs/api.md",
    "docs/DECISIONS.md",
    "CHANGELOG.md",
)
FORMATS = ROOT / "docs" / "formats.md"
WRITE = "WASTEFLOW_WRITE_DOCS"
GLOBAL_OPTIONS = ("--lang", "--database")


def text_of(document: str) -> str:
    """A document of the repository as text."""
    return (ROOT / document).read_text(encoding="utf-8")


# --- commands --------------------------------------------------------------------------------


def shell_lines(text: str) -> Iterator[str]:
    """Command lines of the ```sh blocks, continued lines joined."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` (after `wasteflow`) name, and the words left."""
    while words and words[0] in GLOBAL_OPTIONS:
        words = words[2:]
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"no command wasteflow {words[0]}"
        command, words = found, words[1:]
    return command, words


def options_of(command: click.Command) -> set[str]:
    """Every option of a command as it is written."""
    named = {text for item in command.params for text in (*item.opts, *item.secondary_opts)}
    return named | {"--help", "--lang", "--database", "--version"}


@pytest.mark.parametrize("document", [*READMES, *GUIDES, "docs/worked-example.md"])
def test_every_command_of_a_shell_block_can_be_called(document: str) -> None:
    seen = 0
    for line in shell_lines(text_of(document)):
        words = shlex.split(line, comments=True)
        if words[0] != "wasteflow":
            continue
        command, rest = find_command(words[1:])
        assert not isinstance(command, click.Group), line
        if "--help" not in rest:
            command.make_context(command.name, list(rest)).close()
        seen += 1
    assert seen > 3


@pytest.mark.parametrize("document", PAGES)
def test_every_option_named_beside_a_command_exists(document: str) -> None:
    for quoted in re.findall(r"`(wasteflow [^`\n]+)`", text_of(document)):
        words = re.sub(r"[\[\]]", " ", quoted).split()[1:]
        command, _ = find_command(words)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", quoted):
            assert option in options_of(command), quoted


def test_every_command_has_its_line_in_readmes_and_guides() -> None:
    names = main.list_commands(click.Context(main))
    for page in (*READMES, *GUIDES):
        text = text_of(page)
        assert [name for name in names if f"wasteflow {name}" not in text] == [], page


@pytest.mark.parametrize("document", [*PAGES, "CONTRIBUTING.md"])
def test_every_run_command_exists(document: str) -> None:
    known = set(re.findall(r"^\./run (\w+)", text_of("run"), re.M))
    assert set(re.findall(r"\./run (\w+)", text_of(document))) <= known


def test_every_entry_kind_and_setting_is_in_both_guides() -> None:
    for page in GUIDES:
        text = text_of(page)
        for kind in EntryKind:
            assert f"`{kind}`" in text, (page, kind)
        for setting in SETTINGS:
            assert f"`{setting.name}`" in text, (page, setting.name)


PSEUDO: Final = ("unexplained", "weighing", "stocktake", "recirculated", "unknown", "outside")
"""Origins that credit nobody (`core.tracing.flows.source_name`)."""
SAFE: Final = (
    "db", "seed", "import", "check", "balance", "rates", "flows", "trace", "gap", "loops",
    "targets", "quota", "crosscheck", "audit-figures",
)  # fmt: skip


def walk(text: str) -> Iterator[tuple[list[str], str]]:
    """(words of a command, what the page prints under its block or "") of a guide, in order."""
    for block, shown in re.findall(
        r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.S | re.M
    ):
        lines = [shlex.split(line) for line in shell_lines(f"```sh\n{block}```")]
        for words in lines:
            yield words, shown if words is lines[-1] else ""


def _squeezed(text: str) -> set[str]:
    return {" ".join(line.split()) for line in text.splitlines() if line.strip("- ")}


@pytest.mark.parametrize("document", GUIDES)
def test_what_the_guide_prints_is_what_the_commands_print(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    url = f"sqlite:///{(tmp_path / 'guide.sqlite3').as_posix()}"
    lang = ["--lang", "en" if document.endswith(".en.md") else "zh"]
    compared = 0
    for words, shown in walk(text_of(document)):
        command = [word for word in words[1:] if word not in ("--lang", "en")]
        files = [word for word in command if word.endswith((".csv", ".geojson"))]
        if words[0] != "wasteflow" or command[0] not in SAFE or "--out" in command:
            continue
        if not all(word.startswith("docs/example/") for word in files):
            continue
        done = CliRunner().invoke(main, ["--database", url, *lang, *command])
        assert done.exit_code == 0, (command, done.output)
        if shown:
            assert _squeezed(shown) <= _squeezed(done.output), command
            compared += 1
    assert compared >= 9


# --- codes -----------------------------------------------------------------------------------


def used_codes() -> set[str]:
    """Warnings, findings, reasons and faults that some code of ours raises today.

    A wording nobody uses yet is internal: the guides must not promise it.
    """
    packages = [ROOT / "wasteflow", ROOT / "maps" / "wasteflow_maps", ROOT / "models"]
    files = [path for package in packages for path in sorted(package.rglob("*.py"))]
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in files if not path.name.startswith("messages")
    )
    quoted = set(re.findall(r"""["']([a-z_]+)["']""", text))
    if "ledger_starts_{" in text:
        quoted.add("ledger_starts")
    return quoted & {*FINDING_MESSAGES, *TARGET_MESSAGES}


def fault_codes() -> set[str]:
    """Codes of the faults of `check`."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "wasteflow/services").glob("*.py")
    )
    return set(re.findall(r"""Fault\(\s*["']([a-z_]+)["']""", text))


UNTOLD: Final = {
    "internal_error", "rounded", "one_sided_load", "prior_stock_untraced", "attribution_untraced",
}  # fmt: skip
"""Used inside the program, never as a code a user of the commands meets: rates are traced."""


@pytest.mark.parametrize("document", GUIDES)
def test_every_finding_warning_and_fault_is_explained(document: str) -> None:
    told = set(re.findall(r"^\| `([a-z_]+)` \|", text_of(document), re.M))
    assert len(fault_codes()) > 5
    assert (used_codes() | fault_codes()) - UNTOLD - told == set()


@pytest.mark.parametrize("document", GUIDES)
def test_every_formula_basis_status_and_pseudo_origin_is_explained(document: str) -> None:
    text = text_of(document)
    table = set(re.findall(r"^\| `([a-z_]+)`", text, re.M))
    words = {*FORMULAS, *BASES, MET, ON_COURSE, AT_RISK, BEHIND, *TARGET_MESSAGES}
    assert words - table == set()
    for name in PSEUDO:
        assert f"`{name}@`" in text, name
    assert "](audit.md)" in text


# --- links and formats -----------------------------------------------------------------------


@pytest.mark.parametrize("document", [*PAGES, "CONTRIBUTING.md", "docs/formats.md"])
def test_relative_links_resolve(document: str) -> None:
    text = re.sub(r"```.*?```", "", text_of(document), flags=re.S)
    for goal in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", goal):
            continue
        path, _, anchor = goal.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), goal
        if anchor and target == FORMATS:
            assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), goal


def test_the_format_tables_equal_the_dictionary() -> None:
    prose, first, _ = FORMATS.read_text(encoding="utf-8").partition("\n## `")
    assert first and prose.startswith("# ")
    if os.environ.get(WRITE) == "1":
        FORMATS.write_text(prose + formats_tables(), encoding="utf-8", newline="\n")
    written = FORMATS.read_text(encoding="utf-8")
    advice = f"write the tables again: {WRITE}=1 ./run test tests/test_docs.py -n 0"
    assert written.removeprefix(prose) == formats_tables(), advice


def test_the_two_readmes_show_the_same_commands() -> None:
    english, chinese = (
        [line.partition("#")[0].strip() for line in shell_lines(text_of(page))] for page in READMES
    )
    assert [line.split("--reason")[0] for line in english] == [
        line.split("--reason")[0] for line in chinese
    ]


TITLES: Final = {
    "regions": ("行政区", "regions"),
    "parks": ("园区", "parks"),
    "enterprises": ("企业", "enterprises"),
    "facilities": ("设施", "facilities"),
    "materials": ("物料", "materials"),
    "routes": ("去向", "routes"),
    "targets": ("目标", "policy targets"),
    "filings": ("跨省备案", "cross-province filings"),
    "coefficients": ("系数", "coefficients"),
    "products": ("产品产量", "product output"),
    "park_inputs": ("园区指标数据", "inputs of park indicators"),
    "profiles": ("固废信息（附表1）", "profiles of wastes (form 1)"),
    "entries": ("台账记录", "entries of one firm"),
    "shipments": ("运单", "loads between two firms"),
}
TYPES: Final = {
    "aliases": ("名称列表", "names"),
    "code": ("代码", "code"),
    "count": ("正整数", "count"),
    "day": ("日期", "date"),
    "decimal": ("小数", "decimal"),
    "doc": ("单号", "number"),
    "lat": ("纬度", "latitude"),
    "lon": ("经度", "longitude"),
    "moisture": ("百分数，≤3 位小数", "percent, ≤ 3 decimals"),
    "moment": ("时间", "time"),
    "name": ("名称", "name"),
    "party": ("企业", "enterprise"),
    "percent": ("百分数，≤3 位小数", "percent, ≤ 3 decimals"),
    "precision": ("千米", "km"),
    "ref": ("代码", "code"),
    "refs": ("代码列表", "codes"),
    "scope": ("范围", "scope"),
    "text": ("文字", "text"),
    "tonnes": ("吨，≤3 位小数", "t, ≤ 3 decimals"),
    "uscc": ("18 位", "18 characters"),
    "waste_code": ("11 个字符", "11 characters"),
    "year": ("年份", "year"),
    "yes_no": ("是/否", "yes/no"),
}
WORDS: Final = """
## 可选词 · Words

文件里可写英文词或中文词。Files take the word or its Chinese label.

| 词表 list | 词 words |
| --- | --- |
"""


def formats_tables() -> str:
    """The tables of the page as Markdown, LF; the prose above them is written by hand."""
    parts = []
    for kind, columns in DICTIONARY.items():
        zh, en = TITLES[kind]
        parts.append(f"\n## `{kind}` {zh} · {en}\n\n")
        parts.append("| 列 column | 中文列名 | | 内容 content | 空白 blank | 说明 what it is |\n")
        parts.append("| --- | --- | --- | --- | --- | --- |\n")
        parts.extend(_row(column) for column in columns)
    used = {column.vocabulary for columns in DICTIONARY.values() for column in columns}
    parts.append(WORDS)
    for name in sorted({*used, "reason"} - {""}):
        words = "，".join(f"`{word}` {label}" for word, label in LABELS[name].items())
        parts.append(f'| <a id="{name}"></a>`{name}` | {words} |\n')
    return "".join(parts)


def _row(column: Column) -> str:
    zh, en = TYPES.get(column.type, ("", ""))
    content = f"{zh} {en}"
    if column.vocabulary:
        content = f"[`{column.vocabulary}`](#{column.vocabulary})"
    elif column.name == "reason" and "盘点" in column.description_zh:
        content = "[`reason`](#reason)"
    mark = "●" if column.required else ""
    blank = f"`{column.default}`" if column.default else ""
    texts = [f"`{column.name}`", column.label_zh, mark, content, blank]
    texts.append(f"{column.description_zh} · {column.description_en}")
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |\n"
