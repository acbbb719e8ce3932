"""Long lists of records as rows for a file: what somebody may see of loads, entries, the log of
accounts, and, by scope, events of loads and provenance; read page by page, never whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound
from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.core.reading import readable_firms
from wasteflow.exporting.flat import KIND_OF_TYPE, head_of, typed_cell
from wasteflow.exporting.sheets import TONNES, Head
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.fields import field_of
from wasteflow.services.account_log import log_report
from wasteflow.services.entry_objects import EntryFilter, list_entries
from wasteflow.services.event_rows import EVENT_COLUMNS, event_rows
from wasteflow.services.live.listing import MOST, LoadFilter, list_loads
from wasteflow.services.product_objects import ProductFilter, list_products
from wasteflow.services.provenance import DOWNSTREAM, trace_report
from wasteflow.services.reports import overview

OWN: Final[Mapping[str, str]] = {
    "own_loads": "shipment.read",
    "own_entries": "entry.read",
    "own_products": "entry.read",
    "account_log": "audit.read",
}
"""Lists as one user sees them (their rows hang on who asks, not on a scope), and the right that a
token needs for each.
"""
Table = tuple[list[Head], Iterator[list[Any]]]
_LOADS: Final = (
    "doc_no", "state", "consignor", "consignee", "material", "route", "mode", "vehicle",
    "dispatched_at", "dispatched_t", "received_at", "received_t", "accepted_t", "refused_t",
    "ticket_no", "reason", "evidence", "remark",
)  # fmt: skip
_ENTRIES: Final = (
    "doc_no", "state", "enterprise", "facility", "kind", "material", "route", "date", "tonnes",
    "moisture_pct", "basis", "weighed", "year_generated", "generator", "from_use", "handler",
    "reason", "remark", "evidence", "booked_month",
)  # fmt: skip
_PRODUCTS: Final = (
    "enterprise", "product", "date", "tonnes", "p2o5_pct", "state", "reason", "recorded_at",
)  # fmt: skip
_LOG: Final = (
    "id", "at", "actor", "action", "about", "organisation", "address", "token_id", "sign_in_id",
    "detail",
)  # fmt: skip
_MORE_LABELS: Final[Mapping[str, str]] = {
    "state": "状态", "evidence": "证据等级", "booked_month": "入账月份", "id": "序号", "at": "时间",
    "recorded_at": "录入时间",
    "actor": "操作人", "action": "操作", "about": "对象", "organisation": "单位",
    "address": "来源地址", "token_id": "令牌", "sign_in_id": "登录", "detail": "详情",
}  # fmt: skip


def own_table(
    *, db: Any, kind: str, actor: Actor, wanted: Mapping[str, str], lang: str, synthetic: bool
) -> Table:
    """A list of OWN as its user sees it; `wanted`: filter by the words of its page.

    Codes and periods of the filter are right already.  Raises Denied.
    """
    names: tuple[str, ...]
    if kind == "own_loads":
        names, types, rows = _LOADS, _types("shipments"), _loads(db, actor, wanted)
    elif kind == "own_entries":
        names, types, rows = _ENTRIES, _types("entries"), _entries(db, actor, wanted)
    elif kind == "own_products":
        names, types = _PRODUCTS, {**_types("products"), "recorded_at": "moment"}
        rows = _products(db, actor, wanted)
    else:
        names, types, rows = _LOG, {}, _log(db, actor, wanted)
    of = {"own_loads": "shipments", "own_entries": "entries", "own_products": "products"}.get(
        kind, ""
    )
    labels = {item.name: item.label_zh for item in columns_of(of)} if of else {}
    heads = []
    for name in names:
        sort = KIND_OF_TYPE.get(types.get(name, ""), "text")
        title = {**labels, **_MORE_LABELS}.get(name, name) if lang == "zh" else name
        heads.append(Head(title, sort, total=sort == TONNES))
    mark = "true" if synthetic else "false"
    cells = (
        [*(typed_cell(_text(row.get(name)), types.get(name, "text")) for name in names), mark]
        for row in rows
    )
    return [*heads, Head("synthetic")], cells


def _types(kind: str) -> dict[str, str]:
    return {item.name: item.type for item in columns_of(kind)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="seconds")
    return str(value)


def _loads(db: Any, actor: Actor, wanted: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    period = wanted.get("period", "")
    asked = LoadFilter(
        state=wanted.get("state", ""),
        party=wanted.get("party", ""),
        period=Period.parse(period) if period else None,
        doc_no=wanted.get("doc_no", ""),
        material=wanted.get("material", ""),
        sort=wanted.get("sort", ""),
    )
    cursor = ""
    while True:
        found = list_loads(db=db, actor=actor, wanted=asked, limit=MOST, cursor=cursor)
        yield from found["items"]
        if not found["next"]:
            return
        cursor = found["next"]


def _entries(db: Any, actor: Actor, wanted: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    firms = readable_firms(actor, "entry.read", overview(db=db).registry)
    firm = wanted.get("enterprise", "")
    if firm:
        firms = frozenset({firm}) if firms is None else firms & {firm}
    period = wanted.get("period", "")
    span = Period.parse(period) if period else None
    asked = EntryFilter(firms, wanted.get("kind", ""), wanted.get("material", ""), span)
    after = 0
    while True:
        found = list_entries(db=db, wanted=asked, after=after, newest=True, limit=MOST)
        for item in found:
            more = {
                "state": item.state,
                "evidence": item.evidence,
                "booked_month": item.booked_month,
            }
            yield {**item.values, **more}
        if len(found) < MOST:
            return
        after = found[-1].key


def _products(db: Any, actor: Actor, wanted: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    period = wanted.get("period", "")
    span = Period.parse(period) if period else None
    firms = readable_firms(actor, "entry.read", overview(db=db).registry)
    asked = ProductFilter(firms, wanted.get("product", ""), span)
    fields = {item.name: field_of(item) for item in columns_of("products")}
    after = 0
    while True:
        found = list_products(db=db, wanted=asked, after=after, newest=True, limit=MOST)
        for item in found:
            more = {
                "state": "reversed" if item.reversed_ else "in_force",
                "reason": item.reason,
                "recorded_at": item.recorded_at,
            }
            held = {name: value for name, value in item.values.items() if value is not None}
            yield {**{name: fields[name].to_text(value) for name, value in held.items()}, **more}
        if len(found) < MOST:
            return
        after = found[-1].row


def _log(db: Any, actor: Actor, wanted: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    before = 0
    while True:
        found = log_report(
            db=db, actor=actor, search=wanted.get("q", ""), before=before, limit=MOST
        )
        yield from found["rows"]
        before = found["next"]
        if not before:
            return


def events_table(*, db: Any, scope: str, period: Period | None, material: str) -> Table:
    """Every event of the loads of a scope that were dispatched in a period."""
    types = {"at": "moment", "recorded_at": "moment"}
    rows = event_rows(db=db, scope=scope, period=period, material=material)
    mark = "true" if overview(db=db).synthetic else "false"
    heads = [Head(name, "moment") if name in types else head_of(name) for name in EVENT_COLUMNS]
    cells = (
        [*(typed_cell(_text(row[name]), types.get(name, "text")) for name in EVENT_COLUMNS), mark]
        for row in rows
    )
    return [*heads, Head("synthetic")], cells


_TRACE: Final = (
    "of", "material", "origin", "generator", "year_generated", "place", "enterprise", "what",
    "route", "tonnes", "share", "rule", "synthetic",
)  # fmt: skip


def provenance_table(*, db: Any, scope: str, period: Period, material: str) -> Table:
    """What became of the waste of every firm of a scope, material by material (mixing rule)."""
    registry = overview(db=db).registry
    firms = sorted(registry.in_scope(scope))
    if not firms and scope != "all":
        raise NotFound("unknown_code", value=scope)
    materials = [material] if material else sorted(registry.materials)

    def rows() -> Iterator[list[Any]]:
        for code in materials:
            for firm in firms:
                asked: dict[str, Any] = {"enterprise": firm, "material": code, "period": period}
                report = trace_report(db=db, **asked, direction=DOWNSTREAM)
                mark = "true" if report["synthetic"] else "false"
                more = {"of": firm, "material": code, "rule": "mixing", "synthetic": mark}
                for row in report["rows"]:
                    yield [{**row, **more}[name] for name in _TRACE]

    return [head_of(name) for name in _TRACE], rows()
