"""The pages of scenarios in a browser without a script: form, faults, result, compare, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask

from tests import people, web_books
from tests.load_pages import FACILITIES, Clerk, clerk
from tests.store.databases import new_database
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.services.account_log import commander, log_report
from wasteflow.web.access import books
from wasteflow.web.pages import following
from wasteflow.web.pages.scenario_map import drawing

PLAN = {
    "name": "停用丁建材",
    "scope": "park:park.b",
    "base": "2026-01..2026-06",
    "material": "phosphogypsum",
    "years": "0",
    "note": "",
    "do": "save",
}
TARGETS = (
    "code,scope,materials,metric,operator,value,unit,year,source\n"
    "t.b,park:park.b,phosphogypsum,official,>=,0.50,fraction,2026,园区方案\n"
    "t.both,park:park.b,phosphogypsum;petroleum_coke,official,>=,0.60,fraction,2026,园区方案\n"
)
CLOSE = {"b-0-kind": "close", "b-0-enterprise": "丁建材"}


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("scenarios")
    with new_database(request, "sqlite", folder) as url:
        own = (("facilities", FACILITIES), ("targets", TARGETS))
        web_books.load(url, folder, (*web_books.REGISTRY, *own, *web_books.TRADED))
        made = create_app(Config(url))
        people.enrol(books(made).db, ("park.b", "operator.use", "park.a"))
        yield made
        with made.app_context():
            books().db.dispose()


def saved(who: Clerk, **more: Any) -> str:
    """A scenario made through the form; its address."""
    answer = who.send("/scenarios/new", "/scenarios/new", PLAN | CLOSE | more)
    address: str = answer.headers["Location"]
    return address


def test_from_the_empty_list_to_a_result_and_away(app: Flask) -> None:
    manager = clerk(app, "park.b")
    words = manager.see("/scenarios")
    assert "还没有情景" in words and "新建情景" in words
    form = PLAN | {"do": "add", "add": "close"}
    manager.send("/scenarios/new", "/scenarios/new", form, 200)
    assert 'name="b-0-kind" value="close"' in manager.html and "停用丁建材" in manager.html
    address = saved(manager)
    words = manager.see(address)
    for told in ("已保存", "丁建材", "失去去处", "变动的链接", "推算方法"):
        assert told in words
    assert '<svg viewBox="0 0 640 400"' in manager.html
    heads = re.findall(r'<th scope="row" title="(t\.\w+) · 园区方案">([^<]*)</th>', manager.html)
    assert dict(heads)["t.b"] == "乙园区 · 磷石膏 · 2026", "a target names its waste"
    assert dict(heads)["t.both"] == "乙园区 · 磷石膏、石油焦 · 2026"
    second = saved(manager, name="<b>不变</b>", **{"b-0-kind": "growth", "b-0-percent": "0"})
    listed = manager.look("/scenarios")
    assert "&lt;b&gt;不变" in listed and "<b>不变" not in listed
    ids = [item.rsplit("/", 1)[1] for item in (address, second)]
    chosen = manager.client.get(f"/scenarios/compare?id={ids[0]}&id={ids[1]}")
    assert chosen.status_code == 303
    told = manager.see(chosen.headers["Location"])
    assert "情景比较" in told and "停用丁建材" in told and "不变" in told
    for ending in ("xlsx", "csv"):
        answer = manager.client.get(f"{address}?format={ending}")
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    manager.send(address, f"{address}/delete", {})
    assert "已删除" in manager.see("/scenarios")
    manager.look(address, 404)


def test_faults_stand_at_their_fields_and_nothing_typed_is_lost(app: Flask) -> None:
    manager = clerk(app, "park.b")
    wrong = PLAN | {"name": "", "years": "2", "b-0-kind": "close", "b-0-from": "soon"}
    manager.send("/scenarios/new", "/scenarios/new", wrong, 422)
    errors = re.findall(r'class="entry-error"[^>]*>(.*?)</p>', manager.html)
    assert len(errors) == 4 and 'value="soon"' in manager.html
    assert "12 个月" in unescape(" ".join(errors))
    assert manager.client.post("/scenarios/new", data=PLAN).status_code in (400, 403)  # no CSRF


def test_two_at_once_and_those_who_may_not(app: Flask) -> None:
    manager = clerk(app, "park.b")
    address = saved(manager)
    edit = f"{address}/edit"
    manager.send(edit, edit, PLAN | CLOSE | {"version": "1", "name": "乙"})
    manager.send(edit, edit, PLAN | CLOSE | {"version": "1", "name": "丙"}, 409)
    assert "别人已改过" in manager.html and "丙" in manager.html
    assert "乙" in manager.see(address)
    clerk(app, "park.a").look(address, 404)
    operator = clerk(app, "operator.use")
    operator.look(address, 404)
    assert "没有可以新建情景的范围" in operator.see("/scenarios/new")
    assert "新建情景" not in operator.see("/scenarios")
    assert app.test_client().get(address).status_code == 302


def test_a_scenario_of_a_code_that_is_gone_says_so(app: Flask) -> None:
    manager = clerk(app, "park.b")
    address = saved(manager)
    with app.app_context():
        from sqlalchemy import text

        with books().db.write() as session:
            session.execute(
                text("UPDATE scenario SET blocks = :b WHERE uid = :u"),
                {"b": '[{"kind": "close", "facility": "gone"}]', "u": address.rsplit("/", 1)[1]},
            )
    told = manager.see(address, 422)
    assert "gone" in told and "修改情景" in told
    other = saved(manager, name="还能推算")
    ids = ",".join(item.rsplit("/", 1)[1] for item in (address, other))
    told = manager.see(f"/scenarios/compare?ids={ids}")
    assert "不能推算" in told and "gone" in told and "还能推算" in told and "净成本" in told
    file = manager.client.get(f"/scenarios/compare?ids={ids}&format=csv").get_data(as_text=True)
    assert "不能推算" in file and "gone" in file and "期末存量" in file
    alone = manager.see(f"/scenarios/compare?ids={address.rsplit('/', 1)[1]}")
    assert "不能推算" in alone


def test_with_large_books_the_results_come_after_the_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SMALL_PLACES", 0)
    manager = clerk(app, "park.b")

    def page(address: str) -> str:
        return manager.client.get(address).get_data(as_text=True)

    made = [saved(manager, name=f"续 {number}") for number in range(2)]
    ids = ",".join(address.rsplit("/", 1)[1] for address in made)
    for address in (made[0], f"/scenarios/compare?ids={ids}"):
        first = page(address)
        assert 'data-part="figures"' in first
        assert 'data-slot="figures"' in first and 'class="data' not in first
        whole = re.search(r'<a href="([^"]+parts=all[^"]*)"', first)
        assert whole, "a browser without scripts is given a link"
        assert 'class="data' in page(unescape(whole[1]))
        assert 'class="data' in page(address), "once known, the figures stand in the page"
    for ending in ("csv", "geojson"):
        assert manager.client.get(f"{saved(manager)}?format={ending}").status_code == 200


def test_the_map_of_nothing_is_none_and_a_loop_is_drawn() -> None:
    assert drawing({"flows": [], "places": {}}, {}) is None
    row = {"from": "a", "to": "a", "facility": "", "change_t": "-5.000"}
    found = drawing({"flows": [row], "places": {"a": [102.4, 24.9]}}, {"a": "甲"})
    assert found is not None and found.arcs[0].less and found.scale_km > 0
    (dot,) = found.dots
    assert (dot.x, dot.y, dot.label, dot.giver) == (320.0, 200.0, "甲", True)


def test_what_cannot_be_kept_or_shown_is_refused_at_its_field(app: Flask) -> None:
    manager = clerk(app, "park.b")
    add = {
        "b-0-kind": "add",
        "b-0-name": "n",
        "b-0-park": "park.b",
        "b-0-materials": "phosphogypsum",
        "b-0-capacity_t": "1",
    }
    for wrong in ({"name": "a\0b"}, {"note": "a\x07b"}, {"b-0-name": "a\x1fb"}):
        manager.send("/scenarios/new", "/scenarios/new", PLAN | add | wrong, 422)
        assert "U+00" in manager.html, wrong
    far = PLAN | add | {"base": "2099", "years": "2"}
    manager.send("/scenarios/new", "/scenarios/new", far, 422)
    assert "2101" in manager.html
    answer = manager.send("/scenarios/new", "/scenarios/new", far | {"years": "1"})
    assert manager.see(answer.headers["Location"])


def test_every_change_of_a_scenario_leaves_a_line_in_the_log(app: Flask) -> None:
    manager = clerk(app, "park.b")
    address = saved(manager, name="protocol")
    form = PLAN | CLOSE | {"name": "protocol 2"}
    manager.send(f"{address}/edit", f"{address}/edit", form)
    manager.send(address, f"{address}/delete", {"version": ""})
    assert manager.see(address), "a deletion without its version removes nothing"
    manager.send(address, f"{address}/delete", {})
    with app.app_context():
        rows = log_report(db=books().db, actor=commander(), search="protocol")["rows"]
    told = [(row["action"], row["about"], row["organisation"]) for row in rows]
    assert told == [
        ("scenario.removed", "protocol 2", "park.b"),
        ("scenario.changed", "protocol 2", "park.b"),
        ("scenario.made", "protocol", "park.b"),
    ]
    assert {row["actor"] for row in rows} == {"park.b"} and all(row["address"] for row in rows)
