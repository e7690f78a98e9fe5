"""What a request's body may cost, tried on the real app by senders with bad manners."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.serving.test_telemetry import counts
from tests.support.picture_corpus import saved, scene
from tests.support.raw_http import answer, connect, form, form_head, request_head
from tests.support.running_app import RunningApp

PLACES, SECONDS = 2, 2


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app with two places for uploads, two seconds for each, and little room."""
    settings = {
        "MOODLENS_MAX_UPLOADS": str(PLACES),
        "MOODLENS_UPLOAD_SECONDS": str(SECONDS),
        "MOODLENS_MAX_MEGABYTES": "1",
        "MOODLENS_MAX_UPLOAD_MEGABYTES": "2",
        "MOODLENS_KEEP_UPLOADS_SECONDS": "4",
        "MOODLENS_MAX_STORED_MEGABYTES": "6",
    }
    folder = tmp_path_factory.mktemp("narrow")
    killed = folder / "uploads" / "moodlens-4194999-killed"  # beyond the largest process id
    killed.mkdir(parents=True)
    (killed / "photo.jpg").write_bytes(b"")
    with RunningApp(folder, settings) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def picture() -> bytes:
    return saved(scene(), "JPEG")


def files_of(app: RunningApp) -> list[Path]:
    return [path for path in (app.folder / "uploads").rglob("*") if path.is_file()]


def fill(app: RunningApp, stack: ExitStack, path: str = "/predict") -> list[socket.socket]:
    """Take every place with an upload that never goes on."""
    senders = [stack.enter_context(connect(app)) for _ in range(PLACES)]
    for sender in senders:
        sender.sendall(request_head(path, "Content-Length: 5000") + form_head() + b"\xff\xd8")
    deadline = time.monotonic() + 5
    while app.predict(b"x").status_code != 503:
        assert time.monotonic() < deadline
    return senders


def is_free_within(app: RunningApp, picture: bytes, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if app.predict(picture).status_code == 200:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/predict", 1_000_000),
        ("/gradio_api/upload", 2_000_000),
        ("/gradio_api/queue/join", 1_666_666),
        ("/gradio_api/call/predict", 1_666_666),
        ("/gradio_api/mcp/", 1_666_666),
        ("/gradio_api/cancel", 1_000_000),
    ],
)
def test_a_declared_size_is_refused_before_the_body(
    narrow: RunningApp, path: str, size: int
) -> None:
    with connect(narrow) as sender:
        sender.sendall(request_head(path, f"Content-Length: {size + 70_000}"))
        status, text = answer(sender)
    assert status == 413
    assert "too large" in text


def test_an_undeclared_size_is_refused_on_the_way(narrow: RunningApp) -> None:
    part = bytes(100_000)
    with connect(narrow, timeout=0.05) as sender:
        sender.sendall(request_head("/predict", "Transfer-Encoding: chunked"))
        sender.sendall(f"{len(form_head()):x}\r\n".encode() + form_head() + b"\r\n")
        status, sent = 0, 0
        while not status and sent < 10_000_000:
            sender.settimeout(5)
            sender.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
            sent += len(part)
            sender.settimeout(0.05)
            try:
                status, text = answer(sender)
            except TimeoutError:
                continue
    assert status == 413
    assert "at most 1 MB" in text
    assert sent < 3_000_000


def test_the_page_cannot_send_more_than_its_limit_either(narrow: RunningApp) -> None:
    upload = f"{narrow.url}/gradio_api/upload"
    one = httpx.post(upload, files={"files": ("a.jpg", bytes(1_500_000))})
    many = httpx.post(upload, files=[("files", (f"{i}.jpg", bytes(900_000))) for i in range(3)])
    assert one.status_code == 413
    assert many.status_code == 413
    assert many.json()["error"] == "These files are too large together: at most 2 MB at once."


def test_busy_says_when_to_come_back(narrow: RunningApp, picture: bytes) -> None:
    with ExitStack() as stack:
        fill(narrow, stack)
        response = narrow.predict(picture)
        upload = httpx.post(f"{narrow.url}/gradio_api/upload", files={"files": ("a.jpg", picture)})
        page = httpx.get(narrow.url)
    assert response.status_code == upload.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert response.json() == {
        "status": "error",
        "error": "Many pictures are on their way here; try again soon.",
    }
    assert page.status_code == 200
    assert is_free_within(narrow, picture, 5)


