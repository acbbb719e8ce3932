"""Planning pages on both databases: targets, rates explained, drill, provenance, quota, auditor."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import web_books
from tests.store.databases import KINDS
from wasteflow.services.auditing import COLUMNS

FIRM = "scope=enterprise:ent.p2"
PAGES = (
    "/targets",
    "/rates",
    "/rates?terms=all&basis=verified",
    "/gap",
    f"/postings?{FIRM}",
    f"/postings?{FIRM}&term=stored",
    f"/postings?{FIRM}&compartment=site&direction=out",
    "/provenance",
    f"/provenance?{FIRM}&other=ent.use",
    "/quota",
    "/crosscheck",
    "/audit",
)
FIGURES = (
    "id,scope,year,generated,utilised,disposed,stored,dumped,decimals_of_amounts,published_rate,"
    "decimals_of_rate\ncities-2016,214城市,2016,14.8,8.6,3.8,5.5,0.0,1,48.0,1\n"
)
JUDGED = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.p1,enterprise:ent.p1,phosphogypsum,official,>=,0.75,fraction,2026,binding,县方案\n"
    "t.p2,enterprise:ent.p2,phosphogypsum,official,>=,0.10,fraction,2026,guiding,县方案\n"
    "t.words,park:park.a,phosphogypsum,qualitative,,,,2026,,有效提高\n"
)
Client = Callable[..., FlaskClient]


@pytest.fixture(scope="module", params=KINDS)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The application over books with a trader and targets, for the tests that only read."""
    folder = tmp_path_factory.mktemp("shared")
    files = (*web_books.REGISTRY, ("targets", JUDGED), *web_books.TRADED)
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
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def table(client: FlaskClient, address: str) -> list[dict[str, str]]:
    joint = "&" if "?" in address else "?"
    text = client.get(f"{address}{joint}format=csv").get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def links(html: str, start: str) -> list[str]:
    found = (unescape(address) for address in re.findall(r'href="([^"]+)"', html))
    return list(dict.fromkeys(address for address in found if address.startswith(start)))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


# --- every page -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", PAGES)
def test_every_page_answers_in_both_languages_with_its_bar(
    client: FlaskClient, address: str
) -> None:
    joint = "&" if "?" in address else "?"
    html = page(client, address)
    assert 'id="f-scope"' in html and 'id="f-period"' in html and 'id="f-material"' in html
    english = page(client, f"{address}{joint}lang=en")
    english = re.sub(r'class="source".*?</details>', "", english, flags=re.DOTALL)
    assert set(re.findall(r"[\u4e00-\u9fff]+", words(english))) <= {"中文"}, address


def test_empty_books_and_mistyped_values_are_said_on_every_page(client_of: Client) -> None:
    client = client_of()
    for address in ("/targets", "/rates", "/gap", "/postings", "/provenance", "/quota"):
        assert "账本还是空的" in words(page(client, address)), address
    for address in ("/crosscheck", "/records"):
        assert "账本还是空的" in words(page(client, address)), address
    assert "不入库" in words(page(client, "/audit"))


def test_a_value_that_cannot_be_used_is_refused_in_words(client: FlaskClient) -> None:
    assert "period_text" in page(client, "/targets?period_text=x", 422)
    assert "没有部位" in words(page(client, f"/postings?{FIRM}&compartment=cellar", 422))
    bad = "/records?month=2026-02&source=site:nobody&target=use:pg_use&stuff=phosphogypsum"
    assert "没有部位" in words(page(client, f"{bad}&evidence=both", 422))
    assert page(client, "/rates?scope=enterprise:nobody", 404)


def test_synthetic_books_are_marked_on_every_page_and_file(client_of: Client) -> None:
    marked = [(kind, web_books.synthetic(content)) for kind, content in web_books.TRADED]
    client = client_of((*web_books.REGISTRY, *marked))
    for address in PAGES:
        assert "合成数据" in words(page(client, address)), address
    for address in ("/targets", "/rates", "/gap", f"/postings?{FIRM}"):
        rows = table(client, address)
        assert rows and {row["synthetic"] for row in rows} == {"true"}, address


