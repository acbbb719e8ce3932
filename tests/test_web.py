"""Pages as HTML on both databases: figures, reasons, headers, errors, language, tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import web_books
from tests.store.databases import KINDS
from wasteflow.app import create_app
from wasteflow.config import Basemap, Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

PAGES = ("/", "/map", "/map/frame", "/sankey", "/rates", "/flows", "/balances")
Client = Callable[..., FlaskClient]


@pytest.fixture(scope="module", params=KINDS)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The application over the small books, for the tests that only read."""
    folder = tmp_path_factory.mktemp("shared")
    files = (*web_books.REGISTRY, *web_books.LEDGER)
    with web_books.opened(request, request.param, folder, files) as app:
        yield app


@pytest.fixture
def client(shared: Flask) -> FlaskClient:
    """A browser of its own at the shared application."""
    return shared.test_client()


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address)
    text = response.get_data(as_text=True)
    assert response.status_code == status, text[-800:]
    return text


def words(html: str) -> str:
    """Text of a page without tags, single spaces."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


# --- figures ---------------------------------------------------------------------------------


def test_the_overview_names_period_scope_and_every_headline(client: FlaskClient) -> None:
    """1,900 t generated, 325 t accepted for use of them: official rate 17.1 %."""
    text = words(page(client, "/"))
    assert "2026年1—5月" in text
    assert "产生量 1,900.0 吨" in text
    assert "综合利用量 325.0 吨" in text
    assert "17.1 %" in text
    assert "≥ 65 % 2026" in text


def test_a_region_has_its_own_targets_and_the_metric_is_named(client: FlaskClient) -> None:
    """Anning lies in Yunnan, so the target of Yunnan holds there; national ones hold too."""
    html = page(client, "/?scope=region:530181")
    text = words(html)
    assert "≥ 75 %" in text and "云南省" in text and "指导性" in text
    assert "≥ 65 %" in text and "全国" in text
    for figure in re.findall(r'<figure class="scale">.*?</figure>', html, flags=re.DOTALL):
        assert "综合利用率" in words(figure)
    assert "≥ 75 %" not in words(page(client, "/").partition("其他地区的目标")[0])


def test_waste_through_a_trader_credits_its_generator_once(client_of: Client) -> None:
    """60 of 90 t given to the trader were used: 15 % of 400 t of ent.p2, nothing of the trader."""
    client = client_of((*web_books.REGISTRY, *web_books.TRADED))
    text = words(page(client, "/?scope=enterprise:ent.p2&material=phosphogypsum"))
    assert "15.0 %" in text and "综合利用量 60 吨" in text
    assert "综合利用量 385.0 吨" in words(page(client, "/"))


def test_a_rate_that_cannot_be_computed_is_said_in_words_and_never_zero(
    client_of: Client,
) -> None:
    """Stock is stated for 1 March: a period that begins before has no figure."""
    opening = (
        "doc_no,enterprise,kind,material,date,tonnes\n"
        "o1,ent.p1,opening,phosphogypsum,2026-03-01,50.000\n"
        "g1,ent.p1,generation,phosphogypsum,2026-03-15,100.000\n"
    )
    client = client_of((*web_books.REGISTRY, ("entries", opening)))
    text = words(page(client, "/?period=2026&scope=enterprise:ent.p1"))
    assert "不可计算" in text and "账本自 2026-03 起" in text
    assert " 0.0 %" not in text
    assert "改从账本起始月看起" in text
    assert "不可计算" in words(page(client, "/rates?period=2026")) or "账本自 2026-03 起" in words(
        page(client, "/rates?period=2026")
    )


def test_a_product_has_no_rate_until_it_is_asked_for(client: FlaskClient) -> None:
    assert "产品而非固体废物" in words(page(client, "/?material=petroleum_coke"))
    asked = words(page(client, "/?material=petroleum_coke&products=1"))
    assert "不是法定综合利用率" in asked and "产生量 30 吨" in asked


def test_disputed_weights_and_loads_on_the_road_need_attention(client: FlaskClient) -> None:
    """25 t of 30 t dispatched were received (disputed); 30 t are still on the road."""
    text = words(page(client, "/"))
    assert "收发重量有争议" in text and "1 条流向 · 25 吨" in text
    assert "期末在途" in text and "1 家发货企业 · 30 吨" in text
    rows = words(page(client, "/flows?evidence=disputed"))
    assert "共 1 行" in rows or "第 1–1 行" in rows


def test_a_period_before_the_books_says_so_and_offers_a_way(client: FlaskClient) -> None:
    text = words(page(client, "/?period=2024"))
    assert "没有记录" in text and "请放宽范围" in text


def test_balances_close_line_by_line(client: FlaskClient) -> None:
    rows = table(client, "/balances?format=csv")
    assert rows
    for row in rows:
        opening, came, went, closing = (float(row[key]) for key in list(row)[3:7])
        assert opening + came - went == pytest.approx(closing, abs=5e-4)


def test_synthetic_books_are_marked_on_every_page_and_file(client_of: Client) -> None:
    marked = [(kind, web_books.synthetic(content)) for kind, content in web_books.LEDGER]
    client = client_of((*web_books.REGISTRY, *marked))
    for address in PAGES:
        assert "合成" in words(page(client, address)), address
    assert all(row["synthetic"] == "true" for row in table(client, "/flows?format=csv"))


def test_real_books_are_not_marked(client: FlaskClient) -> None:
    for address in PAGES:
        assert "合成数据" not in words(page(client, address)), address


# --- states ----------------------------------------------------------------------------------


def test_empty_books_tell_the_commands_that_fill_them(client_of: Client) -> None:
    client = client_of()
    for address in PAGES:
        text = words(page(client, address))
        assert "wasteflow demo" in text and "wasteflow import shipments" in text, address
    assert "wasteflow seed" in words(page(client, "/?lang=en"))


def test_books_without_links_say_what_next(client_of: Client) -> None:
    client = client_of((*web_books.REGISTRY, ("entries", web_books.ENTRIES)))
    for address in ("/", "/flows", "/sankey?between=1"):
        assert "没有企业之间的流向" in words(page(client, address)), address
    assert client.get("/map/frame").status_code == 200


@pytest.mark.parametrize("address", ["/", "/rates", "/flows", "/balances", "/map", "/sankey"])
def test_a_bad_period_is_422_with_the_forms_and_keeps_the_form(
    client: FlaskClient, address: str
) -> None:
    html = page(
        client, f"{address}?scope=park:park.a&period_text=2026-13&material=phosphogypsum", 422
    )
    text = words(html)
    for form in ("2024", "2024H1", "2024Q3", "2024-07", "2024-01..2024-06"):
        assert form in text
    assert 'value="2026-13"' in html
    assert re.search(r'value="park:park.a" selected', html)
    assert re.search(r'value="phosphogypsum" selected', html)
    assert f'action="{address}"' in html


def test_errors_say_what_next_and_carry_the_request_id(client: FlaskClient) -> None:
    for address, status in (("/nowhere", 404), ("/?scope=park:none.such", 404), ("/?scope=x", 422)):
        response = client.get(address, headers={"X-Request-Id": "abcdefgh-1"})
        assert response.status_code == status
        assert response.headers["X-Request-Id"] == "abcdefgh-1"
        assert "abcdefgh-1" in response.get_data(as_text=True)
    assert client.post("/").status_code == 405
    assert "GET" in client.post("/").headers["Allow"]


def test_an_unexpected_error_shows_no_inside(
    client_of: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("secret inside")

    client = client_of(web_books.REGISTRY)
    monkeypatch.setattr("wasteflow.web.access.overview", broken)
    html = page(client, "/", 500)
    assert "secret inside" not in html and "请求编号" in html


# --- health ----------------------------------------------------------------------------------


def test_health_and_readiness(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_not_ready_says_why_and_pages_say_so_too(raw_database_url: str) -> None:
    app = create_app(Config(raw_database_url, accounts=OPEN))
    client = app.test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["reason"] == "empty"
    assert "wasteflow db upgrade" in words(page(client, "/", 503))
    assert client.get("/healthz").status_code == 200
    with app.app_context():
        books().db.dispose()


def test_an_unreachable_database_is_503(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    client = create_app(
        Config("postgresql+psycopg://nobody:secretword@127.0.0.1:1/none")
    ).test_client()
    response = client.get("/readyz")
    assert response.status_code == 503 and response.get_json()["reason"] == "unreachable"
    html = page(client, "/", 503)
    assert "secretword" not in html


# --- headers and escaping ----------------------------------------------------------------------


def test_every_page_has_the_security_headers_and_no_inline_handler(client: FlaskClient) -> None:
    for address in (*PAGES, "/nowhere", "/?period=x"):
        response = client.get(address)
        policy = response.headers["Content-Security-Policy"]
        nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
        assert nonce and "default-src 'none'" in policy
        assert "unsafe-inline" not in policy and "unsafe-eval" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        html = response.get_data(as_text=True)
        for tag in re.findall(r"<(?:script|style)\b[^>]*>", html):
            assert f'nonce="{nonce[1]}"' in tag, (address, tag)
        assert not re.search(r"<[^>]+\son\w+=", html), address
        assert not re.search(r"<[^>]+\sstyle=", html) or "frame" in address, address
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html), address


def test_the_nonce_is_new_each_time(client: FlaskClient) -> None:
    first, second = (client.get("/").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_a_basemap_is_the_only_foreign_origin_and_only_for_images(client_of: Client) -> None:
    basemap = Basemap("https://t0.example.org/{z}/{x}/{y}.png", "示例", "GS(2024)0001号")
    client = client_of((*web_books.REGISTRY, *web_books.LEDGER), basemap=basemap)
    policy = client.get("/map/frame").headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://t0.example.org;" in policy
    assert "GS(2024)0001" in page(client, "/map/frame")


def test_text_of_users_is_escaped(client_of: Client) -> None:
    firms = web_books.ENTERPRISES.replace(
        "甲化工", '"' + web_books.HOSTILE.replace('"', '""') + '"'
    )
    files = dict(web_books.REGISTRY) | {"enterprises": firms}
    client = client_of((*files.items(), *web_books.LEDGER))
    for address in (*PAGES, "/sankey?level=enterprise", "/map/file", "/?scope=enterprise:ent.p1"):
        assert "<script>alert" not in page(client, address), address
    assert "<script>" not in page(client, "/?period_text=<script>alert(1)</script>", 422)
    assert "<script>" not in page(client, "/flows?q=<script>alert(1)</script>")


def test_csv_is_safe_in_spreadsheets(client_of: Client) -> None:
    firms = web_books.ENTERPRISES.replace("甲化工", "=1+1")
    files = dict(web_books.REGISTRY) | {"enterprises": firms}
    client = client_of((*files.items(), *web_books.LEDGER))
    text = client.get("/flows?format=csv").get_data().decode("utf-8-sig")
    assert "'=1+1" in text and "\n=1+1" not in text


# --- language, theme, links ---------------------------------------------------------------------


def test_the_language_follows_the_url_and_then_the_cookie(client: FlaskClient) -> None:
    assert "Utilisation at a glance" in page(client, "/?lang=en")
    assert "Utilisation at a glance" in page(client, "/"), "the cookie keeps it"
    assert "综合利用总览" in page(client, "/?lang=zh")
    assert '<html lang="zh-CN"' in page(client, "/")
    assert "lang=en" in page(client, "/?lang=en").partition("<nav")[2].partition("</nav>")[0]


def test_english_pages_hold_no_chinese_of_ours(client: FlaskClient) -> None:
    for address in ("/", "/rates", "/flows", "/balances", "/sankey", "/map"):
        html = page(client, f"{address}?lang=en")
        html = re.sub(r'<td class="source".*?</td>', "", html, flags=re.DOTALL)
        found = re.findall(r"[\u4e00-\u9fff]+", words(html))
        assert set(found) <= {"中文"}, (address, found)


def test_the_theme_is_kept_in_a_cookie(client: FlaskClient) -> None:
    assert "data-theme" not in page(client, "/").partition("<head>")[0]
    assert 'data-theme="dark"' in page(client, "/?theme=dark")
    assert 'data-theme="dark"' in page(client, "/rates")
    assert "data-theme" not in page(client, "/?theme=auto").partition("<head>")[0]


def test_pages_keep_scope_period_and_material_in_their_links(client: FlaskClient) -> None:
    nav = page(client, "/?scope=park:park.a&period=2026Q1&material=phosphogypsum")
    nav = nav.partition("<nav")[2].partition("</nav>")[0]
    for address in re.findall(r'href="([^"]+)"', nav):
        assert "scope=park:park.a" in address and "period=2026Q1" in address
        assert client.get(address.replace("&amp;", "&")).status_code == 200


def test_every_link_of_the_overview_leads_somewhere(client: FlaskClient) -> None:
    html = page(client, "/")
    addresses = {a.replace("&amp;", "&") for a in re.findall(r'href="(/[^"]*)"', html)}
    assert len(addresses) > 20
    for address in sorted(addresses):
        with client.get(address) as response:
            assert response.status_code == 200, address


# --- tables -------------------------------------------------------------------------------------


def table(client: FlaskClient, address: str) -> list[dict[str, str]]:
    text = client.get(address).get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_of_3000_rows_pages_sorts_and_filters_on_the_server(client_of: Client) -> None:
    files = (*web_books.REGISTRY, ("entries", web_books.ENTRIES), *web_books.many_links(3000))
    client = client_of(files)
    html = page(client, "/flows")
    assert "第 1–50 行，共 3,000 行" in words(html)
    assert html.count("<tr>") == 51
    assert len(html) < 200_000
    assert "第 51–100 行" in words(page(client, "/flows?offset=50"))
    assert "第 2,951–3,000 行" in words(page(client, "/flows?offset=2950"))
    assert "第 3,000–3,000 行" in words(page(client, "/flows?offset=999999"))
    assert "第 1–200 行" in words(page(client, "/flows?limit=5000"))
    assert "共 1 行" in words(page(client, "/flows?q=用户2999"))
    assert "没有符合条件的行" in words(page(client, "/flows?q=nothing-like-it"))
    assert len(table(client, "/flows?format=csv")) == 3000
    assert "用户999" in words(page(client, "/flows?sort=-target&limit=1"))
    assert "合为“其他”" in words(page(client, "/sankey?level=enterprise"))
    assert "共 3,000 家企业" not in words(page(client, "/")), "firms are counted, not listed"


def test_rates_of_every_grouping_answer(client: FlaskClient) -> None:
    for by in ("park", "enterprise", "region", "material", "month", "quarter,material", "nonsense"):
        assert client.get(f"/rates?by={by}").status_code == 200
    rows = table(client, "/rates?by=month&format=csv")
    assert [row["月份"] for row in rows] == ["2026-01", "2026-02", "2026-03", "2026-05"]


def test_the_map_file_stands_alone(client: FlaskClient) -> None:
    response = client.get("/map/file")
    assert "attachment" in response.headers["Content-Disposition"]
    html = response.get_data(as_text=True)
    assert not re.search(r'(?:src|href)="/', html)


def test_static_files_are_kept_a_year_and_only_known_ones_exist(client: FlaskClient) -> None:
    told = re.findall(r'(?:src|href|data-scripts)="(/static/[^"]+)"', page(client, "/sankey"))
    found = [address for addresses in told for address in addresses.split()]
    assert any("/static/vendor/" in address for address in found)
    for address in found:
        with client.get(address) as response:
            assert response.status_code == 200
            assert "max-age=31536000" in response.headers["Cache-Control"]
    for name in ("vendor/../app.py", "vendor/nope.js", "../config.py", "nope.css"):
        assert client.get(f"/static/{name}").status_code == 404
