"""Whatever fails behind the gate, the answer is one sentence with an honest status."""

from __future__ import annotations

import errno
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from moodlens.errors import BusyError
from moodlens.serving.failures import WENT_WRONG, Honest
from tests.support.coroutines import run


def answered(
    *messages: MutableMapping[str, Any], error: Exception | None = None
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def pass_through() -> None:
        honest = Honest(send)
        for message in messages:
            await honest.send(message)
        await honest.settle(error)

    run(pass_through())
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def answer(status: int, body: bytes, kind: bytes = b"text/plain") -> list[dict[str, Any]]:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"Internal Server Error"),
        (500, b'{"error": null}'),
        (404, b"Not Found"),
        (404, b'{"detail":"Not Found"}'),
        (422, b'{"detail":[{"loc":["body"],"input":"' + b"x" * 90_000 + b'"}]}'),
        (400, b"Invalid file name: /srv/app/secret"),
        (400, b"<html>"),
        (416, b""),
    ],
)
def test_what_is_no_sentence_becomes_one(status: int, body: bytes) -> None:
    told_status, headers, told = answered(*answer(status, body))
    assert told_status == status
    assert headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(told)
    said = json.loads(told)
    assert said["status"] == "error"
    assert said["error"] == said["detail"]
    assert said["error"].endswith(".")
    assert len(said["error"]) < 100
    assert "secret" not in said["error"]


def test_a_sentence_is_kept() -> None:
    body = json.dumps({"detail": "Queue is full. Max size is 64 and size is 64."}).encode()
    status, headers, told = answered(*answer(503, body, b"application/json"))
    assert status == 503
    assert json.loads(told)["detail"].startswith("Queue is full.")
    assert int(headers[b"retry-after"]) >= 1


def test_an_event_that_was_refused_is_no_fault_of_the_server() -> None:
    body = b'{"error": "Send a picture: an upload or \\"data:image/jpeg;base64,...\\"."}'
    status, _, told = answered(*answer(500, body, b"application/json"))
    assert status == 422
    assert json.loads(told)["error"].startswith("Send a picture")


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"error","error":"No."}',
        b'{"status":"loading"}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"No."}}',
    ],
)
def test_our_own_answers_pass_as_they_are(body: bytes) -> None:
    assert answered(*answer(503, body))[2] == body


def test_an_answer_that_did_not_fail_is_not_touched() -> None:
    assert answered(*answer(200, b"<html>"))[2] == b"<html>"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("/srv/secret"), 500),
        (BusyError("Busy now.", 3), 503),
        (OSError(errno.ENOSPC, "No space left on device", "/srv/secret"), 507),
        (OSError(errno.EACCES, "Permission denied", "/srv/secret"), 500),
    ],
)
def test_an_exception_is_an_answer_too(error: Exception, status: int) -> None:
    for messages in ([], answer(500, b"Internal Server Error")):
        told_status, _, told = answered(*messages, error=error)
        assert told_status == status
        assert "secret" not in told.decode()
        assert json.loads(told)["error"].endswith(".")


def test_an_answer_that_breaks_off_stays_broken() -> None:
    start = answer(200, b"")[0]
    with pytest.raises(RuntimeError):  # at which the server cuts the connection
        answered(start, error=RuntimeError("x"))


def test_a_stream_of_events_that_breaks_has_an_end() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}
    event = {"type": "http.response.body", "body": b"data: {}", "more_body": True}
    assert answered(start, event, error=RuntimeError("x"))[2] == b"data: {}"


def test_nothing_went_wrong_without_a_full_stop() -> None:
    assert WENT_WRONG.endswith(".")
