"""Laws of the store: order does not matter, SQL books = core books, every scenario proves sound."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.store.books import Books, child, entry, flow_rows, load
from wasteflow.core.balances import balances
from wasteflow.core.books import PeriodBooks, books_of_rollup
from wasteflow.core.periods import Period
from wasteflow.core.places import Place
from wasteflow.core.postings import FlowKey
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.booking import post_rollup
from wasteflow.services.reports import balance_report
from wasteflow_models import queries
from wasteflow_models.convert import load_keys

Pieces = list[tuple[str, list[dict[str, str]]]]

FIRMS = ("maker", "maker2", "trader", "cement", "board")
MONTHS = (202511, 202512, 202601, 202602, 202604)


def random_rows(
    dice: random.Random, loads: int
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Entries without stocktakes and loads with children, two levels deep, of a year's turn."""
    entries = [
        entry("O", "opening", "50.000", "2025-11-01", year_generated="2020"),
        entry("O2", "opening", "7.000", "2025-11-01", facility="maker.works"),
    ]
    kinds = ("generation", "to_yard", "from_yard", "use", "disposal", "treatment", "dumping")
    routes = {"use": "plaster", "disposal": "fill", "treatment": "wash"}
    for number in range(loads // 2):
        kind = dice.choice(kinds)
        row = entry(
            f"E{number}", kind, tonnes(dice, 1, 90_000), day(dice), route=routes.get(kind, "")
        )
        entries.append(row | {"weighed": dice.choice(["", "", "estimated"])})
    rows: list[dict[str, str]] = []
    for number in range(loads):
        add_load(dice, rows, f"L{number}")
    return entries, rows


def tonnes(dice: random.Random, low: int, high: int) -> str:
    """A mass between `low` and `high` kilograms as text."""
    kg = dice.randint(low, high)
    return f"{kg // 1000}.{kg % 1000:03d}"


def day(dice: random.Random) -> str:
    """A day of the months of the test."""
    month = dice.choice(MONTHS)
    return f"{month // 100}-{month % 100:02d}-{dice.randint(1, 28):02d}"


def add_load(dice: random.Random, rows: list[dict[str, str]], number: str) -> None:
    """A load on the road, accepted, or refused in part with a child (and its child)."""
    sent_on = day(dice)
    row = load(number, tonnes(dice, 20_000, 40_000), dispatched_at=f"{sent_on}T08:00:00+08:00")
    row |= {"consignor": dice.choice(["maker", "maker2"]), "loads": dice.choice(["", "2"])}
    fate = dice.random()
    if fate < 0.2:
        rows.append(row)
        return
    row["received_at"] = f"{sent_on}T20:00:00+08:00"
    row["accepted_t"] = tonnes(dice, 10_000, 40_000)
    if fate < 0.6:
        rows.append(row)
        return
    rows.append(row | {"refused_t": "9.000"})
    part = child(f"{number}-D", number, "5.000", "redirect", consignee="board", route="plaster")
    part |= {
        "dispatched_at": f"{sent_on}T21:00:00+08:00",
        "received_at": f"{sent_on}T22:00:00+08:00",
    }
    rows.append(part | {"accepted_t": "3.000", "refused_t": "2.000"})
    home = child(f"{number}-R", number, "1.500", consignee=row["consignor"])
    rows.append(home | {"dispatched_at": f"{sent_on}T21:30:00+08:00", "received_at": "2026-04-28"})
    if fate < 0.8:
        back = child(f"{number}-DR", f"{number}-D", "2.000", consignee=row["consignor"])
        back |= {"consignor": "board", "dispatched_at": "2026-04-28", "received_at": "2026-04-29"}
        rows.append(back)


def shuffled(
    dice: random.Random, entries: list[dict[str, str]], loads: list[dict[str, str]], count: int
) -> Pieces:
    """The same rows in `count` files of each kind, mixed, a child never before its parent."""
    place = {row["doc_no"]: dice.random() for row in loads}
    for row in loads:  # parents stand before their children in `loads`
        parent = row.get("parent_doc_no")
        if parent:
            place[row["doc_no"]] = dice.uniform(place[parent], 1)
    ordered = sorted(loads, key=lambda row: place[row["doc_no"]])
    cuts = sorted(dice.sample(range(1, len(ordered)), count - 1))
    pieces = [
        ordered[start:end] for start, end in zip([0, *cuts], [*cuts, len(ordered)], strict=True)
    ]
    for piece in pieces:
        dice.shuffle(piece)  # within a file the order is free
    dice.shuffle(entries)
    size = -(-len(entries) // count)
    files: Pieces = [("shipments", piece) for piece in pieces if piece]
    for start in range(0, len(entries), size):
        files.insert(dice.randrange(len(files) + 1), ("entries", entries[start : start + size]))
    return files


def test_the_same_rows_in_shuffled_pieces_give_the_same_books(
    books: Books,
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Any,
    _registered: Any,
) -> None:
    from tests.store.databases import new_database
    from wasteflow_models.engine import Database

    dice = random.Random(20261121)
    entries, loads = random_rows(dice, 60)
    books.loads(*loads)
    books.entries(*entries)
    books.check()
    whole = picture(books)
    for count in (3, 7):
        template = _registered(database_kind)
        with new_database(request, database_kind, tmp_path, template) as url:
            other = Books(Database(url), tmp_path)
            for kind, rows in shuffled(dice, list(entries), loads, count):
                other.take(kind, *rows)
            other.check()
            assert picture(other) == whole
            other.db.dispose()


def picture(books: Books) -> list[Any]:
    """Roll-up, balances and graphs of all levels."""
    periods = ("2025-11..2026-04", "2026Q1", "2025-12")
    found: list[Any] = [books.rollup()]
    for text in periods:
        found.append(balance_report(db=books.db, period=Period.parse(text)))
        for level in ("enterprise", "park", "region"):
            found += [books.graph(text, level=level), books.graph(text, keep_transit=True)]
    return found


def test_node_sums_equal_the_balances(books: Books) -> None:
    """With transit places: in - out of every node = closing - opening of its balance lines."""
    entries, loads = random_rows(random.Random(7), 60)
    books.loads(*loads)
    books.entries(*entries)
    for text in ("2025", "2026", "2026-01", "2025-12..2026-02"):
        report = balance_report(db=books.db, period=Period.parse(text))
        change: dict[str, int] = {}
        for row in report["rows"]:
            before, after = (int(row[name].replace(".", "")) for name in ("opening_t", "closing_t"))
            word = "" if row["compartment"] == "site" else row["compartment"] + ":"
            node = word + row["enterprise"]
            change[node] = change.get(node, 0) + after - before
        graph = books.graph(text, keep_transit=True)
        sums = dict.fromkeys(change, 0)
        for edge in graph["edges"]:
            for node, sign in ((edge["target"], 1), (edge["source"], -1)):
                node = ":".join(node.split(":")[:2]) if node.startswith("transit:") else node
                if node in sums:
                    sums[node] += sign * edge["kg"]
        assert sums == change, text


# --- SQL = core ------------------------------------------------------------------------------


def sql_books(books: Books, period: Period, material: str) -> PeriodBooks:
    """The books of a period as the queries give them."""
    with books.db.read() as session:
        keys = load_keys(session)
        return queries.period_books(session, keys, period, material=material)


def whole_rollup(books: Books) -> dict[FlowKey, tuple[int, int]]:
    """The stored roll-up with core keys."""
    with books.db.read() as session:
        keys = load_keys(session)
        return {
            FlowKey(
                row.month,
                keys.place(row.s_kind, row.s_a, row.s_b),
                keys.place(row.t_kind, row.t_a, row.t_b),
                keys.codes["material"][row.material_id],
                keys.codes["route"][row.route_id],
                Evidence(row.evidence),
            ): (row.kg, row.n)
            for row in flow_rows(session)
        }


def random_rollup(dice: random.Random, size: int) -> dict[FlowKey, tuple[int, int]]:
    """Roll-up rows between random places: books that no importer would make, most of them short."""
    ends = [f"{word}:{firm}" for firm in FIRMS for word in ("site", "yard")]
    ends += ["transit:maker:cement", "transit:trader:board", "generation", "use:plaster", "lost"]
    ends += ["opening::", "opening:maker:2020", "stocktake", "weighing_difference"]
    found: dict[FlowKey, tuple[int, int]] = {}
    while len(found) < size:
        source, target = (Place.parse(dice.choice(ends)) for _ in range(2))
        material = dice.choice(["pg", "slag"])
        grade = dice.choice(list(Evidence))
        key = FlowKey(dice.choice(MONTHS), source, target, material, "", grade)
        found[key] = (dice.randint(1, 50_000), dice.randint(1, 3))
    return found


PERIODS = ("2025-11", "2025-12", "2026-01", "2026-03", "2025-12..2026-02", "2025", "2026", "2026Q3")


def assert_same_books(books: Books) -> None:
    """Opening, flows, negative places and balances of all periods, per material and together."""
    rollup = whole_rollup(books)
    for text in PERIODS:
        period = Period.parse(text)
        for material in ("", "pg"):
            ours, theirs = (
                sql_books(books, period, material),
                books_of_rollup(rollup, period, material),
            )
            assert list(ours.flows) == list(theirs.flows), (text, material)
            opening = {key: kg for key, kg in theirs.opening.items() if kg}
            assert dict(ours.opening) == opening, (text, material)
            assert ours.negative == theirs.negative, (text, material)
            assert balances(ours, FIRMS) == balances(theirs, FIRMS)


@pytest.mark.parametrize("seed", range(4))
def test_sql_books_are_core_books_on_random_rollups(books: Books, seed: int) -> None:
    with books.db.write() as session:
        post_rollup(session, load_keys(session), random_rollup(random.Random(seed), 120), 0)
    assert_same_books(books)


def test_sql_books_are_core_books_on_imported_ledgers(books: Books) -> None:
    entries, loads = random_rows(random.Random(3), 40)
    books.entries(*entries)
    books.loads(*loads)
    assert_same_books(books)
    books.check()
