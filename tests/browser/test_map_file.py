"""The map in a real browser: no request out, the right arcs, tooltips, phones, accessibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.axe import PATH, serious
from tests.map_samples import grid_map, seed_map, small_map
from tests.test_map_bubbles import half_located
from tests.test_maps import hostile_map
from wasteflow_maps import assets, geometry, style
from wasteflow_maps.layers import MapData
from wasteflow_maps.page import render_map

ORIGIN = "http://map.test"
CSP = (
    "default-src 'none'; script-src 'nonce-n0nce'; style-src 'nonce-n0nce'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
Guard = Callable[..., Any]


@pytest.fixture
def new_page(chromium_browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page of a context of its own, closed after the test."""
    contexts = []

    def make(width: int = 1440, height: int = 900, scheme: Any = "light", **more: Any) -> Page:
        context = chromium_browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **more
        )
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def open_file(page: Page, data: MapData, folder: Path, lang: str = "zh") -> None:
    file = folder / "map.html"
    html = render_map(data, lang=lang, single_file=True, asset_url=None, nonce=None)
    file.write_text(html, encoding="utf-8")
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")


def open_served(page: Page, data: MapData, lang: str = "zh") -> None:
    html = render_map(
        data, lang=lang, single_file=False, asset_url=lambda name: f"/a/{name}", nonce="n0nce"
    )

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/map":
            headers = {"Content-Security-Policy": CSP}
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)
        elif path.startswith("/a/"):
            file = assets.asset_path(path.removeprefix("/a/"))
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        else:
            route.fulfill(status=404)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/map")
    page.wait_for_selector("html[data-ready]", state="attached")


def test_a_map_file_opens_from_disk_without_any_request(
    new_page: Callable[..., Page], page_guard: Guard, tmp_path: Path
) -> None:
    page = new_page(offline=True)
    guard = page_guard(page, "file://", allowed=("data",))
    open_file(page, seed_map(), tmp_path)
    page.locator(".leaflet-control-zoom-in").click()
    page.wait_for_timeout(400)
    guard.check_quiet()
    assert [url for url in guard.requests if not url.startswith("data:")] == [
        (tmp_path / "map.html").as_uri()
    ]
    assert page.locator("path.wf-arc").count() == len(seed_map().links)


def test_the_served_map_lives_under_a_strict_policy(
    new_page: Callable[..., Page], page_guard: Guard
) -> None:
    page = new_page()
    guard = page_guard(page, ORIGIN, allowed=("data",))
    open_served(page, seed_map())
    guard.check_quiet()
    assert page.locator("path.wf-arc").count() == len(seed_map().links)
    assert all(url.startswith((ORIGIN, "data:")) for url in guard.requests)


