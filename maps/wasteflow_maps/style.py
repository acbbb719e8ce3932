"""Colours, classes and number formats of the map: one colour per material everywhere; no data.

Texts of the page stand in static/texts.json as [Chinese, English].
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

MATERIAL_COLOURS: Final = {
    "phosphogypsum": "#2f7ebc",
    "steel_slag": "#5d6773",
    "red_mud": "#b5452c",
    "petroleum_coke": "#6b4aa0",
}
OTHER_COLOURS: Final = (
    "#117733",
    "#aa4499",
    "#997700",
    "#00757f",
    "#882255",
    "#5a7d00",
    "#3b5b9d",
    "#a0522d",
)
"""After Tol's muted palette, darkened to 4.5:1 on the paper of the map."""

OTHER_COLOUR: Final = "#7a7062"
"""Of many materials together: a warm grey that is no material's."""

RATE_COLOURS: Final = ("#e3f2e8", "#b9e0c8", "#83c8a2", "#44a57b", "#17734f")
"""Park fill by utilisation rate, one class per 20 percentage points; lightest = lowest."""

EVIDENCE_ORDER: Final = ("disputed", "estimated", "imported", "one_sided", "both")

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_TEXTS: Final = Path(__file__).resolve().parent / "static" / "texts.json"


def colour_of(code: str, given: str | None = None) -> str:
    """Colour `#rrggbb` of a material: fixed, else `given` if it is a colour, else by its code.

    >>> colour_of("red_mud", "#000000"), colour_of("x", "red;}") == colour_of("x")
    ('#b5452c', True)
    """
    if code in MATERIAL_COLOURS:
        return MATERIAL_COLOURS[code]
    if given and _HEX.fullmatch(given):
        return given.lower()
    return OTHER_COLOURS[sha256(code.encode()).digest()[0] % len(OTHER_COLOURS)]


def distinct_colours(materials: Sequence[tuple[str, str]]) -> list[str]:
    """Colours of (code, colour) pairs; of two equal ones the later takes the next free colour.

    Only materials without a fixed colour can clash, the hash of their codes picks from few.

    >>> distinct_colours([("a", "#117733"), ("b", "#117733"), ("red_mud", "#b5452c")])
    ['#117733', '#aa4499', '#b5452c']
    """
    taken = {colour for code, colour in materials if code in MATERIAL_COLOURS}
    found = []
    for code, colour in materials:
        if code not in MATERIAL_COLOURS and colour in taken:
            colour = next((one for one in OTHER_COLOURS if one not in taken), colour)
        taken.add(colour)
        found.append(colour)
    return found


def rate_class(value: float | Decimal | None) -> int | None:
    """Index into RATE_COLOURS of a rate (fraction), None where not computable; above 1 is the top.

    >>> [rate_class(value) for value in (0, 0.2, 0.599, 1, 1.4, None)]
    [0, 1, 2, 4, 4, None]
    """
    if value is None:
        return None
    top = len(RATE_COLOURS) - 1
    return max(0, min(top, int(Decimal(str(value)) * len(RATE_COLOURS))))


def rate_text(value: float | Decimal | None) -> str:
    """A rate as a percentage with one decimal.

    >>> rate_text(0.7868), rate_text(None)
    ('78.7 %', '–')
    """
    return "–" if value is None else f"{Decimal(str(value)) * 100:.1f} %"


def mass_text(kg: int, lang: str) -> str:
    """Mass for people: 万吨 from ten thousand tonnes on in Chinese, tonnes otherwise.

    >>> mass_text(123_456_789, "zh"), mass_text(123_456_789, "en"), mass_text(31_480, "en")
    ('12.35 万吨', '123,457 t', '31.48 t')
    """
    tonnes = Decimal(kg) / 1000
    if lang == "zh" and abs(tonnes) >= 10_000:
        return f"{tonnes / 10_000:,.2f} 万吨"
    unit = "吨" if lang == "zh" else "t"
    if abs(tonnes) >= 10_000:
        return f"{tonnes:,.0f} {unit}"
    if abs(tonnes) >= 100:
        return f"{tonnes:,.1f} {unit}"
    whole, _, places = f"{tonnes:,.3f}".partition(".")
    places = places.rstrip("0")
    return f"{whole}.{places} {unit}" if places else f"{whole} {unit}"


def material_css(colours: Iterable[str]) -> str:
    """Rules giving `.wf-m0`, `.wf-m1` … and `.wf-r0` … their colour as the property `--c`."""
    rules = [f".wf-m{index}{{--c:{colour}}}" for index, colour in enumerate(colours)]
    rules += [f".wf-r{index}{{--c:{colour}}}" for index, colour in enumerate(RATE_COLOURS)]
    return "".join(rules)


@cache
def _all_texts() -> Mapping[str, Sequence[str]]:
    content: Mapping[str, Sequence[str]] = json.loads(_TEXTS.read_text(encoding="utf-8"))
    return content


@cache
def texts(lang: str) -> Mapping[str, str]:
    """Every text of the page in `lang` ("zh" or "en") by its key."""
    column = 1 if lang == "en" else 0
    return {key: pair[column] for key, pair in sorted(_all_texts().items())}


def reason_text(code: str | None, lang: str) -> str:
    """Why a rate is not computable, in words; an unknown code is shown as it is.

    >>> reason_text("ledger_starts_2024-03", "en")
    'the ledger starts in 2024-03, after the period begins'
    """
    words = texts(lang)
    if not code:
        return words["reason_none"]
    if code.startswith("ledger_starts_"):
        return words["reason_ledger_starts"].replace("{month}", code.removeprefix("ledger_starts_"))
    return words.get(f"reason_{code}", code)


def name_of(item: Mapping[str, Any], lang: str) -> str:
    """The name of a registry object in `lang`, falling back to the other name and the code."""
    first, second = ("name_en", "name_zh") if lang == "en" else ("name_zh", "name_en")
    return str(item.get(first) or item.get(second) or item.get("code") or item.get("id") or "")
