"""Outlines of parks: GeoJSON geometry in WGS 84, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from wasteflow.core.errors import NotFound
from wasteflow.services.outcome import DryRunEnds
from wasteflow_models.engine import Alone, Database
from wasteflow_models.registry import ParkRow
from wasteflow_models.rollup import touch_registry


def set_outlines(
    *, db: Database, outlines: Mapping[str, Mapping[str, Any]], dry_run: bool = False
) -> None:
    """Store outlines by park code; NotFound `unknown_code` for a park that is not registered."""
    try:
        with db.write(Alone.EVERYBODY) as session:
            parks = {row.code: row for row in session.scalars(select(ParkRow).order_by(ParkRow.id))}
            for code, geometry in outlines.items():
                if code not in parks:
                    raise NotFound("unknown_code", what="park", value=code)
                parks[code].boundary = json.dumps(geometry, sort_keys=True)
            session.flush()
            touch_registry(session)
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
