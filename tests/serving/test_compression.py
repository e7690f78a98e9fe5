"""What leaves is compressed where the sender understands it."""

from __future__ import annotations

import gzip

import brotli
import httpx
import pytest

from tests.support.running_app import RunningApp


def get(app: RunningApp, path: str, encodings: str = "") -> tuple[httpx.Response, bytes]:
    """The answer and its body as it came over the wire."""
    headers = {"accept-encoding": encodings}
    with httpx.stream("GET", app.url + path, headers=headers, timeout=30) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.parametrize("path", ["/", "/config"])
def test_pages_and_json_come_as_asked_for(app: RunningApp, path: str) -> None:
    plain, body = get(app, path, "identity")
    assert "content-encoding" not in plain.headers
    for encodings, name, unpack in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip;q=1.0, br;q=0", "gzip", gzip.decompress),
    ):
        packed, data = get(app, path, encodings)
        assert packed.headers["content-encoding"] == name
        assert "accept-encoding" in packed.headers["vary"].lower()
        assert int(packed.headers["content-length"]) == len(data) < len(body) / 3
        assert unpack(data) == body


def test_the_page_is_a_tenth_of_what_gradio_would_send(app: RunningApp) -> None:
    _, data = get(app, "/", "br")
    assert len(data) < 30_000


def test_small_answers_and_streams_are_left_alone(app: RunningApp) -> None:
    assert "content-encoding" not in get(app, "/hello", "br")[0].headers
    with httpx.stream(
        "GET",
        f"{app.url}/gradio_api/heartbeat/compression",
        headers={"accept-encoding": "br"},
        timeout=30,
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in stream.headers
        assert next(stream.iter_raw())
