"""What a stranger may put into a question, looked at before anybody keeps it."""

from __future__ import annotations

import gc
import json
import weakref

import pytest
from starlette.types import Message, Receive, Scope, Send

from moodlens.errors import MoodLensError, PictureTooLargeError, RequestError
from moodlens.serving.arriving import Memory
from moodlens.serving.gate import Gate
from moodlens.serving.questions import check_address, check_question, check_sender
from moodlens.serving.telemetry import Telemetry
from moodlens.settings import Settings
from tests.support.coroutines import run

FILE = {"path": "/x/a.jpg", "meta": {"_type": "gradio.FileData"}}


def question(**parts: object) -> bytes:
    return json.dumps({"data": [], "session_hash": "abc123", **parts}).encode()


@pytest.mark.parametrize(
    "body",
    [
        question(data=[None, FILE], fn_index=3, event_data={"felt": {"joy": 1}}),
        question(data=[[FILE] * 50, "fear"]),
        question(session_hash="0b1c8a32-93c4-4d5e-8f60-7a8b9c0d1e2f"),
        question(session_hash=None),
        question(data=["data:image/png;base64," + "A" * 2_000_000]),
    ],
)
def test_what_the_page_sends_passes(body: bytes) -> None:
    check_question(body)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (question(session_hash=""), RequestError),
        (question(session_hash="a<gradio-sep>b"), RequestError),
        (question(session_hash="x" * 65), RequestError),
        (question(session_hash=["a"]), RequestError),
        (question(event_id="../x"), RequestError),
        (question(fn_index=float("inf")), RequestError),
        (question(data=[{"joy": float("nan")}]), RequestError),
        (question().replace(b"[]", b"[1e400]"), RequestError),
        (b"[1]", RequestError),
        (b"nonsense", RequestError),
        (b"\xff\xfe", RequestError),
        (b"[" * 4000, RequestError),
        (b'{"data":[' + b"[]," * 300_000 + b"[]]}", PictureTooLargeError),
        (question(data=["x" * 200_000]), PictureTooLargeError),
        (b'{"data":' + b"[" * 20 + b"]" * 20 + b"}", PictureTooLargeError),
        (question(data=[[FILE] * 101]), PictureTooLargeError),
        (question(data=[[FILE] * 101]).replace(b'"path"', b'"\\u0070ath"'), PictureTooLargeError),
    ],
    ids=range(17),
)
def test_what_no_page_sends_is_refused(body: bytes, error: type[MoodLensError]) -> None:
    with pytest.raises(error):
        check_question(body)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/gradio_api/heartbeat/" + "x" * 1000, b""),
        ("/gradio_api/heartbeat/a%00b", b""),
        ("/gradio_api/call/predict/<script>", b""),
        ("/gradio_api/queue/data", b"session_hash="),
        ("/gradio_api/queue/data", b"session_hash=" + b"x" * 1_000_000),
        ("/gradio_api/upload_progress", b"upload_id=%2e%2e/"),
        ("/", b"&".join(b"a=%d" % i for i in range(100))),
    ],
)
def test_names_in_addresses_are_names(path: str, query: bytes) -> None:
    with pytest.raises(RequestError):
        check_address(path, query)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", b"__theme=dark&__lang=de"),
        ("/gradio_api/heartbeat/abc123", b""),
        ("/gradio_api/call/predict", b""),
        ("/gradio_api/call/v2/predict", b""),
        ("/gradio_api/call/predict/0123abcd", b""),
        ("/gradio_api/queue/data", b"session_hash=abc123"),
        ("/gradio_api/file=/tmp/moodlens-1/a%20b.jpg", b""),
    ],
)
def test_addresses_of_the_page_pass(path: str, query: bytes) -> None:
    check_address(path, query)


@pytest.mark.parametrize("host", ["evil.example/x", "a b", "a@b", "x" * 300, "a:b:c", ""])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(RequestError):
        check_sender([(b"host", host.encode())], frozenset())


def test_only_the_hosts_that_are_named() -> None:
    hosts = frozenset({"moodlens.example"})
    check_sender([(b"host", b"MoodLens.example:7860")], hosts)
    check_sender([(b"host", b"[::1]:7860")], frozenset())
    for name in (b"host", b"x-forwarded-host"):
        with pytest.raises(RequestError, match="not at home"):
            check_sender([(name, b"evil.example")], hosts)


@pytest.mark.parametrize("body", [question(session_hash=""), b"nonsense"])
def test_a_refused_question_is_forgotten_at_once(body: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody behind the gate is asked")

    async def ask() -> weakref.ref[Receive]:
        sent = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/gradio_api/queue/join",
            "query_string": b"",
            "headers": [(b"content-length", b"%d" % len(body))],
        }
        telemetry = Telemetry(waiting=lambda: 0, model=lambda: None)
        await Gate(app, Settings(), telemetry, Memory(1_000_000))(scope, receive, send)
        assert sent[0]["status"] == 400
        return weakref.ref(receive)

    gc.disable()  # a circle stays for minutes, with the question in it
    try:
        assert run(ask())() is None
    finally:
        gc.enable()
