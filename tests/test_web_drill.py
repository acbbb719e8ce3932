"""Every figure of rates, targets and provenance opens into its records; sums agree at each step."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

CLICKS = 3
WASHING = (
    "code,material,name_zh,name_en,fate\n"
    "pg_wash,phosphogypsum,水洗,Washing,treatment\npg_fill,phosphogypsum,填埋,Landfill,disposal\n"
)
OLD_STOCK = (
    "doc_no,enterprise,kind,material,route,date,tonnes,year_generated\n"
    "o1,ent.p1,opening,phosphogypsum,,2026-01-01,50.000,2024\n"
    "o2,ent.p1,opening,phosphogypsum,,2026-01-01,30.000,2025\n"
    "o3,ent.p1,from_yard,phosphogypsum,,2026-01-10,60.000,\n"
    "o4,ent.p1,treatment,phosphogypsum,pg_wash,2026-01-25,200.000,\n"
    "o5,ent.p1,disposal,phosphogypsum,pg_fill,2026-03-25,70.500,\n"
    "o6,ent.p1,dumping,phosphogypsum,,2026-03-26,1.250,\n"
    "o7,ent.p1,to_yard,phosphogypsum,,2026-04-26,100.000,\n"
)
AHEAD = (
    "doc_no,consignor,consignee,material,route,mode,dispatched_at,dispatched_t,received_at,"
    "received_t,accepted_t,loads\n"
    "h1,ent.trade,ent.use,phosphogypsum,pg_use,road,2026-01-05,10.000,2026-01-06,10.000,10.000,1\n"
)
FACTOR = (
    "code,kind,material,driver,low,typical,high,source\n"
    "acid,generation,phosphogypsum,p2o5,4.5,5,5.5,paper\n"
)
PRODUCT = (
    "enterprise,product,date,tonnes,p2o5_pct\n"
    "ent.p1,p2o5,2026-03-31,160.000,\nent.p1,p2o5,2026-04-30,140.000,\n"
)
TARGET = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.p1,enterprise:ent.p1,phosphogypsum,consumption_balance,>=,0.75,fraction,2026,binding,县\n"
    "t.p1s,enterprise:ent.p1,phosphogypsum,net_new_stock,<=,-240,t,2026,binding,县\n"
    "t.p1u,enterprise:ent.p1,phosphogypsum,utilised_amount,>=,900,t,2026,guiding,县\n"
)
FIGURE = re.compile(r'<a\b[^>]*href="(/(?:postings|records)\?[^"]*)"[^>]*>\s*(-?[\d,]+\.\d{3})\s*<')
SUM = re.compile(r'class="sum-line">.*?<b>(-?[\d,]+\.\d{3}) ', re.DOTALL)


def opened(url: str, folder: Path) -> Iterator[FlaskClient]:
    """Old stock of two years, a treatment, a disposal, and a load sent before anything arrived."""
    more = (("routes", WASHING), ("targets", TARGET), ("coefficients", FACTOR))
    ledger = (
        ("entries", OLD_STOCK),
        *web_books.TRADED,
        ("shipments", AHEAD),
        ("products", PRODUCT),
    )
    web_books.load(url, folder, (*web_books.REGISTRY, *more, *ledger))
    app = create_app(Config(url, accounts=OPEN))
    yield app.test_client()
    with app.app_context():
        books().db.dispose()


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """Those books on both databases."""
    yield from opened(database_url, tmp_path)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path
) -> Iterator[FlaskClient]:
    """Those books once for all tests that only read."""
    folder = tmp_path_factory.mktemp("drill")
    path = folder / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    yield from opened(f"sqlite:///{path.as_posix()}", folder)


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, (address, response.get_data(as_text=True)[-600:])
    return response.get_data(as_text=True)


def figures(html: str) -> dict[str, Decimal]:
    """Address → the number that leads there."""
    found = FIGURE.findall(html)
    return {unescape(address): Decimal(number.replace(",", "")) for address, number in found}


def descend(client: FlaskClient, address: str, number: Decimal, seen: set[str], click: int) -> int:
    """Follow a figure down to its records; gives the largest number of clicks it took."""
    html = page(client, address)
    assert "≠" not in html and "✓" in html, address
    sum_ = SUM.search(html)
    assert sum_ and Decimal(sum_[1].replace(",", "")) == number, address
    if address.startswith("/records"):
        return click
    deepest = click
    rows = figures(html)
    assert rows, address
    for inner, amount in rows.items():
        if inner.startswith("/records"):
            # the row leads on with its posting; what its part is stands beside it
            shown = page(client, inner) if inner not in seen else ""
            assert "≠" not in shown and (inner in seen or "✓" in shown), inner
            seen.add(inner)
            deepest = max(deepest, click + 1)
        elif inner not in seen:
            seen.add(inner)
            deepest = max(deepest, descend(client, inner, amount, seen, click + 1))
    return deepest


@pytest.mark.parametrize("basis", ["declared", "verified"])
def test_every_term_of_every_firm_opens(client: FlaskClient, basis: str) -> None:
    html = page(client, f"/rates?by=enterprise&basis={basis}&terms=all")
    found = figures(html)
    for term in ("generated", "utilised", "stored", "disposed", "dumped", "treated", "settled"):
        assert any(f"term={term}&" in f"{address}&" for address in found), term
    seen: set[str] = set()
    for address, number in found.items():
        assert descend(client, address, number, seen, 1) <= CLICKS, address


@pytest.mark.parametrize("direction", ["downstream", "upstream"])
@pytest.mark.parametrize("firm", ["ent.p1", "ent.trade", "ent.use"])
def test_every_row_of_a_trace_opens_with_its_own_year(
    client: FlaskClient, firm: str, direction: str
) -> None:
    html = page(client, f"/provenance?scope=enterprise:{firm}&direction={direction}")
    found = figures(html)
    if (firm, direction) == ("ent.p1", "downstream"):
        assert {"2024", "2025", "2026"} <= set(re.findall(r"[?&]year=(\d+)", " ".join(found)))
    if firm == "ent.p1" or direction == "upstream":
        assert found
    seen: set[str] = set()
    for address, number in found.items():
        assert descend(client, address, number, seen, 1) <= CLICKS, address


def test_a_target_opens_into_its_terms(shared: FlaskClient) -> None:
    """Board → the rate with its terms → postings → records."""
    board = page(shared, "/targets?scope=enterprise:ent.p1")
    rates = [unescape(a) for a in re.findall(r'href="(/rates\?[^"]*)"', board)]
    mine = next(a for a in rates if "formula=consumption_balance" in a)
    found = figures(page(shared, mine))
    assert any("term=treated" in address for address in found)
    for address, number in found.items():
        assert descend(shared, address, number, set(), 2) <= CLICKS + 1, address


def cells(html: str, head: str) -> list[tuple[str, str, str]]:
    """(address, exact value, words) of every cell in the body rows that begin with `head`."""
    body = html[html.index("<tbody") : html.index("</tbody>")]
    rows = [row for row in body.split("</tr>") if head in row]
    assert rows
    found = re.findall(r"<td\b([^>]*)>(.*?)</td>", rows[0], re.DOTALL)
    return [
        (
            unescape("".join(re.findall(r'href="([^"]*)"', inside))),
            "".join(re.findall(r'title="(-?[\d.]+) t"', marks)),
            unescape(re.sub(r"<[^>]+>", "", inside)).strip(),
        )
        for marks, inside in found
    ]


def rolled(html: str) -> tuple[Decimal, Decimal, dict[str, Decimal]]:
    """(net new stock, draw on old stock, address → what they are made of) of the rates page."""
    line = re.search(r'<p class="sum-line rolled">(.*?)</p>', html, re.DOTALL)
    assert line
    net, drawn = (Decimal(n.replace(",", "")) for n in re.findall(r"<b>(-?[\d,.]+) ", line[1]))
    terms = figures(line[1])
    whole = next(a for a in terms if "term=stored" in a and "&at=" not in a)
    stored = terms.pop(whole)
    assert stored == sum(kg for address, kg in terms.items() if "&at=" in address)
    older = sum(kg for address, kg in terms.items() if "_prior" in address)
    assert net == stored - older and drawn == older
    return net, drawn, terms


@pytest.mark.parametrize("period", ["", "&period=2026-03..2026-05"])
def test_use_sets_output_opens_figure_by_figure(shared: FlaskClient, period: str) -> None:
    """Quota → postings → records; net new stock and draw first into the terms they are made of."""
    row = cells(page(shared, f"/quota?lang=en{period}"), "ent.p1")
    generated, consumed, _, net, allowed, acid, drawn, plan, old, _ = row
    assert "–" in acid[2] and acid[0] == allowed[0], "P2O5 comes from what may be generated"
    assert consumed == allowed, "the next period may generate what this one used"
    for address, exact, _ in (generated, consumed):
        assert descend(shared, address, Decimal(exact), set(), 1) <= CLICKS, address
    assert net[0] == drawn[0]
    told = rolled(page(shared, net[0].partition("#")[0]))
    assert told[:2] == (Decimal(net[1]), Decimal(drawn[1])) and drawn[1] != "0.000"
    seen: set[str] = set()
    for address, number in told[2].items():
        assert descend(shared, address, number, seen, 2) <= CLICKS, address
    assert plan[1] and plan[0].startswith("/targets?scope=enterprise:ent.p1")
    assert plan[1] == ("100.000" if not period else "60.000"), "20 t a month"
    stock = page(shared, old[0] + "&format=csv").splitlines()
    heads, *lines = csv.reader(stock)
    column = heads.index(
        next(h for h in heads if ("opening" if not period else "closing") in h.lower())
    )
    assert sum(Decimal(line[column]) for line in lines) == Decimal(old[1]) > 0


def test_the_cross_check_opens_into_output_and_generation(shared: FlaskClient) -> None:
    output, generated, low, typical, high, *_ = cells(
        page(shared, "/crosscheck?lang=en"), "ent.p1"
    )[1:]
    made = page(shared, output[0])
    amount = r'data-label="[^"]*">([\d,.]+)(?:<small.*?</small>)?</td><td class="n[ "]'
    amounts = re.findall(amount, made)
    tonnes = sum(Decimal(text.replace(",", "")) for text in amounts)
    assert f"{tonnes:.1f}" in output[2] and tonnes == 300
    assert [Decimal(cell[1]) for cell in (low, typical, high)] == [1350, 1500, 1650]
    assert descend(shared, generated[0], Decimal(generated[1]), set(), 1) <= CLICKS


def test_an_audited_rate_stands_beside_the_amounts_it_comes_from(shared: FlaskClient) -> None:
    given = "id,generated,utilised,stored,published_rate\ncity,14.8,8.6,5.5,58.1\n"
    html = shared.post("/audit?lang=en", data={"text": given}).get_data(as_text=True)
    shown = re.search(r'<p class="sum-line">(.*?)</p>', html, re.DOTALL)
    assert shown and re.findall(r"<b>([\d.]+)</b>", shown[1]) == ["14.8", "8.6", "5.5"]
    assert "58.1" in html and f"{8.6 / 14.8 * 100:.2f} %" in html


@pytest.mark.parametrize("basis", ["declared", "verified"])
def test_every_figure_of_the_board_opens(shared: FlaskClient, basis: str) -> None:
    """Board → the rate with its terms, where the figure stands → postings → records."""
    board = page(shared, "/targets?scope=enterprise:ent.p1&lang=en")
    opened = [unescape(a) for a in re.findall(r'<b[^>]*><a href="(/rates\?[^"]*)"', board)]
    seen: set[str] = set()
    for address in (a for a in opened if f"basis={basis}" in a and "terms=all" in a):
        html = page(shared, address)
        net, drawn, terms = rolled(html)
        used = next(kg for a, kg in figures(html).items() if "term=utilised&" in f"{a}&")
        assert any(f"{kg:,.1f}" in board for kg in (net, used)) and drawn > 0
        for inner, number in terms.items():
            if inner not in seen:
                assert descend(shared, inner, number, seen, 2) <= CLICKS, inner
            seen.add(inner)
    assert sum("terms=all" in address for address in opened) == 4, "two targets, two bases"
