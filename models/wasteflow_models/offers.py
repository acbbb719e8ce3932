"""Offers of wastes, asks for them, and proposed links, with their events."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class OfferRow(Base):
    """An offer, an ask, or a proposed link; at least one of giver and taker is known.

    `first`, `last`: days from and to which it holds.  `base_month`, `base_kg`: what the pair's
    accepted mass of the material was in that month and later when the pair was named; a load
    beyond it is the first of the link.  `version` counts changes.
    """

    __tablename__ = "exchange_offer"
    __table_args__ = (
        Index("ix_exchange_offer_state_material_id", "state", "material_id"),
        UniqueConstraint("uid"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"))
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    giver_ok: Mapped[bool] = mapped_column(Boolean)
    taker_ok: Mapped[bool] = mapped_column(Boolean)
    kg: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    place: Mapped[str] = mapped_column(Text, default="")
    quality: Mapped[str] = mapped_column(Text, default="")
    base_month: Mapped[int] = mapped_column(Integer, default=0)
    base_kg: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    login: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcMoment)
    changed_at: Mapped[datetime] = mapped_column(UtcMoment)


class OfferEventRow(Base):
    """What happened to an offer: who did what when, for which firm, with which note."""

    __tablename__ = "exchange_offer_event"
    __table_args__ = (UniqueConstraint("offer_id", "number"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("exchange_offer.id"))
    number: Mapped[int] = mapped_column(Integer)
    move: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    login: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcMoment)
