"""`/products`: output recorded, listed and taken back by hand; who may, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.load_pages import BOOKS, clerk, staffed
from wasteflow.services.checking import check_books
from wasteflow.web.access import books

CAST = ("operator.p1", "operator.use", "reader.p1", "park.b", "driver")
MARCH = {"product": "p2o5", "date": "2026-03-31", "tonnes": "1200.5", "p2o5_pct": ""}


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over small books."""
    url = sqlite_books(tmp_path_factory.mktemp("products"), BOOKS)
    with staffed(url, CAST) as made:
        yield made


def test_output_is_recorded_taken_back_and_recorded_anew(app: Flask) -> None:
    maker = clerk(app, "operator.p1")
    assert "还没有登记产量" in maker.see("/products")
    maker.again("/products", MARCH)
    text = maker.see("/products")
    assert "五氧化二磷 的产量已登记" in text and "1,200.50" in text
    maker.again("/products", MARCH)
    assert "未重复登记" in maker.see("/products")
    maker.again("/products", {**MARCH, "tonnes": "1300"}, 422)
    assert 'value="1300"' in maker.html and 'id="p-tonnes-error"' in maker.html
    reverse = {"name": "ent.p1/p2o5/2026-03-31"}
    maker.send("/products", "/products/reverse", {**reverse, "why": ""})
    assert "told-wrong" in maker.look("/products") and "抄错" not in maker.html
    maker.send("/products", "/products/reverse", {**reverse, "why": "抄错"})
    text = maker.see("/products")
    assert "已冲销" in text and "抄错" in text
    maker.again("/products", {**MARCH, "tonnes": "1300", "p2o5_pct": ""})
    assert "1,300.00" in maker.see("/products?product=p2o5&period=2026-03")
    assert "没有符合条件" in maker.see("/products?period=2026-02")
    assert "没有符合条件" in maker.see("/products?product=alumina")
    assert check_books(db=books(app).db).ok


def test_what_is_typed_wrong_stays_and_is_named(app: Flask) -> None:
    maker = clerk(app, "operator.p1")
    maker.look("/products")
    maker.again("/products", {**MARCH, "tonnes": "1.2345", "date": ""}, 422)
    assert 'value="1.2345"' in maker.html
    for page in ("/products?product=%00", "/loads?x%00=1"):
        answer = maker.client.get(page)
        assert answer.status_code in (400, 422) and "U+0000" in answer.get_data(as_text=True)
    assert 'id="p-tonnes-error"' in maker.html and 'id="p-date-error"' in maker.html
    assert "xyz" in maker.see("/products?period=xyz", 422)


def test_others_read_what_is_their_business_and_write_nothing(app: Flask) -> None:
    maker, reader = clerk(app, "operator.p1"), clerk(app, "reader.p1")
    maker.send("/products", "/products", {**MARCH, "date": "2026-02-28"})
    page = reader.look("/products")
    assert "2026-02-28" in page and "/products/reverse" not in page
    assert "2026-02-28" not in clerk(app, "operator.use").look("/products")
    other = clerk(app, "operator.use")
    taken = {"name": "ent.p1/p2o5/2026-02-28", "why": "mine"}
    other.look("/products")
    mark = other.hidden("/products")["csrf_token"]
    answer = other.client.post("/products/reverse", data={**taken, "csrf_token": mark})
    assert answer.status_code == 404
    answer = other.client.post(
        "/products", data={**MARCH, "enterprise": "ent.p1", "csrf_token": mark}
    )
    assert answer.status_code in (403, 404)
    assert app.test_client().get("/products").status_code == 302
    assert "2026-02-28" in maker.look("/products")


def test_a_page_answers_a_denial_by_what_it_is(app: Flask) -> None:
    """Signed out: to the sign-in page and back; not one's right: 403; not one's business: 404."""
    nobody = app.test_client()
    answer = nobody.get("/entries/new?kind=use")
    assert answer.status_code == 302
    assert "next=/entries/new?kind%3Duse" in answer.headers["Location"]
    assert clerk(app, "reader.p1").client.get("/entries/new").status_code == 403
    gone = "/entries/new?of=00000000-0000-7000-8000-000000000000"
    assert clerk(app, "operator.p1").client.get(gone).status_code == 404
