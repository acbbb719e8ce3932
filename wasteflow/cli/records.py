"""Commands about one record by its number: reverse, lost."""

from __future__ import annotations

from typing import Any

import click

from wasteflow.cli.common import Settings, now, open_database, told
from wasteflow.core.errors import NotFound
from wasteflow.core.periods import moment_from_text


def _tonnes(done: dict[str, Any]) -> str:
    from wasteflow.core.units import tonnes_text

    return tonnes_text(done["kg"])


@click.command()
@click.argument("doc")
@click.option("--reason", required=True, help="原因 · Why.")
@click.option("--enterprise", default="", help="企业代码 · Firm, where numbers are not unique.")
@click.pass_obj
@told
def reverse(settings: Settings, doc: str, reason: str, enterprise: str) -> None:
    """冲销单据 DOC · Reverse a record, re-posting nothing; send it again as DOC/2.

    Product output is named by enterprise/product/date and sent again as it is.

    Example: wasteflow reverse YD-2026-0117 --reason "重复录入"
    """
    from wasteflow.services.corrections import reverse as reverse_record
    from wasteflow.services.products import is_product_key, reverse_product

    database = open_database(settings)
    asked: dict[str, Any] = {"doc_no": doc, "now": now(), "enterprise": enterprise}
    try:
        done = reverse_record(db=database, reason=reason, **asked)
    except NotFound:
        if not is_product_key(doc):
            raise
        done = reverse_product(db=database, key=doc, reason=reason, now=asked["now"])
        settings.say(
            f"已冲销产量 {doc}（{_tonnes(done)} 吨），可重新导入更正后的产量。",
            f"Reversed the output {doc} ({_tonnes(done)} t). Import the corrected one now.",
        )
        return
    settings.say(
        f"已冲销 {done['doc_no']}（{_tonnes(done)} 吨）。更正后的记录请用单号 {doc}/2。",
        f"Reversed {done['doc_no']} ({_tonnes(done)} t). Send the corrected record as {doc}/2.",
    )


@click.command()
@click.argument("doc")
@click.option("--date", "day", required=True, help="灭失时间 · When, e.g. 2026-07-03 or with time.")
@click.option("--reason", required=True, help="原因 · Why.")
@click.option("--enterprise", default="", help="发货企业代码 · Consignor.")
@click.pass_obj
@told
def lost(settings: Settings, doc: str, day: str, reason: str, enterprise: str) -> None:
    """在途灭失 · Record that the load DOC was lost on the road.

    Example: wasteflow lost YD-2026-0117 --date 2026-07-03 --reason "翻车"
    """
    from wasteflow.services.corrections import lose

    database = open_database(settings)
    done = lose(
        db=database,
        doc_no=doc,
        reason=reason,
        at=moment_from_text(day),
        now=now(),
        enterprise=enterprise,
    )
    settings.say(f"{doc} 灭失 {_tonnes(done)} 吨。", f"{doc}: {_tonnes(done)} t lost.")
