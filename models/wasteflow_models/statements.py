"""Tables of what is stated once a year: inputs of park indicators, profiles of wastes (附表1).

Append-only: a statement is never edited; a later one of the same key has a higher `take` and the
earlier one is marked `replaced`.
"""

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    Date,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class ParkInputRow(Base):
    """An amount of a park and year that no record of the books holds (value added, energy …).

    `value` is decimal text in the unit of its name (`core.park_indicators`).
    """

    __tablename__ = "park_input"
    __table_args__ = (UniqueConstraint("park_id", "name", "year", "take"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"))
    name: Mapped[str] = mapped_column(String(40))
    year: Mapped[int] = mapped_column(Integer)
    value: Mapped[str] = mapped_column(String(40))
    stated_on: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    take: Mapped[int] = mapped_column(SmallInteger, default=1)
    replaced: Mapped[bool] = mapped_column(Boolean, default=False)
    recorded_by: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)


class ProfileRow(Base):
    """What 附表1 says of a waste of an enterprise besides its amount, from a year on."""

    __tablename__ = "waste_profile"
    __table_args__ = (UniqueConstraint("enterprise_id", "material_id", "year", "take"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"))
    year: Mapped[int] = mapped_column(Integer)
    waste_code: Mapped[str] = mapped_column(String(20))
    grade: Mapped[str] = mapped_column(String(8))
    source_step: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    composition: Mapped[str] = mapped_column(Text)
    pollution: Mapped[str] = mapped_column(Text)
    take: Mapped[int] = mapped_column(SmallInteger, default=1)
    replaced: Mapped[bool] = mapped_column(Boolean, default=False)
    recorded_by: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)
