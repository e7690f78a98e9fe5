"""Addresses of the web: only public hosts, each redirect judged anew, and within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moodlens.errors import PictureError
from moodlens.scoring.sources.fetching import WebFile, is_public


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
            return
        if self.path == "/inward":
            self.send_response(302)
            self.send_header("Location", "http://10.0.0.1/secret.jpg")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        for _ in range(50 if self.path == "/slow" else 1):
            self.wfile.write(b"x" * 1000)
            self.wfile.flush()
            time.sleep(0.2 if self.path == "/slow" else 0)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def loopback(address: str) -> bool:
    return address == "127.0.0.1"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fd00::1", "100.64.0.1",
     "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1"],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_public("8.8.8.8")


def test_this_machine_is_not_asked(site: str) -> None:
    with pytest.raises(PictureError, match="private network"):
        WebFile(f"{site}/a.jpg").read(10)


def test_what_is_admitted_is_read_up_to_the_limit(site: str) -> None:
    assert WebFile(f"{site}/a.jpg", loopback).read(10**6) == b"x" * 1000
    assert WebFile(f"{site}/a.jpg", loopback).read(10) == b"x" * 10


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("inward", "private network"), ("round", "without end"), ("missing", "status 404")],
)
def test_redirects_and_refusals(site: str, path: str, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        WebFile(f"{site}/{path}", loopback).read(10)


def test_a_host_that_drips_is_left(site: str) -> None:
    began = time.monotonic()
    with pytest.raises(PictureError, match="too long"):
        WebFile(f"{site}/slow", loopback, seconds=1).read(10**6)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("url", ["ftp://example.org/a", "http:///a", "file:///etc/passwd"])
def test_other_schemes_are_none_of_the_web(url: str) -> None:
    with pytest.raises(PictureError, match="not one of the web"):
        WebFile(url).read(10)
