"""The endpoint for programs: what it takes, what it says, and what it promises in its schema."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from jsonschema import Draft202012Validator

import moodlens
from tests.support.page_queue import HTTP
from tests.support.running_app import RunningApp

EXAMPLE = Path(moodlens.__file__).parent / "examples" / "cat.jpg"
CAT = EXAMPLE.read_bytes()
DATA_URI = f"data:image/jpeg;base64,{base64.b64encode(CAT).decode()}"
META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def upload(app: RunningApp) -> str:
    sent = HTTP.post(f"{app.url}/gradio_api/upload", files={"files": ("cat.jpg", CAT)})
    path: str = sent.json()[0]
    return path


@pytest.fixture(scope="module")
def expected(app: RunningApp) -> Any:
    return app.predict(CAT).json()


def ask(app: RunningApp, *values: Any) -> tuple[str, Any]:
    """Post and poll, as ``curl`` would; the last event and what came with it."""
    asked = HTTP.post(f"{app.url}/gradio_api/call/predict", json={"data": list(values)})
    assert asked.status_code == 200, asked.text
    return last_event(app, asked.json()["event_id"])


def last_event(app: RunningApp, event_id: str) -> tuple[str, Any]:
    text = HTTP.get(f"{app.url}/gradio_api/call/predict/{event_id}").text
    *_, event, data = text.strip().splitlines()
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize(
    "form",
    [
        "path",
        "file",
        "without meta",
        "with address",
        "data",
        "data path",
        "data url",
        "own",
    ],
)
def test_every_form_of_a_picture_is_answered(
    app: RunningApp, upload: str, expected: Any, form: str
) -> None:
    value: Any = {
        "path": upload,
        "file": {"path": upload, "meta": META},
        "without meta": {"path": upload},
        "with address": {"path": upload, "url": f"{app.url}/file={upload}", "meta": META},
        "data": DATA_URI,
        "data path": {"path": DATA_URI, "meta": META},
        "data url": {"path": None, "url": DATA_URI, "meta": META},
        "own": f"{app.url}/examples/cat.jpg",
    }[form]

    assert ask(app, value) == ("complete", [expected])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Choose a picture first. Send a picture: an upload"),
        (7, "Send a picture: an upload"),
        ([], "Send a picture: an upload"),
        ({}, "Send a picture: an upload"),
        ("", "Send a picture: an upload"),
        ({"path": "", "url": None}, "Send a picture: an upload"),
        ("https://example.org/cat.jpg", "No addresses are fetched here"),
        ("http://example.org/examples/cat.jpg", "No addresses are fetched here"),
        ("//example.org/examples/cat.jpg", "No addresses are fetched here"),
        ("file:///etc/passwd", "No addresses are fetched here"),
        ({"path": "http://example.org/a.jpg", "meta": META}, "No addresses are fetched here"),
        ("/etc/passwd", "This app has no such upload"),
        ({"path": "/etc/passwd", "meta": META}, "This app has no such upload"),
        ({"path": "/etc/passwd"}, "This app has no such upload"),
        ("cat.jpg", "This app has no such upload"),
        ("data:image/png;base64,!", "The base64 of this data: address is damaged"),
        ("data:image/png", "A data: address looks like"),
        ("data:text/plain,hello", "This file is not a picture"),
    ],
    ids=str,
)
def test_every_refusal_is_a_sentence(app: RunningApp, value: Any, sentence: str) -> None:
    event, told = ask(app, value)

    assert event == "error"
    assert told["error"].startswith(sentence)


def test_too_few_and_too_many_values(app: RunningApp) -> None:
    for values in ((), (DATA_URI, DATA_URI)):
        event, told = ask(app, *values)
        assert event == "error"
        assert told["error"].startswith("Send a picture")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("predict", {}, 422), ("predict", {"image": DATA_URI}, 422), ("nothing", {}, 404)],
)
def test_wrong_names_are_said_to_be_wrong(
    app: RunningApp, name: str, body: dict[str, str], status: int
) -> None:
    response = HTTP.post(f"{app.url}/gradio_api/call/v2/{name}", json=body)

    assert response.status_code == status
    assert response.json()["status"] == "error"
    assert "/gradio_api/info" in response.json()["error"]


def test_the_python_client_is_told_too(app: RunningApp) -> None:
    client = Client(app.url, verbose=False)

    with pytest.raises(AppError, match="No addresses are fetched here"):
        client.predict(handle_file("https://example.org/cat.jpg"), api_name="/predict")
    with pytest.raises(AppError, match="Send a picture"):
        client.predict(None, api_name="/predict")


def test_the_answer_is_described_field_by_field(app: RunningApp, expected: Any) -> None:
    (returned,) = predict_info(app)["returns"]
    validator = Draft202012Validator(returned["type"])
    validator.validate(expected)

    for name in ("dominant_emotion", "probability_distribution", "ambiguity", "valence"):
        less = {**expected, "prediction": {**expected["prediction"]}}
        del less["prediction"][name]
        assert not validator.is_valid(less), name
    assert "probability_distribution: dict(anger: float" in returned["python_type"]["type"]


def test_what_may_be_sent_is_described(app: RunningApp, upload: str) -> None:
    (parameter,) = predict_info(app)["parameters"]
    validator = Draft202012Validator(parameter["type"])

    assert validator.is_valid(DATA_URI)
    assert validator.is_valid({"path": upload, "meta": META})
    assert validator.is_valid(parameter["example_input"])
    assert not validator.is_valid(None)
    assert ask(app, parameter["example_input"])[0] == "complete"
    printed = Client(app.url, verbose=False).view_api(print_info=False, return_format="str")
    assert isinstance(printed, str)
    assert "publicly available" not in printed
    assert "data: URI" in printed


def predict_info(app: RunningApp) -> Any:
    info = HTTP.get(f"{app.url}/gradio_api/info").json()
    assert list(info["named_endpoints"]) == ["/predict"]
    return info["named_endpoints"]["/predict"]


def test_whoever_asks_is_told_the_address_it_asked_by(app: RunningApp) -> None:
    """Gradio shows everybody the address of whoever asked first."""
    for host in (f"localhost:{app.port}", f"127.0.0.1:{app.port}"):
        for path in ("info", "info/"):
            info = HTTP.get(f"http://{host}/gradio_api/{path}").text
            assert f"http://{host}/examples/cat.jpg" in info
            assert info.count("http://") == info.count(f"http://{host}")
