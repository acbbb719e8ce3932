"""Which registered object a file means: enterprises by code, credit code or exact name.

A former name (alias) is recognised and offered, never taken silently.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.registry import Facility, Registry


class _Index(NamedTuple):
    """Codes of firms by name and by former name."""

    by_name: dict[str, list[str]]
    by_alias: dict[str, list[str]]


_kept: OrderedDict[int, tuple[Registry, _Index]] = OrderedDict()
_lock = Lock()
KEPT = 4
"""Registry snapshots whose index is kept: a load recorded alone must not read every name."""


def _index_of(registry: Registry) -> _Index:
    with _lock:
        found = _kept.get(id(registry))
        if found is not None and found[0] is registry:
            return found[1]
    made = _made(registry)
    with _lock:
        _kept[id(registry)] = registry, made
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def _made(registry: Registry) -> _Index:
    index = _Index({}, {})
    for firm in registry.enterprises.values():
        for name in {firm.name_zh, firm.name_en, firm.uscc} - {""}:
            index.by_name.setdefault(name, []).append(firm.code)
        for alias in firm.aliases.split(";"):
            if name := alias.partition("@")[0].strip():
                index.by_alias.setdefault(name, []).append(firm.code)
    return index


class Names:
    """Look-up of the names of a registry snapshot."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._by_name, self._by_alias = _index_of(registry)
        self._known: dict[str, str] = {}

    def enterprise(self, text: str) -> str:
        """Code of the enterprise; NotFound `unknown_code`, InvalidValue `ambiguous_name`."""
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def _find(self, text: str) -> str:
        if text in self._registry.enterprises:
            return text
        found = self._by_name.get(text, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidValue("ambiguous_name", value=text, candidates=", ".join(found))
        former = self._by_alias.get(text, [])
        if former:
            raise InvalidValue("former_name", value=text, candidates=", ".join(sorted(former)))
        raise NotFound("unknown_code", what="enterprise", value=text)

    def facility(self, code: str, enterprise: str) -> Facility:
        """The facility `code` of `enterprise`; NotFound, or InvalidValue if it is another's."""
        facility = self._registry.facilities.get(code)
        if facility is None:
            raise NotFound("unknown_code", what="facility", value=code)
        if facility.enterprise != enterprise:
            raise InvalidValue("facility_not_of_enterprise", value=code, enterprise=enterprise)
        return facility


def known(table: Mapping[str, object], what: str, code: str) -> str:
    """`code` if the table has it; NotFound `unknown_code` otherwise."""
    if code not in table:
        raise NotFound("unknown_code", what=what, value=code)
    return code
