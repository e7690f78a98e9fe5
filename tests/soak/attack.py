"""The frame of an attack on the running app: what it may come to, and what it came to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx
import psutil

import moodlens
from tests.support.page_queue import ask_queue, completed, file_data
from tests.support.running_app import HTTP, RunningApp

CAT = (Path(moodlens.__file__).parent / "examples" / "cat.jpg").read_bytes()
_TOO_MUCH = 3000.0
"""MB of growth at which the app is killed, so that the attack ends and the machine goes on."""
_SETTLING = 25.0
_LITTLE = 10.0
"""MB of growth that need not be waited for."""

Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the app held, and the figures that say so."""

    held: bool
    figures: str


Attack = Callable[[RunningApp], Verdict]


class Memory:
    """The growth of an app's memory in a ``with`` block.

    Attributes:
        peak: MB above what it was at the beginning.
        left: MB above that a little later: what was freed is given back within some seconds.
    """

    def __init__(self, app: RunningApp) -> None:
        assert app.process is not None
        self._app = psutil.Process(app.process.pid)
        self.peak = self.left = 0.0
        self._before = self._now()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        until = time.monotonic() + _SETTLING
        while time.monotonic() < until and self.left > _LITTLE:
            time.sleep(1)
        self._stop.set()
        self._watcher.join()

    def _now(self) -> float:
        return float(self._app.memory_info().rss) / 1e6

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            try:
                self.left = self._now() - self._before
            except psutil.NoSuchProcess:
                return
            self.peak = max(self.peak, self.left)
            if self.peak > _TOO_MUCH:
                self._app.kill()


class Meanwhile:
    """What is done again and again in a thread of its own, as long as a ``with`` block lasts.

    Attributes:
        slowest: seconds that it took at most.
    """

    def __init__(self, act: Callable[[], object], *, every: float) -> None:
        """``every``: seconds between two times."""
        self.slowest = 0.0
        self._act = act
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            began = time.monotonic()
            with suppress(httpx.HTTPError):
                self._act()
            self.slowest = max(self.slowest, time.monotonic() - began)


def at_once(ask: Callable[[Asked], Any], given: Iterable[Asked], *, clients: int = 64) -> list[Any]:
    """What so many clients are answered; an exception is an answer too."""

    def safely(one: Asked) -> Any:
        try:
            return ask(one)
        except Exception as error:
            return error

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(safely, given))


def post(app: RunningApp, path: str, body: bytes) -> int:
    """The status of a question to Gradio's routes."""
    headers = {"content-type": "application/json"}
    return HTTP.post(f"{app.url}/gradio_api/{path}", content=body, headers=headers).status_code


def functions(app: RunningApp) -> list[dict[str, Any]]:
    """The page's functions, as anybody can read them."""
    found: list[dict[str, Any]] = HTTP.get(f"{app.url}/config").json()["dependencies"]
    return found


def endpoint(app: RunningApp) -> dict[str, Any]:
    """The function for Gradio's clients."""
    return next(f for f in functions(app) if f["api_name"] == "predict")


def picture_function(app: RunningApp) -> dict[str, Any]:
    """The one behind the page's first tab."""
    return next(f for f in functions(app) if f["targets"] and f["targets"][0][1] == "input")


def feedback_function(app: RunningApp) -> dict[str, Any]:
    """The one behind the question what a viewer felt."""
    return next(f for f in functions(app) if f["targets"] and f["targets"][0][1] == "felt")


def upload(app: RunningApp, data: bytes = CAT) -> str:
    """Where an uploaded file lies."""
    sent = HTTP.post(f"{app.url}/gradio_api/upload", files={"files": ("a.jpg", data)})
    (path,) = sent.json()
    return str(path)


def page_answers(app: RunningApp) -> bool:
    """Whether a visitor of the page gets an answer."""
    try:
        event = completed(ask_queue(app.url, endpoint(app), [file_data(upload(app))], http=HTTP))
    except httpx.HTTPError:
        return False
    return event is not None and event["success"]


def name() -> str:
    """Of a session, as a browser makes it up."""
    return os.urandom(8).hex()
