"""From the rows of a registry file to column values: references checked, datum shifted.

One table per kind says which column goes where; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.geodesy import to_wgs84
from wasteflow.core.registry import Registry
from wasteflow.services.naming import Names
from wasteflow.services.outcome import Row
from wasteflow_models.registry import (
    CoefficientRow,
    EnterpriseRow,
    FacilityRow,
    FilingRow,
    MaterialRow,
    ParkRow,
    RegionRow,
    RouteRow,
    TargetRow,
)

TABLES: dict[str, type[Any]] = {
    "regions": RegionRow,
    "parks": ParkRow,
    "enterprises": EnterpriseRow,
    "facilities": FacilityRow,
    "materials": MaterialRow,
    "routes": RouteRow,
    "targets": TargetRow,
    "filings": FilingRow,
    "coefficients": CoefficientRow,
}
"""Registry kinds in the order in which they may be loaded."""

_REFERENCES: dict[str, dict[str, tuple[str, str]]] = {
    "regions": {"parent": ("region", "parent_id")},
    "parks": {"parent": ("park", "parent_id"), "region": ("region", "region_id")},
    "enterprises": {"park": ("park", "park_id"), "region": ("region", "region_id")},
    "facilities": {"enterprise": ("enterprise", "enterprise_id"), "park": ("park", "park_id")},
    "filings": {
        "from_region": ("region", "from_region_id"),
        "to_region": ("region", "to_region_id"),
        "enterprise": ("enterprise", "enterprise_id"),
    },
    "coefficients": {"material": ("material", "material_id")},
}
"""Kind → column → (registry table, foreign key column)."""

_LISTS: dict[str, dict[str, tuple[str, str]]] = {
    "facilities": {"material": ("material", "materials"), "route": ("route", "routes")},
    "routes": {"material": ("material", "materials")},
    "targets": {"materials": ("material", "materials")},
    "filings": {"material": ("material", "materials")},
}
"""Kind → column → (registry table, text column of codes joined by ";")."""

_MASSES = {"capacity_t_per_year": "capacity_kg_per_year", "quota_t": "quota_kg"}
_NULLABLE = {
    "lon",
    "lat",
    "capacity_kg_per_year",
    "quota_kg",
    "valid_from",
    "valid_to",
    "year",
    "baseline_year",
}
_LOCATION = ("lon", "lat", "crs", "precision_km")
_BOOLEANS = {"external", "is_waste", "verified", "conditional", "coverage_complete"}


class Broken(Exception):
    """A value of a registry row breaks a rule: (column, code, params)."""

    def __init__(self, column: str, code: str, params: Mapping[str, str]) -> None:
        super().__init__(code)
        self.column, self.code, self.params = column, code, dict(params)


class RegistryColumns:
    """Turns rows of one kind into column values against a registry snapshot."""

    def __init__(
        self, kind: str, registry: Registry, id_of: Callable[[str, str], int], new: set[str]
    ) -> None:
        self._kind, self._registry, self._id_of, self._new = kind, registry, id_of, new
        self._names = Names(registry)

    def values(self, row: Row) -> tuple[dict[str, Any], str]:
        """(column values, parent code still to be bound); raises Broken."""
        out: dict[str, Any] = {}
        parent = ""
        references = _REFERENCES.get(self._kind, {})
        lists = _LISTS.get(self._kind, {})
        given = row.values
        for column, value in given.items():
            if column in _LOCATION:
                continue
            if column == "parent":
                parent = value or ""
                self._check_parent(parent)
            elif column in references:
                table, target = references[column]
                out[target] = self._reference(column, table, value)
            elif column in lists:
                table, target = lists[column]
                out[target] = self._codes(column, table, value)
            else:
                name = _MASSES.get(column, column)
                out[name] = _plain(name, value)
        if set(_LOCATION) & given.keys() and hasattr(TABLES[self._kind], "lon"):
            out.update(_location(given))
        _fill_names(out)
        return out, parent

    def _check_parent(self, code: str) -> None:
        table = self._registry.regions if self._kind == "regions" else self._registry.parks
        if code and code not in table and code not in self._new:
            raise Broken("parent", "unknown_code", {"what": self._kind[:-1], "value": code})

    def _reference(self, column: str, table: str, value: Any) -> int | None:
        if not value:
            return None
        code = str(value)
        if table == "enterprise":
            try:
                code = self._names.enterprise(code)
            except (NotFound, InvalidValue) as error:
                raise Broken(column, error.code, error.params) from error
        try:
            return self._id_of(table, code)
        except KeyError as error:
            raise Broken(column, "unknown_code", {"what": table, "value": code}) from error

    def _codes(self, column: str, table: str, value: Any) -> str:
        codes = list(value or ())
        if codes == ["*"]:
            return "*"
        for code in codes:
            try:
                self._id_of(table, code)
            except KeyError as error:
                raise Broken(column, "unknown_code", {"what": table, "value": code}) from error
        return ";".join(codes)


def _plain(name: str, value: Any) -> Any:
    """Blank → None where the column may be null, "" or False elsewhere."""
    if isinstance(value, tuple):
        return ";".join(value)
    if value is not None:
        return (
            str(value) if name in {"value", "baseline_value", "low", "typical", "high"} else value
        )
    if name in _NULLABLE:
        return None
    return False if name in _BOOLEANS else ""


def _location(given: Mapping[str, Any]) -> dict[str, Any]:
    """Position in WGS 84 with the numbers as given; a position needs both numbers and a datum."""
    lon, lat, crs = given.get("lon"), given.get("lat"), given.get("crs")
    precision = given.get("precision_km")
    out: dict[str, Any] = {
        "lon": None,
        "lat": None,
        "lon_given": "",
        "lat_given": "",
        "crs": crs or "",
        "precision_km": "" if precision is None else str(precision),
    }
    if (lon is None) != (lat is None):
        raise Broken("lon" if lon is None else "lat", "half_position", {})
    if lon is None or lat is None:
        return out
    if not crs:
        raise Broken("crs", "crs_needed", {})
    out["lon"], out["lat"] = to_wgs84(float(lon), float(lat), crs)
    out["lon_given"], out["lat_given"] = str(lon), str(lat)
    return out


def _fill_names(out: dict[str, Any]) -> None:
    """The missing one of two names is the other one."""
    if "name_zh" in out or "name_en" in out:
        zh, en = out.get("name_zh") or "", out.get("name_en") or ""
        out["name_zh"], out["name_en"] = zh or en, en or zh
