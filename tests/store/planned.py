"""Nine months of small books for rates, gap, loops, targets and quota; figures fit a pencil.

maker has 40 t of 2024 in its yard and draws 20 in January; every month it generates 100 t, the
cement works accepts 70 of it for use and uses 60, the trader buys 10 and sells 8 to the board
factory, which uses 7.  In February 2 t come back from the trader, in April the cement works sells
5 t on, in May the board factory landfills 1 t.  maker2 only generates 50 t in March.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.store.books import REGISTRY, Books, entry, load

PG = "phosphogypsum"
MONTHS = tuple(f"2026-{month:02d}" for month in range(1, 10))
WORDS = {"pg": PG, "pg;slag": f"{PG};steel_slag", "slag": "steel_slag"}

PLANNED: dict[str, list[dict[str, str]]] = {
    kind: [{name: WORDS.get(value, value) for name, value in row.items()} for row in rows]
    for kind, rows in REGISTRY.items()
}
"""The small registry with material codes of the product."""

COEFFICIENTS = (
    {"code": "acid", "kind": "generation", "material": PG, "driver": "p2o5", "low": "4.5",
     "typical": "5", "high": "5.5"},
)  # fmt: skip

TARGETS: tuple[dict[str, str], ...] = (
    {"code": "t.met", "metric": "official", "operator": ">=", "value": "0.70"},
    {"code": "t.course", "metric": "utilised_amount", "operator": ">=", "value": "900",
     "unit": "t"},
    {"code": "t.risk", "metric": "official", "operator": ">=", "value": "0.79"},
    {"code": "t.behind", "metric": "official", "operator": ">=", "value": "90", "unit": "%"},
    {"code": "t.stock", "metric": "net_new_stock", "operator": "<=", "value": "-12", "unit": "t"},
    {"code": "t.line", "metric": "official", "operator": ">=", "value": "0.6", "scope": "all"},
    {"code": "t.park", "metric": "official", "operator": ">=", "value": "0.6",
     "scope": "park:park.a", "coverage_complete": "true"},
    {"code": "t.words", "metric": "qualitative", "scope": "all"},
    {"code": "t.later", "metric": "official", "operator": ">=", "value": "0.9", "year": "2027"},
)  # fmt: skip
"""One of every status, of one firm unless another scope is given."""


def _entry(doc_no: str, kind: str, tonnes: str, day: str, **more: str) -> dict[str, str]:
    return entry(doc_no, kind, tonnes, day, material=PG) | more


def _load(doc_no: str, ends: str, tonnes: str, month: str, route: str) -> dict[str, str]:
    sender, taker = ends.split(">")
    row = load(doc_no, tonnes, tonnes, consignor=sender, consignee=taker, material=PG, route=route)
    row["dispatched_at"], row["received_at"] = f"{month}-10T08:00", f"{month}-10T15:00"
    return row


def entry_rows() -> list[dict[str, str]]:
    """Rows of entries."""
    rows = [
        _entry("O", "opening", "40.000", "2026-01-01", year_generated="2024"),
        _entry("Y", "from_yard", "20.000", "2026-01-05"),
        _entry("G2", "generation", "50.000", "2026-03-20", enterprise="maker2"),
        _entry("B-D", "disposal", "1.000", "2026-05-28", enterprise="board", route="fill"),
    ]
    for month in MONTHS:
        rows += [
            _entry(f"G-{month}", "generation", "100.000", f"{month}-05"),
            _entry(f"C-{month}", "use", "60.000", f"{month}-28", enterprise="cement",
                   route="retarder"),
            _entry(f"B-{month}", "use", "7.000", f"{month}-28", enterprise="board",
                   route="plaster"),
        ]  # fmt: skip
    return rows


def load_rows() -> list[dict[str, str]]:
    """Rows of shipments."""
    rows = []
    for month in MONTHS:
        rows += [
            _load(f"MC-{month}", "maker>cement", "70.000", month, "retarder"),
            _load(f"MT-{month}", "maker>trader", "10.000", month, "trade"),
            _load(f"TB-{month}", "trader>board", "8.000", month, "plaster"),
        ]
    rows += [
        _load("TM", "trader>maker", "2.000", "2026-02", "trade"),
        _load("CB", "cement>board", "5.000", "2026-04", "plaster"),
    ]
    return rows


def plan(books: Books) -> None:
    """Registry, coefficients, targets, output and records into empty books."""
    books.register(PLANNED)
    books.take("coefficients", *COEFFICIENTS)
    shared = {"scope": "enterprise:maker", "materials": PG, "year": "2026"}
    books.take("targets", *(shared | row for row in TARGETS))
    books.take(
        "products",
        {"enterprise": "maker", "product": "p2o5", "date": "2026-03-31", "tonnes": "20.000"},
    )
    books.entries(*entry_rows())
    books.loads(*load_rows())


# --- the cases of the tracing paper as files ---------------------------------------------------


def case_registry(firms: str) -> dict[str, list[dict[str, str]]]:
    """Registry for firms of one letter each; their works are facilities, so openings can be there.

    A firm with facilities accepts what one of these can do, hence both routes.
    """
    return {
        "enterprises": [{"code": firm, "name_zh": f"企业{firm}"} for firm in firms],
        "materials": PLANNED["materials"],
        "routes": PLANNED["routes"],
        "facilities": [
            {"code": f"{firm}.works", "enterprise": firm, "kind": "use", "name": "厂",
             "route": "retarder"}
            for firm in firms
        ],
    }  # fmt: skip


def case_rows(
    case: Mapping[str, Any], routes: Mapping[str, str]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(entries, shipments) of a case; routes: consignee → route, otherwise `trade`.

    What a month does not take out of a transit place is a load received later, oldest first.
    """
    entries: list[dict[str, str]] = []
    roads: dict[tuple[str, str], list[list[Any]]] = {}
    for part in case["months"]:
        month = part["month"]
        for place, origin, tonnes in part.get("opening", []):
            word, firm = place.split(":")
            name, year = origin.rsplit(":", 1)
            entries.append(
                _entry("", "opening", f"{tonnes}.000", f"{month}-01", enterprise=firm,
                       year_generated=year, generator=name,
                       facility=f"{firm}.works" if word == "site" else "")
            )  # fmt: skip
        for place, _, tonnes in part.get("sources", []):
            firm = place.split(":")[1]
            entries.append(
                _entry("", "generation", f"{tonnes}.000", f"{month}-02", enterprise=firm)
            )
        for source, target, tonnes in part["flows"]:
            _flow(entries, roads, month, source, target, tonnes)
        for place, what, tonnes in part["sinks"]:
            firm = place.split(":")[1]
            entries.append(
                _entry("", what, f"{tonnes}.000", f"{month}-27", enterprise=firm, route="retarder")
            )
    shipments = []
    for (giver, taker), loads in roads.items():
        for sent, got, tonnes in loads:
            row = load("", f"{tonnes}.000", f"{tonnes}.000" if got else "")
            row |= {"consignor": giver, "consignee": taker, "material": PG}
            row |= {"route": routes.get(taker, "trade"), "dispatched_at": f"{sent}-10T08:00"}
            shipments.append(row | ({"received_at": f"{got}-20T08:00"} if got else {}))
    for number, row in enumerate((*entries, *shipments)):
        row["doc_no"] = f"N-{number}"
    return entries, shipments


