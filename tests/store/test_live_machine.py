"""A state machine of people and loads against a model of a few lines: the books always balance."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.store.books import Books, entry
from tests.store.live import CEMENT, MAKER, PARK, Gate
from wasteflow.core.errors import WasteflowError
from wasteflow.core.periods import month_of_day, next_month, shanghai_day
from wasteflow.core.units import tonnes_text
from wasteflow.services.closing import close_month
from wasteflow.services.corrections import reverse

kg = st.integers(1_000, 34_000)
share = st.integers(0, 100)
which = st.integers(0, 9)


@dataclass(slots=True)
class ModelLoad:
    """A load as the model knows it: whole kilograms, and where it stands."""

    uid: UUID
    sent: int
    parent: ModelLoad | None = None
    received: int = 0
    refused: int = 0
    decided: bool = False
    lost: bool = False
    gone: bool = False

    def flows(self) -> list[tuple[str, str, int]]:
        """(from, to, kilograms) of the load."""
        if self.gone:
            return []
        road = "transit:maker:maker" if self.parent else "transit:maker:cement"
        goal = "site:maker" if self.parent else "site:cement"
        origin = "transit:maker:cement" if self.parent else "site:maker"
        found = [(origin, road, self.sent)]
        if self.lost:
            found.append((road, "lost", self.sent))
        if self.decided:
            gain = self.received - self.sent
            ends = ("weighing_difference", road) if gain > 0 else (road, "weighing_difference")
            found += [(*ends, abs(gain)), (road, goal, self.received - self.refused)]
        return found


@dataclass(slots=True)
class Shared:
    """Books and model of all examples of one test: every example goes on where the last ended."""

    gate: Gate
    loads: list[ModelLoad] = field(default_factory=list)
    entries: dict[str, int] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Whatever people try: what was taken is in the books, what was refused is not."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self.gate, self.loads, self.entries = shared.gate, shared.loads, shared.entries
        self.mine: list[ModelLoad] = []

    def _pick(self, number: int) -> ModelLoad | None:
        return self.mine[number % len(self.mine)] if self.mine else None

    def _add(self, load: ModelLoad) -> None:
        self.loads.append(load)
        self.mine.append(load)

    @initialize(masses=st.lists(kg, min_size=2, max_size=3))
    def begin(self, masses: list[int]) -> None:
        """Some loads on the road."""
        for sent in masses:
            self.send(sent)

    @rule(sent=kg)
    def send(self, sent: int) -> None:
        """A new load on the road."""
        uid = self.gate.on_road(dispatched_t=tonnes_text(sent))
        self._add(ModelLoad(uid, sent))

    @rule(number=which, received=kg, part=share)
    def decide(self, number: int, received: int, part: int) -> None:
        """Any decision on any load."""
        load = self._pick(number)
        if load is None:
            return
        refused = received * part // 100
        told: dict[str, Any] = {
            "received_t": tonnes_text(received),
            "refused_t": tonnes_text(refused),
        }
        actor = MAKER if load.parent else CEMENT
        with suppress(WasteflowError):
            self.gate.act("decide", actor, load.uid, **told, reason="秤")
            load.decided, load.received, load.refused = True, received, refused

    @rule(number=which, how=st.sampled_from(["lost", "cancel"]))
    def end(self, number: int, how: str) -> None:
        """The park reports a loss or cancels on the road."""
        load = self._pick(number)
        if load is None:
            return
        with suppress(WasteflowError):
            self.gate.act(how, PARK, load.uid, reason="雨")
            load.lost, load.gone = how == "lost", how == "cancel"

    @rule(number=which, back=kg)
    def send_back(self, number: int, back: int) -> None:
        """A return of a refused part, within it or not."""
        load = self._pick(number)
        if load is None:
            return
        ends: dict[str, Any] = {"consignor": "cement", "consignee": "maker", "kind": "return"}
        with suppress(WasteflowError):
            uid = self.gate.draft(
                CEMENT, **ends, parent=str(load.uid), dispatched_t=tonnes_text(back)
            )
            self.gate.act("issue", CEMENT, uid)
            self.gate.act("dispatch", CEMENT, uid)
            self._add(ModelLoad(uid, back, load))

    @rule(
        number=which,
        sent=kg,
        received=kg,
        part=share,
        answer=st.sampled_from(["approve", "approve", "refuse", "withdraw"]),
    )
    def revise(self, number: int, sent: int, received: int, part: int, answer: str) -> None:
        """New weights, approved or not."""
        load = self._pick(number)
        if load is None:
            return
        refused = received * part // 100
        told: dict[str, Any] = {"dispatched_t": tonnes_text(sent)}
        if load.decided:
            told |= {"received_t": tonnes_text(received), "refused_t": tonnes_text(refused)}
            told["reason"] = "秤"
        me, other = (CEMENT, MAKER) if load.parent else (MAKER, CEMENT)
        with suppress(WasteflowError):
            revision = self.gate.revise(me, load.uid, **told)
            if revision["status"] == "pending":
                actor = me if answer == "withdraw" else other
                revision = self.gate.answer(answer, actor, revision)
            if revision["status"] == "approved":
                load.sent = sent
                if load.decided:
                    load.received, load.refused = received, refused

    @rule(number=which)
    def annul(self, number: int) -> None:
        """Out of the books, by both."""
        load = self._pick(number)
        if load is None:
            return
        me, other = (CEMENT, MAKER) if load.parent else (MAKER, CEMENT)
        with suppress(WasteflowError):
            revision = self.gate.revise(me, load.uid, annul=True)
            if revision["status"] == "pending":
                self.gate.answer("approve", other, revision)
            load.gone = True

    @rule(number=which)
    def agree(self, number: int) -> None:
        """The consignor acknowledges disputed weights: no kilogram moves."""
        load = self._pick(number)
        if load is not None:
            with suppress(WasteflowError):
                self.gate.act("acknowledge", CEMENT if load.parent else MAKER, load.uid)

    @rule(made=kg)
    def generate(self, made: int) -> None:
        """Maker reports a generation of the first month, however late."""
        number = f"G{len(self.entries)}"
        self.gate.books.entries(entry(number, "generation", tonnes_text(made), "2026-11-20"))
        self.entries[number] = made

    @rule(number=which)
    def reverse(self, number: int) -> None:
        """One of the generations is reversed."""
        numbers = sorted(self.entries)
        if numbers:
            doc_no = numbers[number % len(numbers)]
            with suppress(WasteflowError):
                reverse(db=self.gate.books.db, doc_no=doc_no, reason="重报", now=self.gate.now)
                self.entries[doc_no] = 0

    @rule(firm=st.sampled_from(["maker", "cement"]))
    def close(self, firm: str) -> None:
        """A month passes, and a firm closes the one before."""
        self.gate.later(days=31)
        month = next_month(month_of_day(shanghai_day(self.gate.now)), -1)
        with suppress(WasteflowError):
            close_month(db=self.gate.books.db, month=month, now=self.gate.now, enterprise=firm)

    def teardown(self) -> None:
        """The roll-up is what the model says."""
        made = sum(self.entries.values())
        expected: dict[tuple[str, str], int] = {("generation", "site:maker"): made}
        for load in self.loads:
            for source, target, moved in load.flows():
                expected[source, target] = expected.get((source, target), 0) + moved
        found: dict[tuple[str, str], int] = {}
        for (source, target, _), moved in self.gate.books.flows().items():
            found[source, target] = found.get((source, target), 0) + moved
        assert found == {ends: moved for ends, moved in expected.items() if moved}


def run(shared: Shared, examples: int, steps: int) -> None:
    """Some examples of the machine, one after the other; the books of all prove sound."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    made: Any = lambda: Machine(shared)  # noqa: E731  (a class to the type checker)
    run_state_machine_as_test(made, settings=chosen)
    shared.gate.books.check()


def test_whatever_people_do_the_books_balance(books: Books) -> None:
    shared = Shared(Gate(books))
    run(shared, 7, 12)
    assert any(load.decided for load in shared.loads) and shared.entries


@pytest.mark.slow
def test_whatever_people_do_for_long_the_books_balance(books: Books) -> None:
    run(Shared(Gate(books)), 40, 40)
