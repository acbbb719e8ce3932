"""Tables of the month close: who closed what and when, late postings, the stored attribution.

Nothing here is a second truth: `flow_late` is a sum over records and `check` recomputes it; figures
and digests of a close are proved against the books as they were reported.
"""

from datetime import datetime

from sqlalchemy import (
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment

ENTERPRISE, PARK = "enterprise", "park"


class MonthCloseRow(Base):
    """One month closed by one enterprise or park; reopened, the row stays as history.

    `through` is the last month of the act that closed it: what is stored here rests on the books as
    of that month.  `park_close_id` names the close of the park that closed this month of a firm, 0
    where the firm did it itself.  `take` counts closes of the same month.  `figures` is JSON.
    """

    __tablename__ = "month_close"
    __table_args__ = (
        UniqueConstraint("kind", "organisation_id", "month", "take"),
        Index("ix_month_close_park", "park_close_id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    organisation_id: Mapped[int] = mapped_column(Key)
    month: Mapped[int] = mapped_column(Integer)
    take: Mapped[int] = mapped_column(SmallInteger, default=1)
    through: Mapped[int] = mapped_column(Integer)
    park_close_id: Mapped[int] = mapped_column(Key, default=0)
    closed_at: Mapped[datetime] = mapped_column(UtcMoment)
    closed_by: Mapped[str] = mapped_column(String(200), default="")
    user_id: Mapped[int | None] = mapped_column(Key)
    reason: Mapped[str] = mapped_column(Text, default="")
    reopened_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    reopened_by: Mapped[str] = mapped_column(String(200), default="")
    reopened_user_id: Mapped[int | None] = mapped_column(Key)
    reopened_reason: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64), default="")
    figures: Mapped[str] = mapped_column(Text, default="{}")


class FlowLateRow(Base):
    """Signed roll-up rows of what was booked later than its month; part of flow_month.

    The books as of a month M are flow_month up to M less the rows here with booked_month > M.
    """

    __tablename__ = "flow_late"
    __table_args__ = (
        PrimaryKeyConstraint(
            "material_id",
            "month",
            "booked_month",
            "source_id",
            "target_id",
            "route_id",
            "evidence",
        ),
        {"sqlite_with_rowid": False},
    )
    material_id: Mapped[int] = mapped_column(Key)
    month: Mapped[int] = mapped_column(Integer)
    booked_month: Mapped[int] = mapped_column(Integer)
    source_id: Mapped[int] = mapped_column(Key)
    target_id: Mapped[int] = mapped_column(Key)
    route_id: Mapped[int] = mapped_column(Key)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    kg: Mapped[int] = mapped_column(Key)
    n: Mapped[int] = mapped_column(Key)


class AttributionMonthRow(Base):
    """Whole kilograms of a generator's mass that met a fate in a month, as booked by a close.

    Signed: a close stores what its books say beyond what earlier closes stored, so the rows of all
    closes in force add up to the attribution of the books as of the last of them.  `year` is the
    year of generation (0 = unknown), `route_id` and `evidence` are 0 where the fate has none.
    """

    __tablename__ = "attribution_month"
    __table_args__ = (
        PrimaryKeyConstraint(
            "close_id",
            "month",
            "material_id",
            "generator_id",
            "year",
            "basis",
            "fate",
            "route_id",
            "evidence",
        ),
        {"sqlite_with_rowid": False},
    )
    close_id: Mapped[int] = mapped_column(Key)
    month: Mapped[int] = mapped_column(Integer)
    material_id: Mapped[int] = mapped_column(Key)
    generator_id: Mapped[int] = mapped_column(Key)
    year: Mapped[int] = mapped_column(SmallInteger)
    basis: Mapped[str] = mapped_column(String(10))
    fate: Mapped[str] = mapped_column(String(20))
    route_id: Mapped[int] = mapped_column(Key)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    kg: Mapped[int] = mapped_column(Key)
