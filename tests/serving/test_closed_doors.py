"""What nobody gets out of the app: other files, other hosts, its own places."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest

import moodlens
from moodlens.errors import CheckpointError
from moodlens.model.checkpoint import WEIGHTS, load_checkpoint
from tests.support.page_queue import HTTP, ask_queue, file_data
from tests.support.raw_http import connect
from tests.support.running_app import REPOSITORY, RunningApp
from tests.support.tiny_checkpoint import make_checkpoint

EXAMPLE = Path(moodlens.__file__).parent / "examples" / "cat.jpg"
SECRET = "the-secret-of-this-machine"

DOORS = (
    "/gradio_api/file=",
    "/gradio_api/file/",
    "/file=",
    "/file/",
    "/static/",
    "/assets/",
    "/svelte/",
    "/gradio_api/static/",
    "/gradio_api/stream/",
    "/gradio_api/custom_component/x/client/component/",
    "/gradio_api/proxy=",
    "/gradio_api/runs/",
    "/pwa_icon/",
    "/theme.css/",
    "/?deep_link=",
    "/config?deep_link=",
    "/",
)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app with a secret in its environment, in its folder and behind links in its uploads."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "secret.txt").write_text(SECRET)
    (folder / ".env").write_text(f"MOODLENS_FEEDBACK_SALT={SECRET}\n")
    (folder / "feedback").mkdir()
    (folder / "feedback" / "secret.txt").write_text(SECRET)
    environ = {"THE_SECRET": SECRET, "MOODLENS_KEEP_UPLOADS_SECONDS": "3600"}
    with RunningApp(folder, environ) as running:
        running.wait_until_ready()
        uploads = uploads_of(running)
        (uploads / "link.txt").symlink_to(folder / "secret.txt")
        (uploads / "folder").symlink_to(folder)
        yield running


def uploads_of(app: RunningApp) -> Path:
    (uploads,) = (app.folder / "uploads").iterdir()
    return uploads


def targets(app: RunningApp) -> list[str]:
    """Ways to name files that are none of a stranger's business."""
    folder, uploads = app.folder, uploads_of(app)
    up = "../" * 12
    absolute = [
        str(folder / "secret.txt"),
        str(folder / ".env"),
        str(folder / "feedback" / "secret.txt"),
        str(app.log),
        str(REPOSITORY / "app.py"),
        str(Path(moodlens.__file__).parent / "bundled" / WEIGHTS),
        "/proc/self/environ",
        "/proc/self/cwd/secret.txt",
        f"/proc/{app.process.pid if app.process else 0}/root{folder}/secret.txt",
        "/etc/passwd",
        str(uploads / "link.txt"),
        str(uploads / "folder" / "secret.txt"),
        f"{uploads}/../../secret.txt",
        f"{uploads}/x/../../../.env",
    ]
    relative = ["secret.txt", ".env", "./secret.txt", "..", ".", "~/.bashrc", "feedback/secret.txt"]
    relative += [up + path.lstrip("/") for path in absolute]
    plain = [*absolute, *relative, f"file://{absolute[0]}", f"{absolute[0]}\0.png", "a\0b"]
    ways = []
    for target in plain:
        ways += [quote(target), quote(target, safe=""), quote(quote(target, safe=""))]
    ways += [
        target.replace("../", "..\\")
        for target in relative
        if "../" in target and "\0" not in target
    ]
    ways += [
        "..%2f" * 12 + "etc%2fpasswd",
        "....//" * 12 + "etc/passwd",
        "..%c0%af" * 9 + "etc/passwd",
    ]
    ways += ["..;/" * 12 + "etc/passwd", "/" + absolute[0], "//" + absolute[0]]
    return sorted(set(ways))


