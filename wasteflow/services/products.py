"""Product output: taken from a file, reversed, exported, held against generation.

Output moves no mass; it stands beside the books for the cross-check.  One row in force per
enterprise, product and day; it is never edited, only reversed and sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from wasteflow.core.coefficients import GENERATION, MOISTURE
from wasteflow.core.crosscheck import crosscheck, crosscheck_row, drivers_of
from wasteflow.core.errors import InvalidValue, NotFound, RowIssue, RowsRefused, RuleBroken
from wasteflow.core.periods import Period, day_from_text, month_of_day
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import word_of
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.live.writing import note_change
from wasteflow.services.naming import Names
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress, Row
from wasteflow.services.reports import check_material
from wasteflow_models import products, queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import BatchRow, ProductRow
from wasteflow_models.order import wait_for_numbers
from wasteflow_models.products import ProductKey

KEY_PARTS = 3


class _Checked(Struct, frozen=True):
    """A row of the file with its enterprise and product found."""

    line: int
    enterprise: str
    product: str
    day: date
    kg: int
    p2o5: int | None

    def key(self, keys: Keys) -> ProductKey:
        return keys.id_of("enterprise", self.enterprise), self.product, self.day

    @property
    def amount(self) -> tuple[int, int | None]:
        return self.kg, self.p2o5


@again_if_overtaken
def record_products(
    *,
    db: Database,
    rows: Sequence[Row],
    batch: BatchRow,
    now: datetime,
    issues: Iterable[RowIssue] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of product output, all or nothing; rows known already are counted and skipped.

    Warns `unknown_product` where no generation coefficient knows a product.  Raises RowsRefused.
    """
    report = ImportReport("products", rows=len(rows), dry_run=dry_run)
    found = list(issues)
    try:
        with db.write() as session:
            take_products(session, load_keys(session), rows, found, batch, now, report)
            if progress:
                progress(len(rows))
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    return report


def take_products(
    session: Session,
    keys: Keys,
    rows: Sequence[Row],
    issues: list[RowIssue],
    batch: BatchRow | None,
    now: datetime,
    report: ImportReport,
) -> None:
    """Check rows against the books and write them; raises RowsRefused with `issues` and its own.

    batch: what imported them, None for output given by hand.
    """
    checked = _checked(rows, Names(keys.registry), issues)
    days = [item.day for item in checked] or [now.date()]
    in_force = {
        (row.enterprise_id, row.product, row.day): row
        for row in products.products_in_force(session, min(days), max(days))
    }
    new = _new(checked, keys, in_force, issues, report)
    if issues:
        raise RowsRefused(issues)
    known = products.coefficients(session, keys, [GENERATION])
    for item in new:
        if not drivers_of(item.product, item.p2o5, known):
            report.warnings.add(item.line, "unknown_product", product=item.product)
    if batch is not None:
        session.add(batch)
        session.flush()
        batch.taken, batch.skipped = len(new), report.skipped
    takes = products.last_takes(session, min(days), max(days))
    batch_id = batch.id if batch else None
    values = [_values(item, keys, takes, batch_id, now) for item in new]
    if values and batch is None:
        wait_for_numbers(session)
    if values:
        session.execute(insert(ProductRow), values)
    report.taken = len(new)
    if batch is not None:
        firms = {item.key(keys)[0] for item in new}
        note_import(session, keys, batch, firms, now)


def _checked(rows: Sequence[Row], names: Names, issues: list[RowIssue]) -> list[_Checked]:
    checked = []
    for row in rows:
        values = row.values
        try:
            firm = names.enterprise(values["enterprise"])
        except (NotFound, InvalidValue) as error:
            shown = str(values["enterprise"])
            issues.append(RowIssue(row.line, "enterprise", shown, error.code, error.params))
            continue
        product = word_of("product", values["product"]) or values["product"]
        amount = values["tonnes"], values.get("p2o5_pct")
        checked.append(_Checked(row.line, firm, product, values["date"], *amount))
    return checked


def _new(
    checked: Iterable[_Checked],
    keys: Keys,
    in_force: Mapping[ProductKey, ProductRow],
    issues: list[RowIssue],
    report: ImportReport,
) -> list[_Checked]:
    """Rows not known yet; the same again is skipped, another amount is an issue."""
    seen: dict[ProductKey, _Checked] = {}
    new = []
    for item in checked:
        key = item.key(keys)
        stored, earlier = in_force.get(key), seen.setdefault(key, item)
        if stored is not None and (stored.kg, stored.p2o5) != item.amount:
            params = {
                "known": tonnes_text(stored.kg),
                "known_pct": "" if stored.p2o5 is None else f"{stored.p2o5 / 1000:g}",
                "key": product_key(item.enterprise, item.product, item.day),
            }
            shown = tonnes_text(item.kg)
            issues.append(RowIssue(item.line, "tonnes", shown, "product_differs", params))
        elif earlier.amount != item.amount:
            line = {"other_line": str(earlier.line)}
            shown = tonnes_text(item.kg)
            issues.append(RowIssue(item.line, "tonnes", shown, "duplicate_product_in_file", line))
        elif stored is not None or earlier is not item:
            report.skipped += 1
        else:
            new.append(item)
    return new