def test_who_is_turned_away_is_counted(narrow: RunningApp, picture: bytes) -> None:
    before = counts(httpx.get(f"{narrow.url}/metrics").text)
    upload = f"{narrow.url}/gradio_api/upload"
    narrow.predict(bytes(1_500_000))
    httpx.post(upload, files=[("files", (f"{i}.jpg", bytes(900_000))) for i in range(3)])
    with ExitStack() as stack:
        fill(narrow, stack)
        middle = counts(httpx.get(f"{narrow.url}/metrics").text)
        narrow.predict(picture)
        httpx.post(upload, files={"files": ("a.jpg", picture)})
        after = counts(httpx.get(f"{narrow.url}/metrics").text)

    for kind in ("rest", "upload"):
        assert middle[kind, "refused"] >= before.get((kind, "refused"), 0) + 1
        assert after[kind, "busy"] == middle.get((kind, "busy"), 0) + 1
    assert is_free_within(narrow, picture, 5)


@pytest.mark.parametrize("path", ["/predict", "/gradio_api/upload"])
def test_who_trickles_is_cut_off(narrow: RunningApp, picture: bytes, path: str) -> None:
    with ExitStack() as stack:
        senders = fill(narrow, stack, path)
        began = time.monotonic()
        while time.monotonic() - began < SECONDS - 0.5:
            for sender in senders:
                sender.sendall(b"x")
            time.sleep(0.2)
        assert narrow.predict(picture).status_code == 503
        answers = [answer(sender) for sender in senders]
        assert time.monotonic() - began < SECONDS + 3
    for status, text in answers:
        assert status == 408
        assert "took too long" in text
    assert narrow.predict(picture).status_code == 200
    assert not files_of(narrow)


@pytest.mark.parametrize("manner", ["close", "reset", "half-close"])
@pytest.mark.parametrize("path", ["/predict", "/gradio_api/upload"])
def test_who_leaves_frees_the_place(
    narrow: RunningApp, picture: bytes, path: str, manner: str
) -> None:
    with ExitStack() as stack:
        for sender in fill(narrow, stack, path):
            if manner == "half-close":
                sender.shutdown(socket.SHUT_WR)
                continue
            if manner == "reset":
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sender.close()
        assert is_free_within(narrow, picture, SECONDS / 2)
    assert not files_of(narrow)


def test_who_leaves_before_the_answer_disturbs_nobody(narrow: RunningApp, picture: bytes) -> None:
    body = form(picture)
    for _ in range(10):
        with connect(narrow) as sender:
            sender.sendall(request_head("/predict", f"Content-Length: {len(body)}") + body)
    assert is_free_within(narrow, picture, 5)


def test_uploads_are_deleted_soon_and_leftovers_too(narrow: RunningApp, picture: bytes) -> None:
    (uploads,) = (narrow.folder / "uploads").iterdir()
    files = {"files": ("a.jpg", picture)}
    (path,) = httpx.post(f"{narrow.url}/gradio_api/upload", files=files).json()
    assert Path(path).read_bytes() == picture
    leftover = uploads / "tmpleftover"
    leftover.write_bytes(b"half a file")
    deadline = time.monotonic() + 15
    while files_of(narrow) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not files_of(narrow)


def test_an_upload_in_capitals_is_an_upload(narrow: RunningApp) -> None:
    body = b"".join(form_head("files") + bytes(700_000) + b"\r\n" for _ in range(2))
    headers = {"content-type": "Multipart/Form-Data; boundary=raw"}
    sent = httpx.post(
        f"{narrow.url}/gradio_api/upload", content=body + b"--raw--\r\n", headers=headers
    )
    assert sent.status_code == 200  # more than other bodies may have


def test_what_lies_here_has_a_ceiling(narrow: RunningApp) -> None:
    def send() -> httpx.Response:
        files = [("files", (name, os.urandom(800_000))) for name in ("a.jpg", "b.jpg")]
        return httpx.post(f"{narrow.url}/gradio_api/upload", files=files)

    answers = [send() for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200, 507}
    assert "no room left" in answers[-1].json()["error"]
    assert sum(path.stat().st_size for path in files_of(narrow)) <= 6_000_000
    deadline = time.monotonic() + 15
    while send().status_code != 200:  # as soon as the others are forgotten
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_a_killed_process_left_is_gone(narrow: RunningApp) -> None:
    assert len(list((narrow.folder / "uploads").iterdir())) == 1


def test_nothing_went_wrong_and_nothing_is_left_at_exit(narrow: RunningApp, picture: bytes) -> None:
    httpx.post(f"{narrow.url}/gradio_api/upload", files={"files": ("a.jpg", picture)})
    assert files_of(narrow)
    assert narrow.stop() == 0
    assert not list((narrow.folder / "uploads").iterdir())
    assert "Traceback" not in narrow.log.read_text()
