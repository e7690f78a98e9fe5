"""Visitors by the thousand, and what the log keeps of everybody."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, suppress

import httpx

from moodlens.serving.connections import raise_descriptor_limit
from tests.soak.attack import (
    CAT,
    Meanwhile,
    Verdict,
    at_once,
)
from tests.support.running_app import HTTP, RunningApp


def page_loads(app: RunningApp) -> Verdict:
    """Thousands who load the page do not keep those waiting who ask."""
    with Meanwhile(lambda: app.predict(CAT), every=0.1) as asking:
        at_once(lambda _: HTTP.get(app.url).status_code, range(3000), clients=100)
    return Verdict(asking.slowest < 5, f"/predict in {asking.slowest:.1f} s at most")


def idle_connections(app: RunningApp) -> Verdict:
    """1,100 idle connections where the app may open 1,024 files."""
    raise_descriptor_limit()  # of the attacker
    with ExitStack() as stack:
        for _ in range(1100):
            with suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", app.port), timeout=5))
        began = time.monotonic()
        with suppress(httpx.HTTPError):
            status = 0
            status = app.predict(CAT).status_code
        seconds = time.monotonic() - began
    size = app.log.stat().st_size
    return Verdict(
        status == 200 and size < 1_000_000,
        f"{status} in {seconds:.1f} s, a log of {size / 1000:.0f} kB",
    )


def a_log_of_json(app: RunningApp) -> Verdict:
    """After all of this, every line of the log is one short JSON object."""
    lines = app.log.read_text().splitlines()
    told = [line for line in lines if not line.startswith("MoodLens is at")]
    broken = [line for line in told if not _is_json(line)]
    longest = max(map(len, lines), default=0)
    held = not broken and longest < 8000 and app.log.stat().st_size < 10_000_000
    return Verdict(
        held, f"{len(lines)} lines, {len(broken)} not JSON, the longest of {longest} characters"
    )


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
