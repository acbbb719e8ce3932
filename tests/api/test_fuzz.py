"""schemathesis against the running program, with real ids: what the document says is what happens.

Short here and in this process.  `-m slow` gives every operation more examples through HTTP, in
parts of some minutes; its seed is the day, so that every run looks elsewhere
(`WASTEFLOW_TEST_SEED` repeats one).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from tests.api.conftest import Api
from tests.api.loads import accepted, drafted
from tests.api.test_entries import ENTRY
from tests.api.test_papers import PDF, upload
from tests.api.test_telling import HOOK
from tests.browser.serving import serve
from wasteflow.services.checking import check_books

EXAMPLES, MANY, PARTS = 3, 15, 8
"""Examples of an operation here and by `-m slow`, and into how many tests that is divided."""
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # 422 is also the answer of a rule no schema can tell (a route that does not fit).
            "positive_data_acceptance": {
                "expected-statuses": [
                    200,
                    201,
                    202,
                    204,
                    304,
                    400,
                    401,
                    403,
                    404,
                    409,
                    412,
                    413,
                    422,
                    428,
                ]
            },
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428]
            },
            "missing_required_header": {"expected-statuses": [400, 401, 403, 404, 409, 422, 428]},
        }
    }
)


@pytest.fixture
def real_ids(api_anywhere: Api) -> dict[str, str]:
    """Ids of records that are there, by path parameter."""
    api = api_anywhere
    load, draft = accepted(api), drafted(api)
    body = {"changes": {"received_t": "29"}, "reason": "x"}
    revised = api.post("op-use", f"/shipments/{load['id']}/revisions", body, If_Match="*")
    paper = upload(api, "op-p1", PDF, "application/pdf", shipment=load["id"])
    return {
        "shipment": draft["id"],
        "revision": revised.get_json()["revision"]["id"],
        "entry_id": api.post("op-p1", "/entries", ENTRY).get_json()["id"],
        "webhook": api.post("head-p1", "/webhooks", HOOK).get_json()["id"],
        "attachment": paper.get_json()["id"],
        "code": "park.a",
    }


@pytest.fixture
def described(api_anywhere: Api) -> Iterator[Any]:
    """The schema as the running program serves it."""
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api_anywhere.app, config=CONFIG)


def test_every_operation_keeps_its_word(
    described: Any, api_anywhere: Api, real_ids: dict[str, str]
) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 80
    once = settings(chosen_settings(EXAMPLES), derandomize=True)
    assert_kept(api_anywhere, real_ids, {each: once for each in operations})


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_of_a_served_program_keeps_its_word(
    api_anywhere: Api, real_ids: dict[str, str], part: int
) -> None:
    number = int(os.environ.get("WASTEFLOW_TEST_SEED") or date.today().toordinal())
    print(f"WASTEFLOW_TEST_SEED={number}")
    with serve(api_anywhere.app) as address:
        served: Any = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", config=CONFIG)
        operations = [found.ok() for found in served.get_all_operations()][part::PARTS]
        assert operations
        chosen = chosen_settings(MANY)
        assert_kept(api_anywhere, real_ids, {each: chosen for each in operations}, number)


def chosen_settings(examples: int) -> settings:
    """So many examples, however long they take."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def assert_kept(
    api: Api, real_ids: Mapping[str, str], operations: Mapping[Any, settings], number: int = 0
) -> None:
    """Try every operation by its settings: every check holds, and then those of the books."""
    api.app.config["PROPAGATE_EXCEPTIONS"] = False
    checks: Any = CHECKS.get_all()
    failed = list[str]()
    for operation, chosen in operations.items():

        @seed(number)
        @chosen
        @schemathesis_given(operation)  # type: ignore[untyped-decorator]
        def try_it(case: Any) -> None:
            who = ("op-p1", "head-p1", "admin")[len(str(case.body)) % 3]
            right = case.meta.generation.mode is GenerationMode.POSITIVE
            for name in case.path_parameters or {}:
                if right and name in real_ids and len(str(case.query)) % 2 == 0:
                    case.path_parameters[name] = real_ids[name]
            headers = {**api.people[who].headers, "Accept-Encoding": "identity"}
            case.call_and_validate(headers=headers, checks=checks)

        try:
            try_it()
        except BaseExceptionGroup as error:
            failed.append(f"{operation.label}: {error.exceptions[0]}")
    assert failed == [], "\n\n".join(failed)
    assert check_books(db=api.db).ok


def schemathesis_given(operation: Any) -> Any:
    """Hypothesis' `given` over the cases of one operation, good and bad ones."""
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable

    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    try:
        bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    except Unsatisfiable:
        return given(case=good)
    return given(case=good | bad)