def _flow(
    entries: list[dict[str, str]],
    roads: dict[tuple[str, str], list[list[Any]]],
    month: str,
    source: str,
    target: str,
    tonnes: int,
) -> None:
    """One flow of a case: a yard entry, a dispatch, a receipt, or both at once."""
    kinds, ends = (source.split(":")[0], target.split(":")[0]), (source, target)
    if "yard" in kinds:
        kind = "from_yard" if kinds[0] == "yard" else "to_yard"
        firm = source.split(":")[1]
        entries.append(_entry("", kind, f"{tonnes}.000", f"{month}-05", enterprise=firm))
        return
    if kinds == ("site", "site"):
        roads.setdefault((source[5:], target[5:]), []).append([month, month, tonnes])
    elif kinds[1] == "transit":
        _, giver, taker = ends[1].split(":")
        roads.setdefault((giver, taker), []).append([month, "", tonnes])
    else:
        _, giver, taker = ends[0].split(":")
        _receive(roads[giver, taker], month, tonnes)


def _receive(loads: list[list[Any]], month: str, tonnes: int) -> None:
    for item in [item for item in loads if not item[1]]:
        taken = min(tonnes, item[2])
        if taken < item[2]:
            loads.append([item[0], "", item[2] - taken])
        item[1], item[2] = month, taken
        tonnes -= taken
        if not tonnes:
            return
    raise ValueError(f"{tonnes} t too much received")
