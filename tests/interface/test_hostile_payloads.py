"""Whatever is sent to any function of the page, it answers with a result or with one sentence."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.page_queue import HTTP, ask_queue, completed, file_data
from tests.support.running_app import RunningApp

VALUES: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "a text": "x" * 5000,
    "lists": [[[]]] * 20,
    "an object": {"path": 7, "meta": {"_type": "gradio.FileData"}},
    "a file of the server": file_data("/etc/passwd"),
    "a folder": file_data("/"),
    "a path with NUL": file_data("/tmp/a\0b"),
    "a path of 5,000 characters": file_data("/tmp/" + "x" * 5000),
    "an address": file_data("http://127.0.0.1/"),
    "files": [file_data("/etc/passwd"), None, 7],
}


@pytest.fixture(scope="module")
def functions(app: RunningApp) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = HTTP.get(f"{app.url}/config").json()["dependencies"]
    return [function for function in found if function["backend_fn"]]


def is_a_sentence(text: object, app: RunningApp) -> bool:
    """One that leaks nothing."""
    leaks = ("Traceback", "site-packages", str(app.folder), "/etc/", "object at 0x")
    return isinstance(text, str) and bool(text) and not any(leak in text for leak in leaks)


@pytest.mark.parametrize("kind", VALUES)
def test_every_function_has_the_last_word(
    app: RunningApp, functions: list[dict[str, Any]], kind: str
) -> None:
    assert len(functions) > 10
    for function in functions:
        events = ask_queue(app.url, function, [VALUES[kind]] * max(1, len(function["inputs"])))
        event = completed(events)
        if event is None:  # refused at the door
            told = json.loads(events)
            assert told["status"] == "error", (function["id"], events[:300])
            assert is_a_sentence(told["error"], app), (function["id"], told)
        elif not event["success"]:
            assert is_a_sentence(event["output"]["error"], app), (function["id"], event)


def test_half_a_character_has_an_answer_too(
    app: RunningApp, functions: list[dict[str, Any]]
) -> None:
    """Python's JSON reads it, and no text with it can be sent."""
    for function in functions:
        session = f"half{function['id']}"
        values = ", ".join([r'"\ud800"'] * max(1, len(function["inputs"])))
        body = f'{{"data": [{values}], "fn_index": {function["id"]}, "session_hash": "{session}"}}'
        headers = {"content-type": "application/json"}
        address = f"{app.url}/gradio_api/queue"
        assert HTTP.post(f"{address}/join", content=body, headers=headers).status_code == 200
        events = HTTP.get(f"{address}/data?session_hash={session}").text
        assert "process_completed" in events or "unexpected_error" in events, function["id"]
        assert '"error":null' not in events


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "queue/join", b'{"data":[],"fn_index":999,"session_hash":"a"}', 404),
        ("POST", "queue/join", b'{"data":[],"fn_index":-1,"session_hash":"a"}', 404),
        ("POST", "queue/join", b'{"data":7,"session_hash":"a"}', 422),
        ("POST", "queue/join", b'{"data":[],"fn_index":1e400,"session_hash":"a"}', 400),
        ("POST", "queue/join", b'{"data":[],"fn_index":0,"session_hash":""}', 400),
        ("POST", "queue/join", b'{"data":[],"fn_index":0,"session_hash":"a<gradio-sep>b"}', 400),
        ("POST", "call/nothing", b'{"data":[]}', 404),
        ("POST", "call/v2/nothing", b'{"data":[]}', 404),
        ("POST", "run/nothing", b'{"data":[]}', 404),
        ("POST", "run/predict", b'{"data":[null]}', 422),
        ("POST", "cancel", b"{}", 422),
        ("POST", "upload", b"no form", 400),
        ("GET", "file=/etc/passwd", b"", 403),
        ("GET", "upload_progress", b"", 422),
        ("GET", "heartbeat/" + "x" * 500, b"", 400),
        ("GET", "nothing", b"", 404),
        ("PUT", "upload", b"{}", 405),
    ],
)
def test_every_route_has_the_last_word(
    app: RunningApp, method: str, path: str, body: bytes, status: int
) -> None:
    answer = httpx.request(
        method,
        f"{app.url}/gradio_api/{path}",
        content=body,
        headers={"content-type": "application/json"},
        timeout=60,
    )
    assert answer.status_code == status, answer.text[:300]
    told = answer.json()
    assert told["status"] == "error"
    assert is_a_sentence(told["error"], app)


def test_a_text_where_a_file_should_be(app: RunningApp) -> None:
    form = {"files": (None, b"a text")}
    answer = HTTP.post(f"{app.url}/gradio_api/upload", files=form)
    assert (answer.status_code, answer.json()["error"]) == (422, "Send files in the field 'files'.")


def test_several_ranges_of_a_file(app: RunningApp) -> None:
    (path,) = HTTP.post(f"{app.url}/gradio_api/upload", files={"files": ("a.txt", b"abc")}).json()
    answer = HTTP.get(f"{app.url}/gradio_api/file={path}", headers={"range": "bytes=0-0,2-2"})
    assert (answer.status_code, answer.content) == (200, b"abc")


def test_a_stream_that_nobody_asked_for_ends_in_a_sentence(app: RunningApp) -> None:
    answer = HTTP.get(f"{app.url}/gradio_api/call/predict/nothing")
    assert "please reload the page" in answer.text
    assert "null" not in answer.text


def test_who_asks_for_a_door_to_another_host_gets_none(app: RunningApp) -> None:
    assert HTTP.get(f"{app.url}/logout").status_code == 404
    assert HTTP.get(app.url, headers={"host": "a.example/x?"}).status_code == 400
