"""app.py in a process of its own, as a user or a Space starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

REPOSITORY = Path(__file__).parents[2]
_UP_WITHIN = 90.0
_DOWN_WITHIN = 20.0

HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""For all threads. Making one takes 30 ms of processor time, and 64 at once seconds."""


class RunningApp:
    """Start with ``with``; the process ends with the block.

    Args:
        folder: where the app keeps what it writes: uploads, feedback, its log.
        environ: settings on top of the test's own environment.
        command: what starts it.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        *,
        command: Sequence[str] = (sys.executable, str(REPOSITORY / "app.py")),
    ) -> None:
        self.folder = folder
        self.command = command
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "app.log"
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MOODLENS_")},
            "MOODLENS_PORT": str(self.port),
            "MOODLENS_FEEDBACK_FOLDER": str(folder / "feedback"),
            "GRADIO_TEMP_DIR": str(folder / "uploads"),
            "PYTHONPATH": str(REPOSITORY),
            **(environ or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningApp:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for("/hello", 200)
        except BaseException:  # Ctrl-C is one too
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        """Until the checkpoint is loaded."""
        self._wait_for("/healthz", 200)

    def stop(self) -> int:
        """Ask the process to end, as a container would, and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_DOWN_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def predict(self, data: bytes, name: str = "photo.jpg") -> httpx.Response:
        """POST /predict, over a connection of its own."""
        return HTTP.post(f"{self.url}/predict", files={"file": (name, data)})

    def _wait_for(self, path: str, status: int) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _UP_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(self.url + path, timeout=5).status_code == status:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"the app did not answer {path}:\n{self.log.read_text()[-4000:]}")


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
