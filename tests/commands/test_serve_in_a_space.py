"""The app started as a Space starts it: another user, no home, a folder it cannot write to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file

import moodlens
from tests.support.space import ENVIRONMENT, USER, SpaceApp, user_prefix

CAT = Path(moodlens.__file__).parent / "examples" / "cat.jpg"


@pytest.fixture(scope="module")
def space() -> Iterator[SpaceApp]:
    running = SpaceApp()
    with running:
        running.wait_until_ready()
        yield running


def test_it_is_nobody_in_particular(space: SpaceApp) -> None:
    assert space.process is not None
    process = psutil.Process(space.process.pid)
    environ = process.environ()

    assert "HOME" not in environ
    assert ENVIRONMENT.items() <= environ.items()
    if user_prefix():
        assert process.uids().effective == USER
    else:
        assert not os.access(space.folder, os.W_OK)


def test_every_way_in_answers(space: SpaceApp) -> None:
    by_rest = space.predict(CAT.read_bytes())
    by_client = Client(space.url, verbose=False).predict(handle_file(str(CAT)), api_name="/predict")

    assert by_rest.status_code == 200
    assert by_rest.json() == by_client
    assert by_client["model"]["source"] == "bundled"
    assert "MoodLens" in httpx.get(space.url).text


@pytest.mark.skipif(
    find_spec("spaces") is None, reason="the package `spaces` would open it, and is not here"
)
def test_one_port_is_open_and_no_other(space: SpaceApp) -> None:
    assert space.process is not None
    listening = {
        connection.laddr.port
        for connection in psutil.Process(space.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {space.port}
