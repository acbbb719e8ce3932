"""Many corrections at once: each as one alone would be, by the number of its load."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.books import Books, load
from tests.store.live import CEMENT, MAKER, TRADER, Gate
from wasteflow.core.permissions import Denied
from wasteflow.services.live.many import Wanted, preview_corrections, propose_corrections


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services over books with stock."""
    return Gate(books)


def test_each_correction_stands_alone_and_asks_as_always(gate: Gate) -> None:
    first, second = gate.decided(), gate.decided()
    numbers = [gate.see(uid)["doc_no"] for uid in (first, second)]
    gate.books.loads(load("F1", "30.000", "30.000"))
    wanted = [
        Wanted(numbers[0], {"dispatched_t": "31.000"}, "抄错"),
        Wanted(numbers[1], {"vehicle": "云A·9"}, "车号", "maker"),
        Wanted("F1", {"received_t": "29.900", "accepted_t": "29.900"}, "磅错"),
        Wanted("无此单", {"remark": "x"}, "错"),
        Wanted(numbers[1], {"dispatched_t": "99.000"}, "错", "maker"),
        Wanted(numbers[1], {"remark": "x"}, "错", "trader"),
    ]
    common: dict[str, Any] = {"db": gate.books.db, "now": gate.now}
    seen = preview_corrections(actor=MAKER, wanted=wanted, **common)
    codes = [item.problem.code if item.problem else "" for item in seen]
    assert codes == ["", "", "", "load_number_unknown", "fields_refused", "load_number_unknown"]
    asked = [item.change and item.change["asked"] for item in seen]
    assert asked[:3] == [["cement"], [], ["cement"]]
    assert gate.see(first)["revision"] is None, "looking changes nothing"

    gate.later(minutes=1)
    common["now"] = gate.now
    stale = Wanted(numbers[0], {"dispatched_t": "31.000"}, "抄错", version=99)
    (told,) = propose_corrections(actor=MAKER, wanted=[stale], **common)
    assert told.problem is not None and told.problem.code == "stale_version"
    done = propose_corrections(actor=MAKER, wanted=wanted, **common)
    status = [item.revision["status"] if item.revision else "" for item in done]
    assert status == ["pending", "approved", "pending", "", "", ""]
    assert gate.see(second)["vehicle"] == "云A·9"
    for item in (done[0], done[2]):
        assert item.revision is not None
        gate.answer("approve", CEMENT, item.revision)
    assert gate.see(first)["dispatched_t"] == "31.000"
    gate.books.check()
    (other,) = propose_corrections(actor=TRADER, wanted=wanted[:1], **common)
    assert other.problem is not None and other.problem.code == "load_number_unknown"
    with pytest.raises(Denied):
        preview_corrections(actor=None, wanted=[], **common)