# --- targets ----------------------------------------------------------------------------------


def test_a_target_of_one_firm_is_judged_and_a_national_one_is_a_reference_line(
    client: FlaskClient,
) -> None:
    """ent.p1: 325 of 1,500 t, far from 75 %; ent.p2: 60 of 400 t, beyond 10 %."""
    text = words(page(client, "/targets"))
    first, second = text.index("甲化工 综合利用率"), text.index("乙化工 综合利用率")
    assert first < second < text.index("全国")
    assert "落后" in text[first:second] and "21.7 %" in text[first:second]
    assert "达标" in text[second:] and "15.0 %" in text[second:]
    national = text[text.index("全国") :]
    assert "参考线" in national and "只画作参考线" in national
    assert "定性要求，没有数值" in text


def test_the_board_filters_by_status_and_is_a_file(client: FlaskClient) -> None:
    html = page(client, "/targets?status=met")
    assert html.count('<article class="board') == 1
    rows = table(client, "/targets")
    assert {row["状态"] for row in rows} >= {"达标", "参考线", "未评判"}
    assert all(row["来源"] for row in rows)


def test_no_chart_holds_two_metrics(client: FlaskClient) -> None:
    for card in re.findall(r"<article.*?</article>", page(client, "/targets"), flags=re.DOTALL):
        assert card.count("<svg viewBox") <= 1


def test_a_judged_figure_leads_to_its_records_in_three_clicks(client: FlaskClient) -> None:
    card = page(client, "/targets?status=met").partition("<article")[2]
    rates = links(card, "/rates")[0]
    assert "15.0 %" in words(page(client, rates))
    postings = links(page(client, rates), "/postings")
    used = next(address for address in postings if "term=utilised&" in f"{address}&")
    rows = table(client, used)
    assert total(rows, "其中本企业 (t)") == 60
    for record in links(page(client, used), "/records"):
        assert "✓" in words(page(client, record))


# --- rates and drill --------------------------------------------------------------------------


def test_the_formula_stands_with_its_tonnes_where_the_number_stands(client: FlaskClient) -> None:
    text = words(page(client, "/rates"))
    assert "综合利用量 385.0 吨" in text and "产生量 1,900.0 吨" in text
    assert "= 20.3 %" in text and "基101表" in text and "残差 0.000 吨 ✓" in text
    assert "本系统推定" in words(page(client, "/rates?formula=new_waste"))
    assert "累计核实利用" in text and "占利用处置总量比" in text


@pytest.mark.parametrize("basis", ["declared", "verified", "territorial"])
@pytest.mark.parametrize("by", ["enterprise", "park", "region", "material", "route", "evidence"])
def test_the_rows_of_every_grouping_add_up_to_the_total(
    client: FlaskClient, basis: str, by: str
) -> None:
    used = {"declared": 385, "verified": 200, "territorial": 200}[basis]
    address = f"/rates?by={by}&basis={basis}"
    assert total(table(client, address), "利用量 (t)") == used
    assert "＝ 上方总数 ✓" in words(page(client, address))


@pytest.mark.parametrize("basis", ["declared", "verified", "territorial"])
def test_tonnes_of_a_firm_open_into_postings_and_records_that_add_up(
    client: FlaskClient, basis: str
) -> None:
    html = page(client, f"/rates?by=enterprise&basis={basis}&terms=all")
    seen = 0
    for address in links(html, "/postings"):
        answer = page(client, address)
        assert "✓" in words(answer) and "≠" not in words(answer), address
        for record in links(answer, "/records"):
            text = words(page(client, record))
            assert "✓" in text and "≠" not in text, record
            seen += 1
    assert seen >= 4


