"""Outlines of parks: the newest in the registry, every version with source, date, licence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.services.outcome import DryRunEnds
from wasteflow_models.engine import Alone, Database
from wasteflow_models.outlines import OutlineRow
from wasteflow_models.registry import ParkRow
from wasteflow_models.rollup import touch_registry


class NewOutline(Struct, frozen=True):
    """An outline to be kept: GeoJSON geometry in degrees CGCS2000 / WGS 84, area in m2.

    expected: `digest` of the outline the change rests on, None if that does not matter.
    """

    park: str
    geometry: Mapping[str, Any]
    area_m2: float
    system: str
    notes: Sequence[str] = ()
    expected: str | None = None


class Origin(Struct, frozen=True):
    """Where outlines come from and who puts them in; the same for all of one file."""

    source: str = ""
    licence: str = ""
    dated: date | None = None
    filename: str = ""
    sha256: str = ""
    login: str = ""


class OutlineVersion(Struct, frozen=True):
    """A version as it is told."""

    park: str
    number: int
    area_m2: float
    system: str
    source: str
    licence: str
    dated: date | None
    filename: str
    notes: tuple[str, ...]
    login: str
    at: datetime
    geometry: str


def digest(boundary: str) -> str:
    """What an outline is known by; of none too.

    >>> digest("") != digest("{}"), len(digest(""))
    (True, 20)
    """
    return sha256(boundary.encode()).hexdigest()[:20]


def set_outlines(
    *,
    db: Database,
    outlines: Sequence[NewOutline],
    origin: Origin,
    now: datetime,
    dry_run: bool = False,
) -> list[str]:
    """Keep new versions, all or nothing; the codes of the parks whose outline became another.

    An outline that is the one already there makes no version.  Raises NotFound `unknown_code`,
    WasteflowError `geo_stale` if another outline came since `expected`.
    """
    changed: list[str] = []
    try:
        with db.write(Alone.EVERYBODY) as session:
            parks = {row.code: row for row in session.scalars(select(ParkRow).order_by(ParkRow.id))}
            for outline in outlines:
                if outline.park not in parks:
                    raise NotFound("unknown_code", what="park", value=outline.park)
                if _keep(session, parks[outline.park], outline, origin, now):
                    changed.append(outline.park)
            session.flush()
            touch_registry(session)
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    return changed


def _keep(
    session: Session, park: ParkRow, outline: NewOutline, origin: Origin, now: datetime
) -> bool:
    if outline.expected is not None and outline.expected != digest(park.boundary):
        raise WasteflowError("geo_stale", park=park.code)
    text = json.dumps(outline.geometry, sort_keys=True)
    if text == park.boundary:
        return False
    query = select(func.coalesce(func.max(OutlineRow.number), 0))
    last = session.scalars(query.where(OutlineRow.park_id == park.id)).one()
    park.boundary = text
    session.add(
        OutlineRow(
            park_id=park.id,
            number=last + 1,
            geometry=text,
            area_m2=outline.area_m2,
            system=outline.system,
            source=origin.source,
            licence=origin.licence,
            dated=origin.dated,
            filename=origin.filename[:500],
            sha256=origin.sha256,
            notes=";".join(outline.notes),
            login=origin.login,
            at=now,
        )
    )
    return True


def outline_versions(*, db: Database, park: str = "") -> list[OutlineVersion]:
    """Versions of a park (of all), by park, the newest first."""
    query = select(ParkRow.code, OutlineRow).join(OutlineRow, OutlineRow.park_id == ParkRow.id)
    if park:
        query = query.where(ParkRow.code == park)
    with db.read() as session:
        rows = session.execute(query.order_by(ParkRow.code, OutlineRow.number.desc())).all()
        return [
            OutlineVersion(
                park=code,
                number=row.number,
                area_m2=row.area_m2,
                system=row.system,
                source=row.source,
                licence=row.licence,
                dated=row.dated,
                filename=row.filename,
                notes=tuple(row.notes.split(";")) if row.notes else (),
                login=row.login,
                at=row.at,
                geometry=row.geometry,
            )
            for code, row in rows
        ]
