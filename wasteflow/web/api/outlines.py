"""Outlines of parks: read one with its versions, hand in a file of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from wasteflow.core.errors import InvalidValue, NotFound, UnusableFile, WasteflowError
from wasteflow.outline_files import keep_outlines, read_outline_file, told
from wasteflow.services.outlines import digest, outline_versions
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, versioned
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import need, registry, who
from wasteflow.web.api.words import OpenShape
from wasteflow.web.outlines_in import RIGHT, day_of, outlines_in, parks_of, wanted_of

blueprint = ApiBlueprint("outlines", "Outlines of parks, from and as geodata", "/parks")
_TEXTS = ("crs", "layer", "column", "park", "source", "licence", "dated", "dry_run")
_UPLOAD: dict[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file", "source"],
            "additionalProperties": False,
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "crs": {
                    "type": "string",
                    "description": "WGS84 CGCS2000 GCJ-02 BD-09 or EPSG:4491 … EPSG:4554; "
                    "needed where the file does not say",
                },
                "layer": {"type": "string", "description": "Layer of the file"},
                "column": {"type": "string", "description": "Column of park codes or names"},
                "park": {"type": "string", "description": "The one park of every feature"},
                "source": {"type": "string", "description": "Where the outlines are from"},
                "licence": {"type": "string"},
                "dated": {"type": "string", "format": "date"},
                "dry_run": {"type": "string", "enum": ["true", "false"]},
            },
        }
    }
}


class OutlineReport(OpenShape):
    """What a file gave, or the outline of a park with its versions."""


@blueprint.endpoint("POST", "/outlines", RIGHT, returns=OutlineReport, content=_UPLOAD)
def add() -> Response:
    """Take outlines from a Shapefile (zip), KML/KMZ, GeoPackage or GeoJSON, all or nothing."""
    actor = who()
    parks_of(actor)
    form = _form()
    file = request.files.get("file")
    if file is None:
        raise refused([Pointed("/file", "attachment_file_missing")])
    try:
        read = read_outline_file(file.stream.read(), file.filename or "outlines")
        found = outlines_in(read, wanted_of(form), actor)
        changed = keep_outlines(
            db=books().db,
            file=read,
            found=found,
            now=datetime.now(UTC),
            source=form.get("source", ""),
            licence=form.get("licence", ""),
            dated=day_of(form.get("dated", "")),
            login=actor.login,
            dry_run=form.get("dry_run") == "true",
        )
    except (UnusableFile, InvalidValue) as error:
        raise refused(
            [Pointed(_POINTERS.get(error.code, "/file"), error.code, error.params)]
        ) from error
    except WasteflowError as error:
        if error.code != "geo_stale":
            raise
        raise Problem(409, error.code, error.params) from error
    return as_json({**told(found), "changed": changed, "dry_run": form.get("dry_run") == "true"})


_POINTERS = {
    "geo_crs_needed": "/crs",
    "geo_crs_unknown": "/crs",
    "geo_crs_conflict": "/crs",
    "geo_metres": "/crs",
    "geo_which_layer": "/layer",
    "geo_which_column": "/column",
    "geo_no_match": "/column",
    "geo_which_park": "/park",
    "geo_source_missing": "/source",
    "bad_date": "/dated",
}


def _form() -> dict[str, str]:
    if request.mimetype != "multipart/form-data":
        params = {"value": request.mimetype or "–", "known": "multipart/form-data"}
        raise Problem(415, "media_type", params)
    try:
        given = request.form.to_dict()
    except RequestEntityTooLarge as error:
        raise Problem(413, "body_too_large", {"limit": ""}) from error
    unknown = sorted({*given, *request.files} - {"file", *_TEXTS})
    if unknown:
        params = {"value": unknown[0], "known": ", ".join(("file", *_TEXTS))}
        raise refused([Pointed(f"/{unknown[0]}", "unknown_parameter", params)])
    return given


@blueprint.endpoint(
    "GET",
    "/<string(maxlength=80):code>/outline",
    "registry.read",
    returns=OutlineReport,
    tagged=True,
)
def get(code: str) -> Response:
    """The outline of a park (GeoJSON, CGCS2000 / WGS 84 degrees) and where each version is from."""
    need("registry.read")
    park = registry().parks.get(code)
    if park is None:
        raise NotFound("unknown_code", what="park", value=code)
    versions = outline_versions(db=books().db, park=code)
    body = {
        "park": code,
        "crs": "CGCS2000",
        "geometry": json.loads(park.boundary) if park.boundary else None,
        "versions": [
            {
                "number": item.number,
                "area_km2": round(item.area_m2 / 1e6, 4),
                "crs": item.system,
                "source": item.source,
                "licence": item.licence,
                "dated": item.dated.isoformat() if item.dated else None,
                "filename": item.filename,
                "notes": list(item.notes),
                "by": item.login,
                "at": item.at.isoformat(),
            }
            for item in versions
        ],
    }
    return versioned(body, f"{digest(park.boundary)}{len(versions)}")