def test_records_name_document_date_and_tonnes(client: FlaskClient) -> None:
    rows = table(client, f"/postings?{FIRM}&term=utilised")
    assert [row["去向"] for row in rows] == ["水泥缓凝剂"]
    record = links(page(client, f"/postings?{FIRM}&term=utilised"), "/records")[0]
    (row,) = table(client, record)
    assert row["单号"] == "x2" and row["计入 (t)"] == "60.000" and row["验收日"] == "2026-02-26"


def test_links_and_balances_open_into_records(client: FlaskClient) -> None:
    for start in ("/flows", "/balances"):
        found = links(page(client, start), "/postings")
        assert found, start
        for address in found:
            answer = page(client, address)
            assert "✓" in words(answer), address
            for record in links(answer, "/records")[:3]:
                assert "✓" in words(page(client, record)), record


def test_many_records_page_on_the_server(client_of: Client) -> None:
    firm = "doc_no,enterprise,kind,material,date,tonnes\n" + "".join(
        f"n{i},ent.p1,generation,phosphogypsum,2026-04-{i % 28 + 1:02d},1.001\n" for i in range(260)
    )
    client = client_of((*web_books.REGISTRY, ("entries", firm)))
    record = links(page(client, "/postings?scope=enterprise:ent.p1&term=generated"), "/records")[0]
    html = page(client, record)
    assert "共 260 行" in words(html) and html.count("<tr>") == 51
    assert "260.260 吨" in words(html)
    assert len(table(client, record)) == 260


def test_the_gap_names_the_firms_and_opens_both_sides(client: FlaskClient) -> None:
    """385 t declared, 200 t really used."""
    rows = table(client, "/gap")
    assert total(rows, "申报 (t)") == 385 and total(rows, "核实 (t)") == 200
    found = links(page(client, "/gap"), "/postings")
    assert {"declared", "verified"} <= set(re.findall(r"basis=(\w+)", " ".join(found)))


# --- provenance, quota, cross-check -------------------------------------------------------------


def test_provenance_adds_up_and_says_its_rule(client: FlaskClient) -> None:
    html = page(client, f"/provenance?{FIRM}")
    assert "按混合规则推算" in words(html) and 'id="sankey-data"' in html
    assert total(table(client, f"/provenance?{FIRM}"), "数量 (t)") == 400
    upstream = table(client, "/provenance?scope=enterprise:ent.use&direction=upstream")
    assert {row["产生单位"] for row in upstream} == {"甲化工", "乙化工"}
    english = page(client, f"/provenance?{FIRM}&lang=en")
    assert "Under the mixing rule" in words(english)


def test_the_path_between_two_firms_goes_through_the_trader(client: FlaskClient) -> None:
    text = words(page(client, f"/provenance?{FIRM}&other=ent.use"))
    assert "乙化工 → 丁建材 的路径" in text and "在途 乙化工 → 丙贸易" in text
    assert "没有该产生单位" not in text


def test_loops_and_resale_are_told(client: FlaskClient) -> None:
    text = words(page(client, "/provenance"))
    assert "环流与转卖" in text and "多计" in text and "丙贸易" in text


def test_quota_holds_generation_against_consumption(client: FlaskClient) -> None:
    rows = {row["企业"]: row for row in table(client, "/quota")}
    assert rows["乙化工"]["消纳（利用）量 (t)"] == "60.000"
    assert rows["乙化工"]["下期可产生量 (t)"] == "60.000"
    assert "新增堆存量大于零" in rows["乙化工"]["提示"]
    assert "2 家大于零" in words(page(client, "/quota"))


def test_crosscheck_without_output_says_what_to_import(client: FlaskClient) -> None:
    assert "products" in words(page(client, "/crosscheck"))


