"""Product output one by one: listed, read, recorded and taken back by an actor.

A row is named `<enterprise>/<product>/<date>`, as in the commands; one that was taken back and sent
again is the next `take` of the same name.  Who did it stands in the log of accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import FieldIssue, FieldsRefused, NotFound, Remark, WasteflowError
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import word_of
from wasteflow.services.account_log import note
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.entry_writing import remarks_of
from wasteflow.services.live.entries import entry_subject
from wasteflow.services.naming import Names
from wasteflow.services.outcome import ImportReport, Row
from wasteflow.services.products import (
    note_product,
    product_key,
    product_of_key,
    take_back_product,
    take_products,
)
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import ProductRow
from wasteflow_models.order import hold_firms


class ProductObject(Struct, frozen=True):
    """A row of output: its values by column of the contract, and what the books added.

    `row` orders the list; `name` is its `product_key`; `reason` is why it was taken back.
    """

    row: int
    name: str
    values: dict[str, Any]
    month: int
    take: int
    reversed_: bool
    reason: str
    recorded_at: datetime

    @property
    def enterprise(self) -> str:
        """Code of its enterprise."""
        return str(self.values["enterprise"])

    @property
    def state(self) -> str:
        """`in_force` or `reversed`."""
        return "reversed" if self.reversed_ else "in_force"


class ProductFilter(Struct, frozen=True):
    """Which output of a list: enterprises (None = all), product, months."""

    firms: Collection[str] | None = None
    product: str = ""
    period: Period | None = None


def list_products(
    *, db: Database, wanted: ProductFilter, after: int = 0, limit: int, newest: bool = False
) -> list[ProductObject]:
    """At most `limit` rows in the order they were recorded, those after the row `after`.

    newest: the other way round, the last recorded first; `after` then goes back in time.
    """
    row = ProductRow
    with db.read() as session:
        keys = load_keys(session)
        query = select(row).where(row.id > after).order_by(row.id)
        if newest:
            query = select(row).order_by(row.id.desc())
            query = query.where(row.id < after) if after else query
        if wanted.firms is not None:
            ids = sorted(keys.ids["enterprise"][firm] for firm in wanted.firms)
            query = query.where(row.enterprise_id.in_(ids))
        if wanted.product:
            word = word_of("product", wanted.product) or wanted.product
            query = query.where(row.product == word)
        if wanted.period:
            query = query.where(row.month.between(wanted.period.first, wanted.period.last))
        return [_object(item, keys) for item in session.scalars(query.limit(limit))]


def get_product(*, db: Database, name: str) -> ProductObject:
    """The last row of a `product_key`; NotFound `record_unknown`."""
    with db.read() as session:
        keys = load_keys(session)
        row = product_of_key(session, keys, name)
        if row is None:
            raise NotFound("record_unknown", value=name)
        return _object(row, keys)


@again_if_overtaken
def record_product(
    *, db: Database, actor: Actor | None, values: Mapping[str, Any], now: datetime, address: str
) -> tuple[ProductObject, bool, list[Remark]]:
    """Record output from typed values of every column; (it, whether it is new, warnings).

    The same amount again is not new.  Raises Denied, FieldsRefused, RowsRefused (`product_differs`
    where another amount is in force: take that back first).
    """
    with db.write(Alone.FIRMS) as session:
        keys = load_keys(session)
        try:
            firm = Names(keys.registry).enterprise(str(values["enterprise"]))
        except WasteflowError as error:
            raise FieldsRefused([FieldIssue("/enterprise", error.code, error.params)]) from error
        require(actor, "entry.write", entry_subject(keys, firm))
        hold_firms(session, [keys.id_of("enterprise", firm)])
        report = ImportReport("products", rows=1)
        take_products(session, keys, [Row(1, values)], [], None, now, report)
        product = word_of("product", values["product"]) or str(values["product"])
        row = product_of_key(session, keys, product_key(firm, product, values["date"]))
        assert row is not None  # it was there, or has just been written
        if report.taken:
            _noted(session, keys, row, "recorded", actor, now, address)
        return _object(row, keys), bool(report.taken), remarks_of(report.warnings)


@again_if_overtaken
def reverse_output(
    *, db: Database, actor: Actor | None, name: str, reason: str, now: datetime, address: str
) -> ProductObject:
    """Take output out of the books; the name may be used again at once.

    Raises Denied, RuleBroken `reason_needed`, `already_reversed`.
    """
    with db.write(Alone.FIRMS) as session:
        keys = load_keys(session)
        firm = name.partition("/")[0]
        hold_firms(session, [keys.ids["enterprise"].get(firm, 0)])  # before its row is read
        if product_of_key(session, keys, name) is None:
            verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
            raise Denied(verdict, "entry.read")
        require(actor, "entry.write", entry_subject(keys, firm))
        row = take_back_product(session, keys, name, reason)
        _noted(session, keys, row, "reversed", actor, now, address)
        return _object(row, keys)


def _noted(
    session: Session,
    keys: Keys,
    row: ProductRow,
    action: str,
    actor: Actor | None,
    now: datetime,
    address: str,
) -> None:
    """Who did it into the log, what happened into the list that others follow."""
    item = _object(row, keys)
    note(
        session,
        f"product.{action}",
        actor=actor,
        now=now,
        address=address,
        about=item.name,
        organisation=item.enterprise,
        detail=" ".join(part for part in (f"{tonnes_text(row.kg)} t", row.reason) if part),
    )
    note_product(session, keys, row, action, now)


def _object(row: ProductRow, keys: Keys) -> ProductObject:
    firm = keys.codes["enterprise"][row.enterprise_id]
    return ProductObject(
        row=row.id,
        name=product_key(firm, row.product, row.day),
        values={
            "enterprise": firm,
            "product": row.product,
            "date": row.day,
            "tonnes": row.kg,
            "p2o5_pct": row.p2o5,
        },
        month=row.month,
        take=row.take,
        reversed_=row.reversed_,
        reason=row.reason,
        recorded_at=row.recorded_at,
    )
