"""schemathesis against the running program, with real ids: what the document says is what happens.

Short here; `-m slow` gives every operation many more examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from tests.api.conftest import Api
from tests.api.loads import accepted, drafted
from tests.api.test_entries import ENTRY
from tests.api.test_papers import PDF, upload
from tests.api.test_telling import HOOK
from wasteflow.services.checking import check_books

EXAMPLES = 40 if os.environ.get("WASTEFLOW_TEST_SLOW") == "1" else 3
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
    api, seen, failed = api_anywhere, 0, list[str]()
    api.app.config["PROPAGATE_EXCEPTIONS"] = False
    checks: Any = CHECKS.get_all()
    for result in described.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
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
        seen += 1
    assert failed == [], "\n\n".join(failed)
    assert seen > 80
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