def test_the_overview_shows_verified_targets_gap_and_quota(client: FlaskClient) -> None:
    html = page(client, "/")
    strip = words(html.partition('class="plan-strip"')[2].partition("</section>")[0])
    assert "10.5 %" in strip and "申报 20.3 %" in strip
    assert "2 项已评判" in strip and "甲化工" in strip and "以用定产" in strip
    assert links(html, "/targets?status=") or links(html, "/targets")


# --- auditor ------------------------------------------------------------------------------------


def upload(client: FlaskClient, body: bytes, **more: Any) -> TestResponse:
    """Post a file as a browser does; by hand, since the test client spools large ones to disk."""
    head = 'Content-Disposition: form-data; name="file"; filename="figures.csv"'
    parts = [b"--edge", f"{head}\r\nContent-Type: text/csv\r\n".encode(), body, b"--edge--", b""]
    kind = "multipart/form-data; boundary=edge"
    return client.post("/audit", data=b"\r\n".join(parts), content_type=kind, **more)


def test_an_uploaded_table_is_audited(client: FlaskClient) -> None:
    text = words(upload(client, FIGURES.encode()).get_data(as_text=True))
    assert "与占利用处置总量比相符" in text and "47.50 – 48.46" in text
    pasted = client.post("/audit", data={"text": FIGURES})
    assert "48.04 %" in words(pasted.get_data(as_text=True))
    chinese = FIGURES.encode("gb18030")
    assert "214城市" in words(upload(client, chinese).get_data(as_text=True))


def test_every_wrong_cell_is_told_with_line_field_and_reason(client: FlaskClient) -> None:
    answer = upload(client, b"id,generated\nx,-5\ny,abc\n,1\n")
    text = words(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "产生量 generated" in text and "“-5”不是可用的数字" in text and "“abc”" in text
    answer = client.post("/audit", data={"text": "id,generated\nx,-5\n"})
    assert "x,-5" in answer.get_data(as_text=True), "what was typed is kept"


@pytest.mark.parametrize(
    "body", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"id,generated\n" + b"\xff\xfe"]
)
def test_an_unusable_file_is_a_readable_page(client: FlaskClient, body: bytes) -> None:
    answer = upload(client, body)
    assert answer.status_code == 422 and "这张表不能核对" in words(answer.get_data(as_text=True))


def test_size_and_rows_are_limited(client: FlaskClient) -> None:
    large = FIGURES.encode() + b"x" * (2 * 1024 * 1024)
    assert upload(client, large).status_code == 422
    assert upload(client, large * 4).status_code == 413
    many = "id,generated\n" + "".join(f"r{i},1\n" for i in range(2001))
    assert "2001" in words(upload(client, many.encode()).get_data(as_text=True))


def test_results_are_files_that_no_spreadsheet_runs(client: FlaskClient) -> None:
    rows = FIGURES.replace("cities-2016", "=cmd|x")
    answer = client.post("/audit", data={"text": rows, "format": "csv"})
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.get_data().decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 7 and {row["id"] for row in found} == {"'=cmd|x"}
    data = client.post("/audit", data={"text": FIGURES, "format": "json"}).get_json()
    assert data[0]["reproduced_by"] == ["fate_share"]


def test_only_our_own_pages_may_post(client: FlaskClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert upload(client, FIGURES.encode(), headers=headers).status_code == 403
    for headers in ({"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}):
        assert upload(client, FIGURES.encode(), headers=headers).status_code == 200


def test_the_example_file_is_audited_without_complaint(client: FlaskClient) -> None:
    answer = client.get("/audit?example=1")
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.get_data(as_text=True)
    assert set(text.splitlines()[0].split(",")) <= set(COLUMNS)
    assert upload(client, answer.get_data()).status_code == 200


def test_hostile_text_stays_text(client: FlaskClient) -> None:
    rows = FIGURES.replace("cities-2016", '"<script>alert(1)</script>"')
    assert "<script>alert" not in client.post("/audit", data={"text": rows}).get_data(as_text=True)
