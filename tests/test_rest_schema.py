"""schemathesis against the REST schema: whatever it thinks of, the answer is a documented one."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import positive_data_acceptance

from tests.running_app import RunningApp


@pytest.fixture(scope="module")
def rest(app: RunningApp) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{app.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("rest")


@schema.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_every_answer_is_documented(case: schemathesis.Case) -> None:
    # Random bytes fit the schema of a picture, and are none.
    response = case.call_and_validate(excluded_checks=[positive_data_acceptance])
    assert response.status_code != 500


def test_every_route_is_documented(rest: schemathesis.BaseSchema) -> None:
    assert set(rest.raw_schema["paths"]) == {"/hello", "/healthz", "/predict"}
