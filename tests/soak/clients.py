"""Clients that ask the same app again and again, each in its own way, and judge every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.support.page_queue import ask_queue, completed, file_data

Ending = Literal["answered", "busy", "wrong", "failed"]
Ask = Callable[[str], "tuple[Ending, dict[str, Any]]"]

TOLERANCE = 0.01
"""How far a share may be from that of the same picture asked alone: batches round otherwise."""

_TIMEOUT = 120.0


@dataclass(slots=True)
class Tally:
    """What one client met.

    Attributes:
        endings: how often each.
        slowest: seconds.
        problems: the first few answers that should not have come.
    """

    endings: dict[Ending, int] = field(
        default_factory=lambda: {"answered": 0, "busy": 0, "wrong": 0, "failed": 0}
    )
    slowest: float = 0.0
    problems: list[str] = field(default_factory=list)


def drive(
    ask: Ask, names: list[str], alone: Mapping[str, Mapping[str, float]], until: float
) -> Tally:
    """Ask about one picture after the other until a moment of ``time.monotonic``."""
    tally, turn = Tally(), 0
    while time.monotonic() < until:
        name = names[turn % len(names)]
        turn += 1
        start = time.monotonic()
        try:
            ending, body = ask(name)
            if "prediction" in body and _off(body, alone[name]) > TOLERANCE:
                ending = "wrong"
        except Exception as error:
            ending, body = "failed", {"exception": repr(error)}
        tally.slowest = max(tally.slowest, time.monotonic() - start)
        tally.endings[ending] += 1
        if ending in ("wrong", "failed") and len(tally.problems) < 3:
            tally.problems.append(json.dumps(body)[:300])
        if ending == "busy":
            time.sleep(1)
    return tally


def by_rest(url: str, pictures: Mapping[str, bytes]) -> Ask:
    """``POST /predict`` over a connection that is kept open."""
    http = httpx.Client(timeout=_TIMEOUT)

    def ask(name: str) -> tuple[Ending, dict[str, Any]]:
        answer = http.post(f"{url}/predict", files={"file": ("a.jpg", pictures[name])})
        if answer.status_code in (429, 503) and "retry-after" in answer.headers:
            return "busy", answer.json()
        return "answered" if answer.status_code == 200 else "failed", answer.json()

    return ask


def by_queue(url: str, pictures: Mapping[str, bytes]) -> Ask:
    """The way of Gradio's clients: upload, join the queue, listen for the answer."""
    http = httpx.Client(timeout=_TIMEOUT)
    functions = http.get(f"{url}/config").json()["dependencies"]
    function = next(f for f in functions if f["api_name"] == "predict")

    def ask(name: str) -> tuple[Ending, dict[str, Any]]:
        files = {"files": ("a.jpg", pictures[name])}
        sent = http.post(f"{url}/gradio_api/upload", files=files)
        if sent.status_code == 503 and "retry-after" in sent.headers:
            return "busy", sent.json()
        events = ask_queue(url, function, [file_data(sent.json()[0])], http=http)
        event = completed(events)
        if event is not None and event["success"]:
            return "answered", event["output"]["data"][0]
        told = {"error": events} if event is None else event["output"]
        return "busy" if "busy" in str(told["error"]) else "failed", told

    return ask


def by_page(url: str, pictures: Mapping[str, bytes]) -> Ask:
    """The way of a visitor, of whom each picture is a session's first."""
    http = httpx.Client(timeout=_TIMEOUT)
    functions = http.get(f"{url}/config").json()["dependencies"]
    function = next(f for f in functions if f["targets"] and f["targets"][0][1] == "input")

    def ask(name: str) -> tuple[Ending, dict[str, Any]]:
        sent = http.post(f"{url}/gradio_api/upload", files={"files": ("a.jpg", pictures[name])})
        if sent.status_code == 503:
            return "busy", sent.json()
        events = ask_queue(url, function, [file_data(sent.json()[0])], http=http)
        event = completed(events)
        if event is None:
            return ("busy" if "busy" in events or "full" in events else "failed"), {"told": events}
        return ("answered" if event["success"] else "failed"), {}

    return ask


def _off(body: Mapping[str, Any], alone: Mapping[str, float]) -> float:
    shares = body["prediction"]["probability_distribution"]
    return max(abs(shares[name] - share) for name, share in alone.items())
