"""schemathesis against the REST schema: whatever it thinks of, the answer is a documented one."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance

from tests.support.running_app import RunningApp

ROUTES = (("/hello", "GET"), ("/healthz", "GET"), ("/predict", "POST"))


@pytest.fixture(scope="module")
def schema(app: RunningApp) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{app.url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_answer_is_documented(
    schema: schemathesis.BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and method == "GET":
        return  # there is nothing in them to be wrong

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=50, deadline=None, derandomize=True, database=None)
    def check(case: schemathesis.Case) -> None:
        # Random bytes fit the schema of a picture, and are none.
        response = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        assert response.status_code < 500

    check()


def test_every_route_is_documented(schema: schemathesis.BaseSchema) -> None:
    assert set(schema.raw_schema["paths"]) == {path for path, _ in ROUTES}
