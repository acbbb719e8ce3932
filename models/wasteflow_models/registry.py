"""Registry tables: who and what the ledger speaks of.  Codes are the public keys.

Coordinates are WGS 84 = CGCS2000 degrees; the numbers as given stay beside them with their datum.
"""

from datetime import date

from sqlalchemy import Boolean, Date, Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key


class Coded:
    """Key, public code and the two names every registry object has."""

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    source: Mapped[str] = mapped_column(Text, default="")


class Named(Coded):
    """A coded object with a Chinese and an English name."""

    name_zh: Mapped[str] = mapped_column(String(500))
    name_en: Mapped[str] = mapped_column(String(500), default="")


class Located:
    """Position in WGS 84 degrees, honest radius, and the numbers as given with their datum."""

    lon: Mapped[float | None] = mapped_column(Float)
    lat: Mapped[float | None] = mapped_column(Float)
    lon_given: Mapped[str] = mapped_column(Text, default="")
    lat_given: Mapped[str] = mapped_column(Text, default="")
    crs: Mapped[str] = mapped_column(String(10), default="")
    precision_km: Mapped[str] = mapped_column(Text, default="")


class RegionRow(Named, Base):
    """Administrative region, code of GB/T 2260."""

    __tablename__ = "region"
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)


class ParkRow(Named, Located, Base):
    """Industrial park or sub-park; `boundary` is a GeoJSON geometry in WGS 84 or empty."""

    __tablename__ = "park"
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("park.id"), index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    level: Mapped[str] = mapped_column(String(20), default="other")
    boundary: Mapped[str] = mapped_column(Text, default="")


class EnterpriseRow(Named, Located, Base):
    """Enterprise; `external` firms are outside the books (mass sent there goes to `outside`)."""

    __tablename__ = "enterprise"
    uscc: Mapped[str] = mapped_column(String(18), default="", index=True)
    park_id: Mapped[int | None] = mapped_column(ForeignKey("park.id"), index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    industry: Mapped[str] = mapped_column(String(500), default="")
    external: Mapped[bool] = mapped_column(Boolean, default=False)
    aliases: Mapped[str] = mapped_column(Text, default="")


class MaterialRow(Named, Base):
    """A waste or product; `is_waste = false` keeps it out of every statutory rate."""

    __tablename__ = "material"
    waste_code: Mapped[str] = mapped_column(String(20), default="")
    waste_class: Mapped[str] = mapped_column(Text, default="")
    is_waste: Mapped[bool] = mapped_column(Boolean)
    verified: Mapped[bool] = mapped_column(Boolean, default=False)


class RouteRow(Named, Base):
    """What can be done with a material; `materials` is "*" or codes joined by ";"."""

    __tablename__ = "route"
    materials: Mapped[str] = mapped_column(Text)
    fate: Mapped[str] = mapped_column(String(20))
    standard: Mapped[str] = mapped_column(Text, default="")
    conditional: Mapped[bool] = mapped_column(Boolean, default=False)
    condition: Mapped[str] = mapped_column(Text, default="")


class FacilityRow(Coded, Located, Base):
    """Plant, yard or landfill; `materials` and `routes` are codes joined by ";", empty = any."""

    __tablename__ = "facility"
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    park_id: Mapped[int | None] = mapped_column(ForeignKey("park.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(500), default="")
    materials: Mapped[str] = mapped_column(Text, default="")
    routes: Mapped[str] = mapped_column(Text, default="")
    capacity_kg_per_year: Mapped[int | None] = mapped_column(Key)
    status: Mapped[str] = mapped_column(String(20), default="")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class TargetRow(Coded, Base):
    """A policy target with its own metric; values are decimal text, empty when qualitative."""

    __tablename__ = "target"
    scope: Mapped[str] = mapped_column(String(100))
    materials: Mapped[str] = mapped_column(Text, default="")
    metric: Mapped[str] = mapped_column(String(40))
    operator: Mapped[str] = mapped_column(String(10), default="")
    value: Mapped[str] = mapped_column(Text, default="")
    unit: Mapped[str] = mapped_column(Text, default="")
    year: Mapped[int | None] = mapped_column()
    baseline_year: Mapped[int | None] = mapped_column()
    baseline_value: Mapped[str] = mapped_column(Text, default="")
    binding: Mapped[str] = mapped_column(String(20), default="")
    coverage_complete: Mapped[bool] = mapped_column(Boolean, default=False)


class FilingRow(Coded, Base):
    """Cross-province filing (备案) or approval with its quota; `materials` as in facility."""

    __tablename__ = "filing"
    from_region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    to_region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    materials: Mapped[str] = mapped_column(Text, default="")
    quota_kg: Mapped[int | None] = mapped_column(Key)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    document: Mapped[str] = mapped_column(Text, default="")


class CoefficientRow(Coded, Base):
    """Generation, moisture or transport coefficient; decimal text, empty = not established."""

    __tablename__ = "coefficient"
    kind: Mapped[str] = mapped_column(Text)
    material_id: Mapped[int | None] = mapped_column(ForeignKey("material.id"))
    driver: Mapped[str] = mapped_column(Text, default="")
    low: Mapped[str] = mapped_column(Text, default="")
    typical: Mapped[str] = mapped_column(Text, default="")
    high: Mapped[str] = mapped_column(Text, default="")
    unit: Mapped[str] = mapped_column(Text, default="")


Index("ix_enterprise_name_zh", EnterpriseRow.name_zh)
Index("ix_enterprise_name_en", EnterpriseRow.name_en)
