"""A ZeroGPU Space, with the real package ``spaces`` and a stand-in for what it talks to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

import moodlens
from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo
from moodlens.serving import zero_gpu
from tests.support.device_api import WITHOUT_CUDA, DeviceApi
from tests.support.running_app import RunningApp, free_port
from tests.support.space import SpaceApp
from tests.support.tiny_checkpoint import make_checkpoint

CAT = Path(moodlens.__file__).parent / "examples" / "cat.jpg"
TOKEN = "header.e30.signature"

needs_spaces = pytest.mark.skipif(
    find_spec("spaces") is None, reason="the package `spaces` is not installed"
)


def start(api_url: str, environ: Mapping[str, str] | None = None) -> SpaceApp:
    zero = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": api_url}
    return SpaceApp({**zero, **(environ or {})}, script=("-c", WITHOUT_CUDA))


def ask(app: RunningApp, token: str | None = TOKEN) -> dict[str, Any]:
    """As a visitor's browser, or a client, does through Gradio."""
    headers = {} if token is None else {"X-IP-Token": token}
    client = Client(app.url, headers=headers, verbose=False)
    answer: dict[str, Any] = client.predict(handle_file(str(CAT)), api_name="/predict")
    return answer


@pytest.fixture(scope="module")
def api() -> Iterator[DeviceApi]:
    with DeviceApi() as running:
        yield running


@pytest.fixture(scope="module")
def lending(api: DeviceApi) -> Iterator[SpaceApp]:
    """A Space that wants the lent processor."""
    running = start(api.url, {"MOODLENS_ZERO_GPU": "yes"})
    with running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def own_answer(lending: SpaceApp) -> dict[str, Any]:
    answer: dict[str, Any] = lending.predict(CAT.read_bytes()).json()
    return answer


@needs_spaces
def test_the_start_is_reported(api: DeviceApi, lending: SpaceApp) -> None:
    assert api.asked()[0] == "/startup-report"


@needs_spaces
def test_the_lent_processor_answers_and_the_visitor_pays(
    api: DeviceApi, lending: SpaceApp, own_answer: dict[str, Any]
) -> None:
    api.mood = "granting"
    for expected in (["/schedule", "/allow", "/release"], ["/schedule", "/release"]):
        before = len(api.calls)
        assert ask(lending) == own_answer
        calls = api.calls[before:]
        assert [call.path for call in calls] == expected
        assert calls[0].parameters["token"] == TOKEN
        assert 0 < int(calls[0].parameters["durationSeconds"]) <= 60
        assert calls[-1].parameters["fail"] == "false"


@needs_spaces
def test_the_space_itself_never_pays(
    api: DeviceApi, lending: SpaceApp, own_answer: dict[str, Any]
) -> None:
    before = len(api.calls)
    assert ask(lending, token=None) == own_answer
    assert lending.predict(CAT.read_bytes()).json() == own_answer
    assert len(api.calls) == before


@needs_spaces
@pytest.mark.parametrize("mood", ["busy", "out of quota", "unreachable"])
def test_the_own_processor_answers_where_none_is_lent(
    api: DeviceApi, lending: SpaceApp, own_answer: dict[str, Any], mood: Any
) -> None:
    before = len(api.calls)
    if mood == "unreachable":
        api.close()
    else:
        api.mood = mood
    assert ask(lending) == own_answer
    assert [call.path for call in api.calls[before:]] == ["/schedule"] * (mood != "unreachable")
    log = lending.log.read_text(encoding="utf-8")
    assert "answering without the graphics processor" in log


@needs_spaces
def test_nobody_asks_for_it_by_default_and_its_absence_ends_nothing() -> None:
    port = free_port()
    with start(f"http://127.0.0.1:{port}") as running:
        running.wait_until_ready()
        assert "was not told of the start" in running.log.read_text(encoding="utf-8")
        with DeviceApi(port) as api:
            assert ask(running) == running.predict(CAT.read_bytes()).json()
    assert api.calls == []


def test_newer_weights_reach_the_process_that_is_there_already(tmp_path: Path) -> None:
    answers = []
    for seed in range(2):
        folder = make_checkpoint(tmp_path / f"seed{seed}", seed=seed)
        model = ModelInfo("tiny", str(seed), "local")
        answers.append(zero_gpu.explain(folder, model, probe_picture()).prediction)
    old, new = answers

    assert new.model.revision != old.model.revision
    assert new.distribution != pytest.approx(old.distribution, abs=0.01)


def test_a_variable_that_is_left_over_is_no_graphics_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With it, and without the API's address, importing `spaces` ends the process."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.delenv("SPACES_ZERO_DEVICE_API_URL", raising=False)
    assert zero_gpu.register(wanted=True) is None
    assert "SPACES_ZERO_GPU" not in os.environ


def test_other_hardware_does_without() -> None:
    code = (
        "import sys; from moodlens.serving.service import PredictionService;"
        "from moodlens.settings import Settings; PredictionService(Settings()).close();"
        "assert 'spaces' not in sys.modules and 'gradio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
