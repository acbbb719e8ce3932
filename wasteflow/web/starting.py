"""What makes a server answer sooner after its start: templates kept compiled, addresses made late.

Compiling the templates of the first page took a third of it, and preparing the building of every
address, most of which nobody builds, most of making the application.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, Final

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

TEMPLATES: Final = Path(__file__).with_name("templates")
OPTIONS: Final = {"trim_blocks": True, "lstrip_blocks": True}


class LateRule(Rule):
    """A rule of addresses that is made ready for building one when the first is built."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        make = super()._compile_builder
        name = "_build_unknown" if append_unknown else "_build"

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            made: Callable[..., tuple[str, str]] = make(append_unknown).__get__(rule, None)
            setattr(rule, name, made)
            return made(**values)

        return build


class KeptTemplates(BytecodeCache):
    """Compiled templates, kept where and when Python keeps compiled modules: in `__pycache__`.

    A template that changed is compiled anew; so are all with another Jinja or other options.
    """

    def __init__(self) -> None:
        self._form = ""

    def path_of(self, bucket: Bucket) -> Path:
        """The file of a template."""
        if not self._form:
            self._form = _form_of(bucket.environment.filters)
        return Path(cache_from_source(str(TEMPLATES / f"{bucket.key}-{self._form}.py")))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a template; whatever is not it is passed over."""
        try:
            with self.path_of(bucket).open("rb") as file:
                bucket.load_bytecode(file)
        except (OSError, EOFError, ValueError, TypeError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a template, whole or not at all; not where Python may not write."""
        if sys.dont_write_bytecode:
            return
        path = self.path_of(bucket)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(bucket.bytecode_to_string())
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()


def _form_of(filters: Mapping[str, Any]) -> str:
    """What compiled templates depend on but their source; filters may have been applied already."""
    told = sha256(f"{version('jinja2')} {sorted(OPTIONS.items())}".encode())
    for name in sorted(filters):
        code = getattr(filters[name], "__code__", None)
        told.update(name.encode() + (code.co_code if code else b""))
    return told.hexdigest()[:8]


def install(app: Flask) -> None:
    """Use both for `app`, before it has rules or templates."""
    app.url_rule_class = LateRule
    app.jinja_options = {**app.jinja_options, **OPTIONS, "bytecode_cache": KeptTemplates()}
