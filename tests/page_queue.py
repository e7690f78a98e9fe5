"""The page's own way of asking: Gradio's queue, without a browser or Gradio's client."""

from __future__ import annotations

import os
from typing import Any

import httpx

from tests.running_app import RunningApp

HTTP = httpx.Client(timeout=300)
"""Making one takes longer than most requests."""


def file_data(path: str | None, url: str | None = None) -> dict[str, Any]:
    """How the page names an uploaded file."""
    return {"path": path, "url": url, "orig_name": "a.jpg", "meta": {"_type": "gradio.FileData"}}


def ask_queue(app: RunningApp, function: dict[str, Any], data: list[Any]) -> str:
    """The stream of events that comes of calling one of the page's functions."""
    session = os.urandom(8).hex()
    body = {"data": data, "fn_index": function["id"], "session_hash": session, "event_data": None}
    joined = HTTP.post(f"{app.url}/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    events = ""
    address = f"{app.url}/gradio_api/queue/data?session_hash={session}"
    with HTTP.stream("GET", address) as stream:
        for line in stream.iter_lines():
            events += line + "\n"
            if "process_completed" in line or "unexpected_error" in line:
                break
    return events
