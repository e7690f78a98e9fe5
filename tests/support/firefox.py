"""A real Firefox, driven by WebDriver BiDi, which it speaks by itself.

Playwright has a Firefox of its own to fetch, and asks an installed one for more than it knows.
See https://w3c.github.io/webdriver-bidi/ for the commands.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
"""An installed Firefox; None where there is none."""

PREFERENCES: Mapping[str, Any] = {
    "intl.accept_languages": "en-GB, en",
    "media.navigator.streams.fake": True,  # a camera
    "ui.prefersReducedMotion": 1,
}

_STARTS_WITHIN = 60.0
_PATIENCE = 60.0
_ALL_OF_IT: dict[str, Any] = {"max_size": None, "proxy": None}
_SAYS_WHERE = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """Start with ``with``; it has one page, and ends with the block.

    Args:
        profile: an empty folder for it.
        preferences: on top of ``PREFERENCES``, as in ``about:config``.
    """

    def __init__(self, profile: Path, preferences: Mapping[str, Any] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._profile = profile
        self._preferences = {**PREFERENCES, **(preferences or {})}
        self._commands = 0
        self._ending = ExitStack()

    def __enter__(self) -> Firefox:
        lines = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in self._preferences.items()
        )
        (self._profile / "user.js").write_text("".join(lines), encoding="utf-8")
        log = self._profile / "firefox.log"
        assert FIREFOX is not None
        command = [FIREFOX, "--headless", "--no-remote", "--profile", str(self._profile)]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*command, "--remote-debugging-port", "0"], stdout=file, stderr=file
            )
        self._ending.callback(self._end)
        try:
            self._socket = self._ending.enter_context(connect(self._address(log), **_ALL_OF_IT))
            self.send("session.new", capabilities={})
            self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            self.page = self.send("browsingContext.getTree")["contexts"][0]["context"]
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What Firefox answers to a command; the events before it are kept."""
        self._commands += 1
        message = {"id": self._commands, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(_PATIENCE))
            if answer.get("id") == self._commands:
                break
            self.events.append(answer)
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def resize(self, width: int, height: int) -> None:
        """Make the page so many CSS pixels large."""
        size = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self.page, viewport=size)

    def open(self, url: str) -> None:
        self.send("browsingContext.navigate", context=self.page, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript that can be written as JSON; promises are waited for."""
        result = self._run(f"(async () => JSON.stringify(await ({expression})))()")
        return json.loads(result["value"]) if result["type"] == "string" else None

    def wait_for(self, condition: str, patience: float = _PATIENCE) -> None:
        """Until this JavaScript is true."""
        deadline = time.monotonic() + patience
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            time.sleep(0.1)

    def text(self, selector: str) -> str:
        """What the first such element says."""
        return str(
            self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText.trim()")
        )

    def choose_files(self, selector: str, files: Sequence[Path]) -> None:
        """Put files into an input, as its dialogue would."""
        element = self._run(f"document.querySelector({json.dumps(selector)})")
        self.send(
            "input.setFiles",
            context=self.page,
            element={"sharedId": element["sharedId"]},
            files=[str(file) for file in files],
        )

    def click(self, element: str) -> None:
        """A click of the mouse into the middle of an element, given as JavaScript."""
        x, y = self.evaluate(
            f"""(() => {{
                const found = {element};
                found.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const box = found.getBoundingClientRect();
                return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];
            }})()"""
        )
        actions = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        self.send("input.performActions", context=self.page, actions=[mouse])

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        taken = self.send("browsingContext.captureScreenshot", context=self.page, origin="document")
        path.write_bytes(base64.b64decode(taken["data"]))

    def _run(self, expression: str) -> dict[str, Any]:
        answer = self.send(
            "script.evaluate",
            expression=expression,
            target={"context": self.page},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        result: dict[str, Any] = answer["result"]
        return result

    def _address(self, log: Path) -> str:
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            said = _SAYS_WHERE.search(log.read_text(encoding="utf-8", errors="replace"))
            if said:
                return f"{said[1]}/session"
            time.sleep(0.1)
        raise RuntimeError(f"Firefox did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