def status_and_body(app: RunningApp, targets: list[str]) -> Iterator[tuple[str, int, bytes]]:
    """Sent as they are: client libraries would tidy them up."""
    with connect(app) as connection:
        stream = connection.makefile("rb")
        for target in targets:
            line = target.encode("latin-1", "ignore").replace(b" ", b"%20")
            connection.sendall(b"GET " + line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            status = int(stream.readline().split()[1])
            length = 0
            while header := stream.readline().strip().lower():
                if header.startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
                assert not header.startswith(b"transfer-encoding"), target
            yield target, status, stream.read(length)


def holds_a_secret(body: bytes) -> bool:
    return any(
        word in body for word in (SECRET.encode(), b"root:x:", b"THE_SECRET", b"MoodLens is at")
    )


def test_no_other_file_is_served(doors: RunningApp) -> None:
    tried = [door + target for door, target in product(DOORS, targets(doors))]
    for target, status, body in status_and_body(doors, tried):
        assert status < 500, target
        assert not holds_a_secret(body), target
        if "deep_link" not in target:
            assert status != 200 or b"<!doctype html>" in body[:200].lower(), target
    assert len(tried) > 2000


def test_an_upload_is_served_and_nothing_beside_it(doors: RunningApp) -> None:
    names = ("../../secret.txt", "/etc/passwd", "..\\..\\x.png", "a\0b.png", "ü🎭.png", "x" * 300)
    for name in names:
        files = {"files": (name, EXAMPLE.read_bytes())}
        (stored,) = HTTP.post(f"{doors.url}/gradio_api/upload", files=files).json()
        assert Path(stored).is_relative_to(uploads_of(doors)), name
        assert Path(stored).resolve().is_relative_to(uploads_of(doors)), name
        answer = HTTP.get(f"{doors.url}/gradio_api/file={quote(stored)}")
        assert answer.content == EXAMPLE.read_bytes(), name
    assert (doors.folder / "secret.txt").read_text() == SECRET


def test_an_upload_that_is_a_page_is_never_shown_as_one(doors: RunningApp) -> None:
    for name, kind in (("page.html", "text/html"), ("a.svg", "image/svg+xml"), ("x", "text/html")):
        files = {"files": (name, b"<html><script>alert(1)</script></html>", kind)}
        (stored,) = HTTP.post(f"{doors.url}/gradio_api/upload", files=files).json()
        answer = HTTP.get(f"{doors.url}/gradio_api/file={quote(stored)}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"


# --- through the queue ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def config(doors: RunningApp) -> dict:
    config: dict = HTTP.get(f"{doors.url}/config").json()
    return config


def functions_that_take_files(config: dict) -> Iterator[tuple[dict, list]]:
    """Each function with what its inputs would be, the place of a file left as None."""
    kinds = {part["id"]: part["type"] for part in config["components"]}
    for function in config["dependencies"]:
        inputs = [kinds[number] for number in function["inputs"]]
        if {"image", "file"} & set(inputs):
            yield function, inputs


def test_functions_take_no_other_file(doors: RunningApp, config: dict) -> None:
    found = list(functions_that_take_files(config))
    assert len(found) >= 5  # picture, two to compare, many, the endpoint
    paths = [str(doors.folder / "secret.txt"), "/proc/self/environ", "../secret.txt", str(EXAMPLE)]
    for (function, inputs), path in product(found, paths):
        value = {"image": file_data(path), "file": [file_data(path)]}
        events = ask_queue(doors.url, function, [value.get(kind, "fixed") for kind in inputs])
        assert '"success":false' in events.replace(" ", ""), events[:500]
        assert not leaks_a_place(doors, events), events[:500]
        assert SECRET not in events


class Canary(ThreadingHTTPServer):
    """Counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.asked.append(self.path)
                self.send_response(200)
                self.end_headers()

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def canary() -> Iterator[Canary]:
    with Canary() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        assert HTTP.get(f"http://127.0.0.1:{port}/awake").status_code == 200
        assert server.asked.pop() == "/awake"
        yield server
        server.shutdown()


def test_no_address_is_fetched(doors: RunningApp, config: dict, canary: Canary) -> None:
    port = canary.server_port
    addresses = [
        f"http://127.0.0.1:{port}/plain.png",
        f"HTTP://localhost:{port}/upper.png",
        f"http://[::ffff:127.0.0.1]:{port}/mapped.png",
        f"http://2130706433:{port}/number.png",
        f"http://127.1:{port}/short.png",
        f"http://user@127.0.0.1:{port}/user.png",
        f"//127.0.0.1:{port}/relative.png",
    ]
    for address in addresses:
        for door in ("/gradio_api/file=", "/gradio_api/proxy=", "/file="):
            for way in (address, quote(address), quote(address, safe="")):
                assert HTTP.get(doors.url + door + way).status_code in {400, 403, 404}
        for data in (file_data(address), file_data(None, address), file_data("a.jpg", address)):
            answers = [
                HTTP.post(f"{doors.url}/gradio_api/{way}", json=body).text
                for way, body in (
                    ("run/predict", {"data": [data]}),
                    ("api/predict", {"data": [data]}),
                    ("call/v2/predict", {"picture": data}),
                    (
                        "component_server",
                        {"data": address, "component_id": 1, "session_hash": "a", "fn_name": "ls"},
                    ),
                )
            ]
            joined = HTTP.post(f"{doors.url}/gradio_api/call/predict", json={"data": [data]}).json()
            event = f"{doors.url}/gradio_api/call/predict/{joined['event_id']}"
            answers.append(HTTP.get(event).text)
            assert not any("probability_distribution" in answer for answer in answers)
            assert not any(leaks_a_place(doors, answer) for answer in answers), answers
    function, inputs = next(functions_that_take_files(config))
    values = [file_data(addresses[0]) if kind == "image" else "fixed" for kind in inputs]
    events = ask_queue(doors.url, function, values)
    assert "Send the picture as a file, not as an address." in events
    assert canary.asked == []


# --- what is told -----------------------------------------------------------------------------


def leaks_a_place(app: RunningApp, text: str) -> bool:
    """Whether a text names the app's folder, its code or Python's, other than for an upload."""
    text = text.replace("\\/", "/").replace(str(uploads_of(app)), "")
    places = (
        str(app.folder),
        str(REPOSITORY),
        "site-packages",
        "Traceback",
        f"{Path.home()}/",
    )
    return any(place in text for place in places)


def test_nothing_tells_where_the_app_lies(doors: RunningApp) -> None:
    for path in (
        "/",
        "/config",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/openapi.json",
        "/healthz",
        "/theme.css",
        "/manifest.json",
        "/gradio_api/startup-events",
        "/nothing",
    ):
        answer = HTTP.get(doors.url + path)
        assert not leaks_a_place(doors, answer.text), path


def test_doors_that_the_page_never_uses_are_shut(doors: RunningApp) -> None:
    for path in (
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/runs",
        "/gradio_api/run-history/records",
        "/gradio_api/proxy=https://example.hf.space/",
        "/gradio_api/file=https://huggingface.co/robots.txt",
        "/gradio_api/vibe-code",
        "/monitoring",
        "/monitoring/summary",
        "/docs",
    ):
        assert HTTP.get(doors.url + path).status_code == 404, path
    for path in ("process_recording", "component_server", "run-history/connect", "stream/a"):
        assert HTTP.post(f"{doors.url}/gradio_api/{path}", json={}).status_code == 404, path


@pytest.mark.parametrize("host", ["127.0.0.1", "owner-space.hf.space"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_strangers_get_no_credentials(doors: RunningApp, host: str, method: str) -> None:
    headers = {
        "Origin": "https://stranger.example",
        "Host": host,
        "Access-Control-Request-Method": "POST",
    }
    for path in ("/hello", "/healthz", "/predict", "/openapi.json"):
        answer = HTTP.request(method, doors.url + path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-allow")]


@pytest.mark.parametrize(
    "language", ["<img src=x onerror=alert(1)>", "de<script>", "\\x00", "*" * 5000]
)
def test_a_language_is_chosen_and_never_repeated(doors: RunningApp, language: str) -> None:
    for url in (doors.url, f"{doors.url}/?__lang={quote(language)}&lang={quote(language)}"):
        answer = HTTP.get(url, headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert language not in re.sub(r'"(url|query)":"[^"]*"', "", answer.text)


@pytest.mark.parametrize("name", ["model.bin", "model.pt", "pytorch_model.bin", "model.pkl"])
def test_pickled_weights_are_never_opened(tmp_path: Path, name: str) -> None:
    folder = make_checkpoint(tmp_path / "model")
    (folder / WEIGHTS).rename(folder / name)
    before = (folder / name).stat().st_atime_ns
    os.mkfifo(folder / "waiting.bin")  # who opened it would wait for ever
    with pytest.raises(CheckpointError, match="pickled weights, which MoodLens never opens"):
        load_checkpoint(folder)
    assert (folder / name).stat().st_atime_ns == before
