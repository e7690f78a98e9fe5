"""Uploads that should be gone, or never be whole."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx

from tests.soak.attack import (
    CAT,
    Meanwhile,
    Verdict,
    at_once,
    endpoint,
    upload,
)
from tests.support.page_queue import ask_queue, file_data
from tests.support.running_app import HTTP, RunningApp


def a_cleaner_that_lives(app: RunningApp) -> Verdict:
    """Paths that nobody can remove ended Gradio's cleaner."""
    function = endpoint(app)
    uploaded = Path(upload(app))
    folder = uploaded.parent
    for path in (str(folder), str(folder / ("x" * 300)), f"{uploaded}\0.jpg"):
        with suppress(httpx.HTTPError):
            ask_queue(app.url, function, [file_data(path)])
    for number in range(100):
        upload(app, CAT + bytes([number]))
    began = time.monotonic()
    while _files(app) and time.monotonic() - began < 60:
        time.sleep(0.2)
    seconds = time.monotonic() - began
    return Verdict(seconds < 8, f"all is gone after {seconds:.1f} s, of 4 promised")


def uploads_without_pause(app: RunningApp) -> Verdict:
    """What lay on the disk until it was deleted had no end."""
    most = 0

    def look() -> None:
        nonlocal most
        with suppress(OSError):  # it is gone already
            most = max(most, sum(path.stat().st_size for path in _files(app)))

    def send(_: int) -> int:
        files = {"files": ("a.jpg", os.urandom(1_900_000))}
        return HTTP.post(f"{app.url}/gradio_api/upload", files=files).status_code

    with Meanwhile(look, every=0.02):
        statuses = Counter(at_once(send, range(200), clients=2))
    began = time.monotonic()
    while send(0) != 200 and time.monotonic() - began < 30:
        time.sleep(0.2)
    seconds = time.monotonic() - began
    return Verdict(
        most <= 20_000_000 and seconds < 10,
        f"{dict(statuses)}, {most / 1e6:.1f} MB at most of 20 allowed, room after {seconds:.1f} s",
    )


def full_disk(app: RunningApp) -> Verdict:
    """The kernel takes no more than 1 MB of a file; the half file is gone at once."""
    import resource

    assert app.process is not None
    unlimited = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
    files = {"files": ("a.jpg", bytes(1_900_000))}
    before = set(_files(app))
    try:
        answer = HTTP.post(f"{app.url}/gradio_api/upload", files=files)
        left = set(_files(app)) - before
    finally:
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, unlimited)
    return Verdict(
        answer.status_code == 507 and not left and "disk" in answer.text,
        f"{answer.status_code}, {len(left)} files left, {answer.text[:60]!r}",
    )


def _files(app: RunningApp) -> list[Path]:
    return [path for path in (app.folder / "uploads").rglob("*") if path.is_file()]
