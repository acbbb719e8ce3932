"""Three people at their browsers: a load from draft to accepted, with what goes wrong between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import people
from tests.browser.axe import PATH, serious
from tests.browser.serving import serve
from tests.load_pages import BOOKS, staffed
from wasteflow.core.periods import SHANGHAI
from wasteflow.services.checking import check_books
from wasteflow.web.access import books
from wasteflow_models.engine import Database

Sit = Callable[..., Page]


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[tuple[str, Database]]:
    """Address of the pages over small books with the cast enrolled, and the database."""
    url = sqlite_books(tmp_path_factory.mktemp("life"), BOOKS)
    with staffed(url) as app, serve(app) as address:
        yield address, books(app).db


@pytest.fixture
def sit(chromium_browser: Browser, site: tuple[str, Database]) -> Iterator[Sit]:
    """``sit(login, width)``: somebody signed in at a browser of that width."""
    opened = []

    def down(login: str, width: int = 1440, **more: Any) -> Page:
        context = chromium_browser.new_context(
            base_url=site[0], viewport={"width": width, "height": 900}, **more
        )
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in?next=/inbox")
        page.locator("[name=login]").fill(login)
        page.locator("[name=password]").fill(people.PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/inbox")
        return page

    yield down
    for context in opened:
        context.close()


def sent(page: Page, tonnes: str) -> str:
    """A new load of ent.p1, issued and dispatched at the gate; its path."""
    page.goto("/loads/new")
    page.get_by_label("对方单位").fill("丁建材")
    page.get_by_label("物料").select_option("phosphogypsum")
    page.get_by_label("去向").select_option("pg_use")
    page.get_by_label("发货量").fill(tonnes)
    page.get_by_label("车牌或船号").fill("云A·12345")
    page.get_by_role("button", name="开单并发运").click()
    expect(page.get_by_role("status").first).to_contain_text("已开单并发运")
    return page.url.partition("/loads/")[2].partition("?")[0]


def test_one_tap_on_a_phone_accepts_the_common_load(sit: Sit) -> None:
    sender, phone = sit("operator.p1"), sit("operator.use", 390)
    uid = sent(sender, "31.48")
    phone.goto("/inbox")
    card = phone.locator("li.due", has=phone.locator(f'a[href="/loads/{uid}"]'))
    button = card.get_by_role("button", name=re.compile("全部接收"))
    box = button.bounding_box()
    assert box is not None and box["height"] >= 44 and box["width"] > 300
    button.click()
    expect(phone.get_by_role("status").first).to_contain_text("已验收")
    phone.goto(f"/loads/{uid}")
    expect(phone.locator(".badges").first).to_contain_text("已接收")


def test_a_dispute_is_acknowledged_and_a_refused_part_goes_back(
    sit: Sit, site: tuple[str, Database]
) -> None:
    sender, receiver = sit("operator.p1"), sit("operator.use")
    uid = sent(sender, "31.48")
    receiver.goto(f"/loads/{uid}#decide")
    form = receiver.locator("#decide")
    form.get_by_label("到货量").fill("26.1")
    form.get_by_label("拒收量").fill("5")
    form.get_by_label("原因").fill("表层有杂物")
    form.get_by_role("button", name="确认验收").click()
    expect(receiver.locator(".badges").first).to_contain_text("重量争议")
    sender.goto(f"/loads/{uid}")
    expect(sender.get_by_text("园区最早可在")).to_be_visible()
    sender.get_by_role("button", name="认可", exact=True).click()
    expect(sender.locator(".badges").first).not_to_contain_text("重量争议")
    receiver.reload()
    receiver.get_by_role("link", name="退回发货单位").click()
    expect(receiver.get_by_label("发货量")).to_have_value("5.000")
    receiver.get_by_label("车牌或船号").fill("云A·2")
    receiver.get_by_role("button", name="开单并发运").click()
    expect(receiver.locator("h1")).to_contain_text("W")
    sender.goto("/inbox")
    sender.get_by_role("button", name=re.compile("全部接收 5.00")).click()
    expect(sender.get_by_role("status").first).to_contain_text("已验收")
    assert check_books(db=site[1]).ok


def test_a_closed_month_is_corrected_and_says_where_it_is_booked(
    sit: Sit, site: tuple[str, Database]
) -> None:
    """s1 of January: 300 t become 310 t after the park has closed up to last month."""
    park, sender, receiver = sit("park.b"), sit("operator.p1"), sit("operator.use")
    park.goto("/months?of=enterprise:ent.use")
    park.get_by_role("link", name=re.compile("检查并结到")).first.click()
    park.get_by_role("button", name=re.compile("一并结到")).click()
    expect(park.get_by_role("status").first).to_contain_text("已结账")
    sender.goto("/loads?doc_no=s1")
    sender.get_by_role("link", name="s1", exact=True).click()
    sender.get_by_role("link", name="更正").click()
    sender.get_by_label("发货量").fill("310")
    sender.get_by_label("更正原因").fill("磅单看错")
    sender.get_by_role("button", name="查看更正前后").click()
    now = datetime.now(SHANGHAI)
    booked = f"{now.year}年{now.month}月"
    expect(sender.get_by_text("2026年1月 已结账").first).to_contain_text(booked)
    sender.get_by_role("button", name="提出更正").click()
    receiver.goto("/inbox")
    expect(receiver.locator(".due-change").first).to_contain_text("2026年1月 已结账")
    receiver.get_by_role("link", name=re.compile("查看或不同意")).first.click()
    expect(receiver.locator(".pending")).to_contain_text("2026年1月 已结账")
    expect(receiver.locator("table.diff")).to_contain_text("310.00")
    receiver.get_by_role("button", name="同意更正").click()
    expect(receiver.get_by_role("status").first).to_contain_text("更正生效")
    expect(receiver.locator(".happened").first).to_contain_text(re.compile("更正.*生效"))
    assert check_books(db=site[1]).ok


def test_the_clerk_needs_no_script(sit: Sit) -> None:
    page = sit("operator.p1", java_script_enabled=False)
    uid = sent(page, "20")
    page.goto(f"/loads/{uid}")
    page.locator("summary", has_text="取消运单").click()
    page.locator(f'form[action="/loads/{uid}/cancel"]').get_by_label("原因").fill("退单")
    page.get_by_role("button", name="取消运单").click()
    expect(page.locator(".badges").first).to_contain_text("已取消")


@pytest.mark.parametrize(("width", "theme", "lang"), [(1440, "light", "zh"), (390, "dark", "en")])
def test_axe_finds_nothing_serious_and_no_page_is_too_wide(
    sit: Sit, width: int, theme: str, lang: str
) -> None:
    if not PATH.is_file():
        pytest.skip("axe-core is not installed: npm ci")
    sender, receiver = sit("operator.p1", width), sit("operator.use", width)
    park = sit("park.b", width)
    uid = sent(sender, "12")
    receiver.goto("/loads?state=in_transit")
    pages = ["/inbox", "/loads", f"/loads/{uid}", "/entries", "/entries/new", "/loads/new"]
    pages += [f"/loads/{uid}/revise", f"/loads/{uid}/print"]
    for who, more in ((sender, pages), (receiver, pages[:3]), (park, ["/months", "/inbox"])):
        for path in more:
            who.goto(f"{path}?theme={theme}&lang={lang}")
            assert serious(who) == [], path
            assert who.evaluate("document.documentElement.scrollWidth") <= width, path