def _values(
    item: _Checked,
    keys: Keys,
    takes: Mapping[ProductKey, int],
    batch_id: int | None,
    now: datetime,
) -> dict[str, Any]:
    key = item.key(keys)
    return {
        "batch_id": batch_id,
        "enterprise_id": key[0],
        "product": item.product,
        "day": item.day,
        "month": month_of_day(item.day),
        "kg": item.kg,
        "p2o5": item.p2o5,
        "take": takes.get(key, 0) + 1,
        "reversed_": False,
        "reason": "",
        "recorded_at": now,
    }


def product_key(enterprise: str, product: str, day: date) -> str:
    """How a row of output is named: `<enterprise>/<product>/<date>`.

    >>> product_key("ent.x", "p2o5", date(2026, 3, 31))
    'ent.x/p2o5/2026-03-31'
    """
    return f"{enterprise}/{product}/{day.isoformat()}"


def is_product_key(text: str) -> bool:
    """Whether a text has the form of `product_key`."""
    parts = text.split("/")
    try:
        return len(parts) == KEY_PARTS and all(parts[:2]) and bool(day_from_text(parts[2]))
    except InvalidValue:
        return False


def reverse_product(*, db: Database, key: str, reason: str, now: datetime) -> dict[str, Any]:
    """Take a row of output (`product_key`) out of the books; the key may be used again at once.

    Raises RuleBroken `reason_needed`, `already_reversed`; NotFound `doc_unknown`.
    """
    with db.write() as session:
        keys = load_keys(session)
        row = take_back_product(session, keys, key, reason)
        note_product(session, keys, row, "reversed", now)
        return {"doc_no": key, "kg": row.kg}


def take_back_product(session: Session, keys: Keys, key: str, reason: str) -> ProductRow:
    """The reversal inside a transaction; as `reverse_product`."""
    if not reason.strip():
        raise RuleBroken("reason_needed")
    row = product_of_key(session, keys, key)
    if row is None:
        raise NotFound("doc_unknown", value=key)
    if row.reversed_:
        raise RuleBroken("already_reversed", value=key)
    row.reversed_, row.reason = True, reason
    return row


def product_of_key(session: Session, keys: Keys, key: str) -> ProductRow | None:
    """The last row of output of a `product_key`; None if there is none."""
    if not is_product_key(key):
        return None
    firm, product, day = key.split("/")
    query = (
        select(ProductRow)
        .where(
            ProductRow.enterprise_id == keys.ids["enterprise"].get(firm, 0),
            ProductRow.product == (word_of("product", product) or product),
            ProductRow.day == day_from_text(day),
        )
        .order_by(ProductRow.take.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def note_product(session: Session, keys: Keys, row: ProductRow, action: str, now: datetime) -> None:
    """Write a change of a row of output to the list that others follow."""
    firm = keys.codes["enterprise"][row.enterprise_id]
    note_change(
        session,
        now,
        kind="product",
        record_id=row.id,
        ref=product_key(firm, row.product, row.day),
        action=action,
        organisations=[firm],
    )


def export_products(
    *, db: Database, scope: str = "all", period: Period | None = None
) -> list[dict[str, Any]]:
    """Output in force of the firms of `scope`, in the order recorded, under contract columns."""
    with db.read() as session:
        keys = load_keys(session)
        wanted = keys.registry.in_scope(scope)
        return [
            {
                "enterprise": firm,
                "product": row.product,
                "date": row.day,
                "tonnes": row.kg,
                "p2o5_pct": row.p2o5,
            }
            for row in products.products_in_force(session)
            for firm in [keys.codes["enterprise"][row.enterprise_id]]
            if firm in wanted and (period is None or period.first <= row.month <= period.last)
        ]


def crosscheck_report(
    *, db: Database, scope: str = "all", period: Period, material: str = ""
) -> dict[str, Any]:
    """Generation of every firm of `scope` against its output: {period, scope, rows, synthetic}.

    Findings never block.  Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        wanted = keys.registry.in_scope(scope)
        outputs = products.product_outputs(session, keys, period)
        generated = products.generation_by_month(session, keys, period)
        known = products.coefficients(session, keys, [GENERATION, MOISTURE])
        synthetic = queries.has_synthetic(session)
    lines = crosscheck(
        [item for item in outputs if item.enterprise in wanted],
        {key: months for key, months in generated.items() if key[0] in wanted},
        known,
    )
    rows = [crosscheck_row(line) for line in lines if material in ("", line.material)]
    return {"period": period.text, "scope": scope, "synthetic": synthetic, "rows": rows}
