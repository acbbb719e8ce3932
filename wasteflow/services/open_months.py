"""What month close means for who is about to act: where a change is booked."""

from __future__ import annotations

from collections.abc import Iterable

from wasteflow.services.booking import open_month
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def booking_month(*, db: Database, firms: Iterable[str], month: int) -> int:
    """The month (yyyymm) in which a change of `month` to the books of `firms` would be booked.

    It is `month` itself unless one of them, or a park it lies in, has closed it.  Firms that are
    not registered keep no books.
    """
    with db.read() as session:
        keys = load_keys(session)
        ids = [keys.ids["enterprise"][firm] for firm in firms if firm in keys.ids["enterprise"]]
        return open_month(session, ids, month)
