"""Typed errors and remarks of the product; each carries a code that `core.messages` words.

No text lives here: `code` and `params` do, so that one fault can be told in Chinese and English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec import field as attribute

from wasteflow.core.messages import render


class Remark(Struct, frozen=True):
    """A warning or finding that blocks nothing: `code` and the `params` its wording needs.

    `pointer` names the field it is about ("/dispatched_t"), where there is one.
    """

    code: str
    params: Mapping[str, str] = attribute(default_factory=dict)
    pointer: str = ""

    def text(self, lang: str = "zh") -> str:
        """The wording in `lang` ("zh" or "en")."""
        return render(self.code, lang, self.params)


class RowIssue(Struct, frozen=True):
    """Why one row of a file is refused: line in the file, field, the value as given, reason."""

    line: int
    field: str
    value: str
    code: str
    params: Mapping[str, str] = attribute(default_factory=dict)

    def text(self, lang: str = "zh") -> str:
        """One line that says where, what and what to do."""
        reason = render(self.code, lang, {"field": self.field, "value": self.value, **self.params})
        where = f"第 {self.line} 行" if lang == "zh" else f"line {self.line}"
        shown = self.value if len(self.value) <= 60 else self.value[:57] + "…"
        return f"{where}  {self.field}={shown!r}: {reason}"


class FieldIssue(Struct, frozen=True):
    """Why one field of a record given by hand is refused; `pointer` names it ("/received_t")."""

    pointer: str
    code: str
    params: Mapping[str, str] = attribute(default_factory=dict)

    def text(self, lang: str = "zh") -> str:
        """The reason in `lang`."""
        field = self.pointer.removeprefix("/")
        return render(self.code, lang, {"field": field, **self.params})


class WasteflowError(Exception):
    """Base of every error the product raises on purpose."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params: dict[str, str] = {key: str(value) for key, value in params.items()}
        super().__init__(render(code, "en", self.params))

    def text(self, lang: str = "zh") -> str:
        """The wording in `lang` ("zh" or "en")."""
        return render(self.code, lang, self.params)


class InvalidValue(WasteflowError):
    """One value does not follow the contract (4-contract 4.1)."""


class RuleBroken(WasteflowError):
    """The record is well formed but a rule of the ledger forbids it (4-contract 4.5)."""


class NotFound(WasteflowError):
    """What was named does not exist in the books."""


class UnusableFile(WasteflowError):
    """The file cannot be read at all (command exit 2)."""


class RowsRefused(WasteflowError):
    """Nothing was taken because rows are wrong (command exit 1); `issues` lists each."""

    def __init__(self, issues: Iterable[RowIssue]) -> None:
        self.issues = sorted(issues, key=lambda issue: (issue.line, issue.field))
        super().__init__("rows_refused", count=len({issue.line for issue in self.issues}))


class FieldsRefused(WasteflowError):
    """A record given by hand is not taken; `issues` names each field and its reason."""

    def __init__(self, issues: Iterable[FieldIssue]) -> None:
        self.issues = list(issues)
        super().__init__("fields_refused", count=len(self.issues))


class StaleVersion(WasteflowError):
    """The record was changed since the caller read it (compare-and-set on its version)."""

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__("stale_version", expected=expected, found=found)
