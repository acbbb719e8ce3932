"""A server that starts: templates are compiled once, addresses are built as before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for

from wasteflow.web import starting


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled templates go."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    return tmp_path / "kept"


def app_of(folder: Path) -> Flask:
    """An application with the template `page.html` of a folder."""
    app = Flask("kept", template_folder=str(folder))
    starting.install(app)
    app.add_url_rule("/f/<int:number>", "firm", lambda number: str(number))
    app.add_url_rule("/<path:rest>", "rest", lambda rest: rest)
    return app


def shown(folder: Path) -> str:
    app = app_of(folder)
    with app.test_request_context():
        return app.jinja_env.get_template("page.html").render(word="<a>")


def files(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file())


def test_a_template_is_compiled_once_and_again_when_it_changed(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("one {{ word }}")
    assert shown(tmp_path) == "one &lt;a&gt;"
    (stored,) = files(kept)
    with monkeypatch.context() as patch:
        patch.setattr("jinja2.environment.Environment._generate", no_compiling)
        assert shown(tmp_path) == "one &lt;a&gt;"
    page.write_text("two {{ word }}")
    assert shown(tmp_path) == "two &lt;a&gt;"
    for damage in (b"", b"j2", stored.read_bytes()[:-7], b"something else"):
        stored.write_bytes(damage)
        assert shown(tmp_path) == "two &lt;a&gt;"
    assert files(kept) == [stored]


def no_compiling(*_: Any, **__: Any) -> str:
    raise AssertionError("compiled again")


def test_nothing_is_kept_where_python_keeps_nothing(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told not to write, or cannot."""
    (tmp_path / "page.html").write_text("one {{ word }}")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert shown(tmp_path) == "one &lt;a&gt;"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept.write_text("a file where a folder should be")
    assert shown(tmp_path) == "one &lt;a&gt;"
    assert files(tmp_path / "kept") == []


def test_addresses_are_built_when_asked_for(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    with app.test_request_context():
        for _ in range(2):
            assert url_for("firm", number=7) == "/f/7"
            assert url_for("firm", number=7, lang="en", q="磷石膏") == (
                "/f/7?lang=en&q=%E7%A3%B7%E7%9F%B3%E8%86%8F"
            )
            assert url_for("rest", rest="a/b") == "/a/b"
    assert app.test_client().get("/f/8").text == "8"
