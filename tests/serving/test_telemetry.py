"""What operators see: /metrics, the log and /healthz of the real app."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import moodlens
from moodlens.errors import BusyError, MoodLensError, PictureError
from moodlens.prediction import ModelInfo
from moodlens.serving.telemetry import Telemetry
from tests.support.running_app import RunningApp

CAT = Path(moodlens.__file__).parent / "examples" / "cat.jpg"


def counts(text: str) -> dict[tuple[str, str], float]:
    found = re.findall(r'moodlens_requests_total{kind="(\w+)",outcome="(\w+)"} (\S+)', text)
    return {(kind, outcome): float(number) for kind, outcome, number in found}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with RunningApp(tmp_path_factory.mktemp("seen")) as app:
        app.wait_until_ready()
        yield app


def test_requests_are_counted_and_logged_without_a_word_about_the_viewer(seen: RunningApp) -> None:
    secret = "my-holiday-with-Anna.jpg"
    client = Client(seen.url, verbose=False)
    assert seen.predict(CAT.read_bytes(), secret).status_code == 200
    assert seen.predict(b"no picture", secret).status_code == 400
    client.predict(handle_file(str(CAT)), api_name="/predict")
    with pytest.raises(AppError):
        client.predict(handle_file(__file__), api_name="/predict")

    answer = httpx.get(f"{seen.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert counts(answer.text) == {
        ("rest", "answered"): 1,
        ("rest", "refused"): 1,
        ("client", "answered"): 1,
        ("client", "refused"): 1,
    }
    assert re.search(r'moodlens_request_seconds_count{kind="rest"} 2.0', answer.text)
    assert "moodlens_waiting 0.0" in answer.text
    revision = httpx.get(f"{seen.url}/healthz").json()["model"]["revision"]
    assert f'revision="{revision}",source="bundled"}} 1.0' in answer.text

    log = seen.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request"]
    assert [(r["kind"], r["outcome"]) for r in requests] == [
        ("rest", "answered"),
        ("rest", "refused"),
        ("client", "answered"),
        ("client", "refused"),
    ]
    assert all(r["milliseconds"] >= 0 for r in requests)
    assert "Anna" not in log
    assert "127.0.0.1:" not in log.replace(seen.url, "")
    assert CAT.name not in log


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "answered"),
        (BusyError("Later.", 1), "busy"),
        (PictureError("No."), "refused"),
        (MoodLensError("Broken."), "failed"),
        (RuntimeError(), "failed"),
    ],
)
def test_every_end_has_its_outcome(error: Exception | None, outcome: str) -> None:
    telemetry = Telemetry(waiting=lambda: 3, model=lambda: ModelInfo("a", "b", "local"))

    def ask() -> None:
        with telemetry.request("page"):
            if error is not None:
                raise error

    if error is None:
        ask()
    else:
        with pytest.raises(type(error)):
            ask()

    text = telemetry.exposition().decode()
    assert counts(text) == {("page", outcome): 1}
    assert "moodlens_waiting 3.0" in text
