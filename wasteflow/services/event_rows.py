"""Events of loads as plain rows, load by load: what happened to each, when, what was weighed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from wasteflow.core.periods import Period, month_text
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence
from wasteflow_models import scan
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

EVENT_COLUMNS: Final = (
    "doc_no", "consignor", "consignee", "material", "route", "kind", "seq", "event", "at",
    "recorded_at", "booked_month", "weight_t", "dry_t", "accepted_t", "refused_t", "moisture_pct",
    "basis", "weighed", "evidence", "reason", "reversed", "batch",
)  # fmt: skip


def event_rows(
    *, db: Database, scope: str = "all", period: Period | None = None, material: str = ""
) -> Iterator[dict[str, Any]]:
    """Every event of loads with a party in `scope`, of those dispatched in `period`, one by one.

    Loads that are not on their way yet are left out where a period is asked for.
    """
    with db.read() as session:
        keys = load_keys(session)
        codes, wanted = keys.codes, keys.registry.in_scope(scope)
        for header, events in scan.loads(session):
            parties = (
                codes["enterprise"][header.consignor_id],
                codes["enterprise"][header.consignee_id],
            )
            what = codes["material"][header.material_id]
            month = header.dispatched_month
            if period is not None and not (month and period.first <= month <= period.last):
                continue
            if not wanted.intersection(parties) or (material and what != material):
                continue
            common = {
                "doc_no": header.doc_no,
                "consignor": parties[0],
                "consignee": parties[1],
                "material": what,
                "route": codes["route"][header.route_id],
                "kind": header.kind,
                "reversed": bool(header.reversed),
            }
            for event in events:
                yield common | _event(event)


def _event(event: Any) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "event": str(event.kind),
        "at": event.at,
        "recorded_at": event.recorded_at,
        "booked_month": month_text(event.booked_month),
        "weight_t": tonnes_text(event.kg),
        "dry_t": None if event.dry_kg is None else tonnes_text(event.dry_kg),
        "accepted_t": tonnes_text(event.accepted_kg),
        "refused_t": tonnes_text(event.refused_kg),
        "moisture_pct": None if event.moisture is None else f"{event.moisture / 1000:g}",
        "basis": event.basis,
        "weighed": event.weighed,
        "evidence": Evidence(event.evidence).word,
        "reason": event.reason,
        "batch": event.batch_id,
    }
