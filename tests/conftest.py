"""Fixtures that every test has, and the app itself running for those that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hub_fixtures import hub, huggingface_home
from tests.support.running_app import RunningApp

__all__ = ["app", "hub", "huggingface_home"]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The real app with its bundled checkpoint, as `make app` starts it, on a free port."""
    with RunningApp(tmp_path_factory.mktemp("app")) as running:
        running.wait_until_ready()
        yield running
