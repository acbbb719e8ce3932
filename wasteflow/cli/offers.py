"""Command that lists offers, asks and proposed links."""

from __future__ import annotations

import click

from wasteflow.cli.common import (
    Settings,
    csv_of,
    json_text,
    now,
    open_database,
    table_text,
    told,
)

_COLUMNS = ("id", "kind", "state", "material", "tonnes", "from", "to", "first", "last", "place")


@click.command()
@click.option("--user", required=True, help="以谁的身份查看 · As whom: a login.")
@click.option("--state", default="", help="open proposed talks realised declined withdrawn lapsed")
@click.option("--material", default="", help="物料代码 · Material code.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def offers(settings: Settings, user: str, state: str, material: str, shape: str) -> None:
    """供需对接 · Offers, asks and proposed links as a user may see them.

    Example: wasteflow offers --user planner --state proposed
    """
    from wasteflow.core.errors import NotFound
    from wasteflow.services.acting import actor_of_login
    from wasteflow.services.offers import OfferFilter, list_offers

    database, moment = open_database(settings), now()
    actor = actor_of_login(db=database, login=user, now=moment)
    if actor is None:
        raise NotFound("unknown_code", what="user", value=user)
    rows = list_offers(db=database, actor=actor, wanted=OfferFilter(state, material), now=moment)
    if shape == "json":
        click.echo(json_text({"rows": rows}))
    elif shape == "csv":
        click.echo(csv_of(list(_COLUMNS), rows), nl=False)
    else:
        cells = [[str(row[name] or "-") for name in _COLUMNS] for row in rows]
        click.echo(table_text(list(_COLUMNS), cells))
