"""The two services as processes of their own, measured from outside and in the same way."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import psutil

from moodlens.model.backends import Device
from tests.benchmarks.client import Sender
from tests.support.memory import peak_memory
from tests.support.running_app import REPOSITORY, free_port

OURS = "MoodLens"
REFERENCE = "reference"

_UP_WITHIN = 300.0
_DOWN_WITHIN = 30.0
_PAUSE = 0.05  # between two attempts to get the first answer; part of the figure's error


@dataclass(frozen=True, slots=True)
class Service:
    """A process that has answered once.

    Attributes:
        name: ``OURS`` or ``REFERENCE``.
        port: on 127.0.0.1.
        seconds_to_answer: from the start of the process to its first answer.
    """

    name: str
    port: int
    process: psutil.Process
    seconds_to_answer: float

    def peak_memory(self) -> float:
        """The largest resident memory so far, in MB, summed over the process and its children."""
        return sum(map(peak_memory, [self.process, *self.process.children(recursive=True)])) / 1e6


@dataclass(frozen=True, slots=True)
class Setup:
    """What a service is asked to be.

    Attributes:
        device: where both compute; ``auto`` is what MoodLens finds fit for its network, and the
            graphics processor for the reference, where there is one.
        checkpoint: what MoodLens answers with, as ``MOODLENS_CHECKPOINT``; empty for the bundled.
    """

    device: Device = "auto"
    checkpoint: str = ""


USUAL = Setup()


@contextmanager
def running(name: str, picture: bytes, setup: Setup = USUAL) -> Iterator[Service]:
    """Start a service, wait for its answer to a picture, and end it with the block.

    Args:
        name: ``OURS`` or ``REFERENCE``.
        picture: its first one.
        setup: what it is asked to be.

    Raises:
        RuntimeError: it ended or did not answer in time; the end of its log is told.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="moodlens-bench-") as folder:
        log = Path(folder) / "log"
        start = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(name, port, setup),
                cwd=folder,
                env=_environ(port, folder, setup),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for_answer(process, port, picture, log)
            seconds = time.perf_counter() - start
            yield Service(name, port, psutil.Process(process.pid), seconds)
        finally:
            process.terminate()
            try:
                process.wait(_DOWN_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(name: str, port: int, setup: Setup) -> list[str]:
    if name == OURS:
        return [sys.executable, str(REPOSITORY / "app.py")]
    module = "tests.benchmarks.reference_service"
    return [sys.executable, "-m", module, "--port", str(port), "--device", setup.device]


def _environ(port: int, folder: str, setup: Setup) -> dict[str, str]:
    """Both get the same: no setting of this machine, and room to write."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("MOODLENS_")}
    return {
        **own,
        "MOODLENS_PORT": str(port),
        "MOODLENS_DEVICE": setup.device,
        "MOODLENS_CHECKPOINT": setup.checkpoint,
        "MOODLENS_FEEDBACK_FOLDER": f"{folder}/feedback",
        "GRADIO_TEMP_DIR": f"{folder}/uploads",
        "PYTHONPATH": str(REPOSITORY),
    }


def _wait_for_answer(
    process: subprocess.Popen[bytes], port: int, picture: bytes, log: Path
) -> None:
    deadline = time.monotonic() + _UP_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(Sender(port, picture)) as sender:
                sender.send()
            return
        except (OSError, HTTPException, RuntimeError):
            time.sleep(_PAUSE)
    raise RuntimeError(f"no answer from the service:\n{log.read_text()[-3000:]}")
