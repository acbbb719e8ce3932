"""What a finding says to people: its wording with masses grouped by thousands; no rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from wasteflow.core.messages import render

MASSES: Final = frozenset(
    {"after", "before", "cap", "capacity", "closing_t", "quota", "residual_t", "tonnes", "usual"}
)
"""Parameters that are tonnes as decimal strings, some behind a sign of comparison."""
_WHOLE: Final = re.compile(r"\d+")


def finding_words(code: str, lang: str, params: Mapping[str, str]) -> str:
    """The message of the finding `code`; `params` as they are kept, masses in tonnes.

    >>> told = {"tonnes": "12000.500", "filing": "F1", "quota": "900.000"}
    >>> finding_words("over_quota", "en", told)
    '12,000.500 t went under the filing F1, above its quota of 900.000 t'
    """
    told = {name: grouped(value) if name in MASSES else value for name, value in params.items()}
    return render(f"finding_{code}", lang, told)


def grouped(tonnes: str) -> str:
    """Tonnes as a decimal string with thousands separators, all else as it is.

    >>> grouped("-1234567.001"), grouped("> 20000.000"), grouped("?")
    ('-1,234,567.001', '> 20,000.000', '?')
    """
    return _WHOLE.sub(lambda found: f"{int(found.group()):,}", tonnes, count=1)