def test_hostile_names_do_nothing(new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = new_page()
    open_file(page, hostile_map(), tmp_path)
    page.locator("button[data-link='0']").click()
    page.locator(".wf-list summary").first.click()
    assert page.locator(".wf-tip").count() == 1
    page.locator("button[data-bubble='0']").click()
    assert page.locator(".wf-tip", has_text="window.hacked").count() >= 1
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    with page.expect_download() as told:
        page.locator("button[data-map-picture=svg]").click()
    root = ElementTree.parse(told.value.path()).getroot()
    known = [
        "svg",
        "title",
        "defs",
        "g",
        "path",
        "rect",
        "line",
        "circle",
        "text",
        "clipPath",
        "pattern",
        "marker",
    ]
    assert {part.tag.rpartition("}")[2] for part in root.iter()} <= set(known)
    assert not [
        name for part in root.iter() for name in part.attrib if name[:2] == "on" or "href" in name
    ]
    assert "window.hacked" in " ".join(root.itertext())
    page.goto(Path(told.value.path()).as_uri())
    assert page.evaluate("window.hacked") is None
    page = new_page()
    open_served(page, hostile_map(), "en")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img:not(.leaflet-tile)").count() == 0
    credit = page.locator(".leaflet-control-attribution")
    assert "<script>" in credit.inner_text() and credit.locator("*").count() == 0


def test_the_browser_builds_the_arcs_of_geometry_py(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, small_map(), tmp_path)
    ends = [(102.0, 25.0, 103.5, 26.25), (105.9, 29.3, 102.4, 24.9), (102.0, 25.0, 102.0, 24.0)]
    for lon1, lat1, lon2, lat2 in ends:
        for index in range(7):
            bend = geometry.bend_of(index)
            drawn = page.evaluate("a => wasteflowArcs.arc(...a)", [lon1, lat1, lon2, lat2, bend])
            expected = geometry.arc((lon1, lat1), (lon2, lat2), bend)
            assert len(drawn) == len(expected)
            for got, want in zip(drawn, expected, strict=True):
                assert got == pytest.approx(want, abs=1.1e-5)


def test_widths_and_colours_follow_mass_and_material(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, small_map(), tmp_path)
    drawn = page.eval_on_selector_all(
        "path.wf-arc",
        "all => all.map(p => [p.getAttribute('stroke'), Number(p.getAttribute('stroke-width')),"
        " p.getAttribute('marker-end')])",
    )
    expected = [
        ("#2f7ebc", geometry.line_width_px(900_000, 900_000), "url(#wf-arrow-l)"),
        ("#2f7ebc", geometry.line_width_px(250_000, 900_000), "url(#wf-arrow-m)"),
        ("#5d6773", geometry.line_width_px(100_000, 900_000), "url(#wf-arrow-m)"),
    ]
    assert [(colour, marker) for colour, _, marker in drawn] == [
        (colour, marker) for colour, _, marker in expected
    ]
    assert [width for _, width, _ in drawn] == pytest.approx([width for _, width, _ in expected])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_masses_read_the_same_in_tooltips_and_panel(
    new_page: Callable[..., Page], tmp_path: Path, lang: str
) -> None:
    page = new_page()
    open_file(page, small_map(), tmp_path, lang)
    for kg in (1, 31_480, 99_999, 100_000, 1_234_560, 9_999_900, 10_000_000, 123_456_789):
        assert page.evaluate("kg => wasteflow.mass(kg)", kg) == style.mass_text(kg, lang)


def test_a_tooltip_names_ends_route_mass_loads_and_evidence(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, small_map(), tmp_path, "en")
    page.locator("button[data-link='1']").click()
    text = page.locator(".wf-tip").inner_text()
    for part in ("Phosphogypsum", "250.0 t", "Name ent.a", "Name ent.c", "pg_road_base"):
        assert part in text
    assert "disputed 20 %, both sides 80 %" in text
    assert "Direct distance" in text


def test_a_bubble_tells_partners_mass_and_loads(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, small_map(), tmp_path, "en")
    bubble = page.locator("path.wf-bubble")
    assert bubble.count() == 1
    assert bubble.get_attribute("stroke") == "#2f7ebc"
    assert bubble.evaluate("p => getComputedStyle(p).strokeDasharray") != "none"
    page.locator("button[data-bubble='0']").click()
    text = page.locator(".wf-tip").inner_text()
    for part in ("Name ent.a", "30 t", "Sent to partners without position", "Name ent.lost"):
        assert part in text
    page.locator("#wf-layers label", has_text="Partner without position").click()
    assert page.locator("path.wf-bubble").count() == 0


def test_bubbles_follow_mass_and_their_scale(new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = new_page()
    data = half_located(60, 9, 20)
    open_file(page, data, tmp_path)
    drawn = page.eval_on_selector_all(
        "path.wf-bubble", "all => all.map(p => p.getBBox().width / 2)"
    )
    largest = data.largest_bubble_kg
    expected = [geometry.bubble_radius_px(one.kg, largest) for one in data.bubbles]
    assert drawn == pytest.approx(expected, abs=1)
    assert page.locator("#wf-layers label").count() == 2
    assert page.locator(".wf-empty").count() == 0
    assert page.locator(".wf-ways .wf-key").count() <= 8


def test_layers_can_be_switched_off_and_parks_found(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, seed_map(), tmp_path)
    names = page.locator("#wf-layers label").all_inner_texts()
    first = [name.split()[0] for name in names]
    assert first == ["园区", "磷石膏", "钢渣", "石油焦", "对方无坐标", "企业"]
    before = page.locator("path.wf-arc").count()
    page.locator("#wf-layers input").nth(1).uncheck()
    assert 0 < page.locator("path.wf-arc").count() < before
    page.locator(".wf-list summary").first.click()
    page.locator("button[data-park='0']").click()
    assert "云南安宁产业园区" in page.locator(".wf-tip").inner_text()


def test_the_ground_shows_graticule_scale_and_no_flag(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    open_file(page, seed_map(), tmp_path)
    assert page.locator("path.wf-graticule").count() > 4
    assert page.locator(".wf-lon").first.inner_text().endswith("E")
    assert page.locator(".leaflet-control-scale-line").inner_text().endswith("km")
    assert page.locator(".leaflet-attribution-flag").count() == 0
    assert page.locator(".leaflet-control-attribution a").count() == 0
    assert page.locator(".leaflet-tile").count() == 0
    # Shapes that cannot be computed carry a hatch, not only a colour.
    # Their label has the hatch too, with the reason as its title instead of words.
    mark = page.locator(".wf-label .wf-unknown").first
    assert (mark.get_attribute("title") or "").startswith("无法计算：")
    fill = page.locator("path.wf-unknown").first.evaluate("p => getComputedStyle(p).fill")
    assert "wf-hatch" in fill


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_phone_sees_the_map_and_opens_the_legend(
    new_page: Callable[..., Page], tmp_path: Path, lang: str
) -> None:
    page = new_page(390, 844, "dark")
    open_file(page, seed_map(), tmp_path, lang)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#wf-panel").evaluate("p => p.open") is False
    box = page.locator(".folium-map").bounding_box()
    assert box is not None and box["width"] == 390 and box["height"] > 600
    page.locator("#wf-panel > summary").click()
    assert page.locator("#wf-layers").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [1440, 390])
def test_labels_never_cover_each_other(
    new_page: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    page = new_page(width)
    open_file(page, grid_map(3000), tmp_path)
    boxes = page.eval_on_selector_all(
        ".wf-label",
        "all => all.map(e => e.getBoundingClientRect())"
        ".map(r => [r.left, r.top, r.right, r.bottom])",
    )
    assert len(boxes) > 10
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            apart = one[2] <= other[0] + 4 or other[2] <= one[0] + 4
            assert apart or one[3] <= other[1] + 1 or other[3] <= one[1] + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious(
    new_page: Callable[..., Page], tmp_path: Path, scheme: str, width: int
) -> None:
    if not PATH.is_file():
        pytest.skip("axe-core is missing: npm ci")
    page = new_page(width, 844, scheme)
    open_file(page, seed_map(), tmp_path)
    if width == 390:
        page.locator("#wf-panel > summary").click()
    assert serious(page) == []
