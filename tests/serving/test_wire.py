"""Pictures from hell over the wire: REST, Gradio's queue and its client give the same verdict."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from moodlens.errors import PictureError
from moodlens.pictures.reading import DEFAULT_LIMITS, read_picture
from tests.support.page_queue import HTTP, ask_queue, completed, file_data
from tests.support.picture_corpus import accepted, refused, small_files
from tests.support.running_app import RunningApp
from tests.support.tiny_checkpoint import make_checkpoint

REGRESSIONS = sorted((Path(__file__).parents[1] / "support" / "regressions").glob("*.bin"))

NAMES = (
    "a\0b.jpg",
    "\u202egpj.🎭ü",
    "x" * 300 + ".jpg",
    "../../../etc/passwd",
    "<img src=x onerror=alert(1)>.jpg",
    "photo.exe",
    "a\"';\r\n.jpg",
    " ",
)

Verdict = tuple[int, str]
"""The status, and the sentence or the shares."""


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app with a checkpoint so small that only the pictures take time."""
    folder = tmp_path_factory.mktemp("wire")
    settings = {"MOODLENS_CHECKPOINT": str(make_checkpoint(folder / "tiny"))}
    with RunningApp(folder, settings) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def endpoint(wire: RunningApp) -> dict:
    config: dict = HTTP.get(f"{wire.url}/config").json()
    (found,) = [f for f in config["dependencies"] if f["api_name"] == "predict"]
    return found


def corpus() -> list[tuple[str, bytes]]:
    """Every file with what is special about it."""
    files = [(case.name, case.data) for case in (*accepted(), *refused())]
    files += [(path.stem, path.read_bytes()) for path in REGRESSIONS]
    for name, data in small_files().items():
        files += [(f"{name}-cut-{part}", data[: len(data) * part // 4]) for part in (1, 2, 3)]
    return files


def verdict(status: int, answer: dict) -> Verdict:
    if answer["status"] == "error":
        return status, answer["error"]
    return status, str(answer["prediction"]["probability_distribution"])


def by_rest(app: RunningApp, data: bytes, name: str = "photo.jpg") -> Verdict:
    response = HTTP.post(f"{app.url}/predict", files={"file": (name, data)})
    return verdict(response.status_code, response.json())


def by_queue(app: RunningApp, endpoint: dict, data: bytes, name: str = "photo.jpg") -> Verdict:
    """As the page asks; Gradio has no status, so its place is taken by 200 or 0."""
    sent = HTTP.post(f"{app.url}/gradio_api/upload", files={"files": (name, data)})
    if sent.status_code != 200:
        return sent.status_code, sent.text
    events = ask_queue(app.url, endpoint, [file_data(sent.json()[0])])
    event = completed(events)
    assert event is not None, events
    if event["success"]:
        return verdict(200, event["output"]["data"][0])
    return 0, event["output"]["error"]


def by_client(client: Client, path: Path) -> Verdict:
    try:
        return verdict(200, client.predict(handle_file(path), api_name="/predict"))
    except AppError as error:
        return 0, error.message


def expected_status(data: bytes) -> int:
    try:
        read_picture(data)
    except PictureError as error:
        return error.status
    return 200


def test_every_file_gets_the_same_verdict_by_every_way(
    wire: RunningApp, endpoint: dict, tmp_path: Path
) -> None:
    own = threading.local()

    def connect() -> None:
        """One client a thread: shared, it may cancel an answer as another one's stream ends."""
        patient = {"timeout": 300}
        own.client = Client(wire.url, verbose=False, download_files=False, httpx_kwargs=patient)

    def check(number: int, name: str, data: bytes) -> int:
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(data)
        status, told = by_rest(wire, data)
        assert status == expected_status(data), (name, told)
        if len(data) > DEFAULT_LIMITS.max_bytes:  # the client would not even send it
            assert by_queue(wire, endpoint, data)[0] == 413, name
        else:  # the client asks through the queue
            assert by_client(own.client, path) == (200 if status == 200 else 0, told), name
        return status

    with ThreadPoolExecutor(4, initializer=connect) as pool:
        cases = [(number, *case) for number, case in enumerate(corpus())]
        statuses = list(pool.map(lambda case: check(*case), cases))
    assert set(statuses) == {200, 400, 413, 415}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_change_nothing(wire: RunningApp, endpoint: dict, name: str) -> None:
    picture = small_files()["png"]
    plain = by_rest(wire, picture)
    assert plain[0] == 200
    assert by_rest(wire, picture, name) == plain
    assert by_queue(wire, endpoint, picture, name) == plain
    broken = by_queue(wire, endpoint, picture[:100], name)
    assert broken == (0, by_rest(wire, picture[:100])[1])


def test_no_file_at_all(wire: RunningApp, endpoint: dict) -> None:
    response = HTTP.post(f"{wire.url}/predict", data={"other": "x"})
    assert response.status_code == 422
    events = ask_queue(wire.url, endpoint, [None])
    assert "Choose a picture first." in events


@pytest.mark.parametrize(
    "data",
    [[], [None, None], ["x"], [7], [{"path": 7}], [{"meta": {}}], [{"path": {"path": "x"}}], None],
    ids=str,
)
def test_what_the_queue_was_never_meant_to_get(
    wire: RunningApp, endpoint: dict, data: list | None
) -> None:
    body = {"data": data}
    response = HTTP.post(f"{wire.url}/gradio_api/call/predict", json=body)
    events = response.text
    if response.status_code == 200:
        event = response.json()["event_id"]
        events = HTTP.get(f"{wire.url}/gradio_api/call/predict/{event}").text
    assert "probability_distribution" not in events
    assert str(wire.folder) not in events
