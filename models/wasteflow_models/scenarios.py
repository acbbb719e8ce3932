"""Saved scenarios: what somebody wants to change and over which books; never a result."""

from datetime import datetime

from sqlalchemy import Boolean, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class ScenarioRow(Base):
    """A named scenario of a scope: period of the books it starts from, years ahead, blocks as JSON.

    `material` "" = every waste; `fill`: today's free capacity is filled too; `version` counts the
    changes; `login` made it, `changed_by` changed it last.  Scope, material and codes in blocks
    are text: what they name may be renamed or gone, which running it then says.
    """

    __tablename__ = "scenario"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True)
    scope: Mapped[str] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")
    base: Mapped[str] = mapped_column(String(20))
    material: Mapped[str] = mapped_column(String(80), default="")
    years: Mapped[int] = mapped_column(SmallInteger, default=0)
    fill: Mapped[bool] = mapped_column(Boolean, default=False)
    blocks: Mapped[str] = mapped_column(Text, default="[]")
    version: Mapped[int] = mapped_column(Integer, default=1)
    login: Mapped[str] = mapped_column(String(200), default="")
    changed_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcMoment)
    updated_at: Mapped[datetime] = mapped_column(UtcMoment)
