"""Versions of the outlines of parks; the newest one also stands in `park.boundary`."""

from datetime import date, datetime

from sqlalchemy import Date, Float, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class OutlineRow(Base):
    """One outline a park had: GeoJSON in degrees CGCS2000 / WGS 84, whence it came, who put it in.

    `number` counts from 1 within the park; `system` is what the file was read in; `dated` the day
    the outline is as of, where that is known; `notes` what was mended, words by `;`.
    """

    __tablename__ = "park_outline"
    __table_args__ = (UniqueConstraint("park_id", "number"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    geometry: Mapped[str] = mapped_column(Text)
    area_m2: Mapped[float] = mapped_column(Float)
    system: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(Text, default="")
    licence: Mapped[str] = mapped_column(Text, default="")
    dated: Mapped[date | None] = mapped_column(Date)
    filename: Mapped[str] = mapped_column(String(500), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    login: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcMoment)
