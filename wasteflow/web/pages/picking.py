"""Firms and facilities picked from a list by code or name: what a form offers, what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wasteflow.core.registry import Registry
from wasteflow.web.texts import name_of

Choice = tuple[str, str]
"""Code and name."""


def code_of(table: Mapping[str, Any], typed: str) -> str:
    """The code of what was named by its code or its only name; else what was typed."""
    if not typed or typed in table:
        return typed
    fitting = [code for code, item in table.items() if typed in _names(item)]
    return fitting[0] if len(fitting) == 1 else typed


def firms_to_pick(registry: Registry, first: Iterable[str] = ()) -> list[Choice]:
    """Firms to pick from, those of `first` before the others."""
    ahead = [code for code in first if code in registry.enterprises]
    others = (code for code in registry.enterprises if code not in set(ahead))
    return [(code, name_of(registry.enterprises[code])) for code in (*ahead, *others)]


def _names(item: Any) -> tuple[str, ...]:
    if hasattr(item, "name_zh"):
        return item.name_zh, item.name_en
    return (item.name,)
