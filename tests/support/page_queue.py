"""The page's own way of asking: Gradio's queue, without a browser or Gradio's client."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx

HTTP = httpx.Client(timeout=300)
"""Making one takes longer than most requests."""


def file_data(path: str | None, url: str | None = None) -> dict[str, Any]:
    """How the page names an uploaded file."""
    return {"path": path, "url": url, "orig_name": "a.jpg", "meta": {"_type": "gradio.FileData"}}


def ask_queue(
    url: str,
    function: dict[str, Any],
    data: list[Any],
    *,
    http: httpx.Client = HTTP,
    session: str = "",
) -> str:
    """The stream of events that comes of calling one of the page's functions.

    Args:
        url: of the app.
        function: one of the ``dependencies`` in its ``/config``.
        data: a value for each input.
        http: for load, a client of one's own.
        session: whose page it is; a new one by default.
    """
    session = session or os.urandom(8).hex()
    body = {"data": data, "fn_index": function["id"], "session_hash": session, "event_data": None}
    joined = http.post(f"{url}/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    events = ""
    address = f"{url}/gradio_api/queue/data?session_hash={session}"
    with http.stream("GET", address) as stream:
        for line in stream.iter_lines():
            events += line + "\n"
            if "process_completed" in line or "unexpected_error" in line:
                break
    return events


def completed(events: str) -> dict[str, Any] | None:
    """The event that ended the call; None where the queue did not take it, or it broke."""
    for line in events.splitlines():
        if "process_completed" in line:
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return event
    return None
