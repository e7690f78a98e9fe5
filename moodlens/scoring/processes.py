"""Processes that are told what to do through a pipe, and may die without taking others along.

Each is a Python of its own and not a copy of this one: a program that uses MoodLens needs no
``if __name__ == "__main__"`` for it, and PyTorch's threads survive no copying. It looks for modules
where this one does and nowhere else: by itself it would take them from the working directory first,
which may be a stranger's folder.
"""

from __future__ import annotations

import os
import subprocess  # nosec B404
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any

_PATIENCE = 5.0
_ENVIRONMENT = {
    "OMP_PROC_BIND": "false",
    # By default the C library gives a decoded picture's memory back at once, and the kernel hands
    # it out again, page by page, for the next one: 850 pages and 2 ms for one of 640x480.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
_BEGIN = (
    f"import sys; sys.path[:] = sys.argv.pop(1).split({os.pathsep!r}); "
    "from moodlens.scoring.worker import main; main()"
)


class Worker:
    """A process at the other end of a pipe.

    Args:
        role: what it does, a key of ``moodlens.scoring.worker``.
        first: what it is told first.
        descriptors: open files that it gets; it knows them by the same numbers.
    """

    def __init__(self, role: str, first: Any, descriptors: Sequence[int] = ()) -> None:
        self.connection, theirs = Pipe()
        paths = os.pathsep.join(sys.path)
        self._process = subprocess.Popen(  # noqa: S603  # nosec B603
            [sys.executable, "-c", _BEGIN, paths, role, str(theirs.fileno())],
            pass_fds=[theirs.fileno(), *descriptors],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        theirs.close()
        self.send(first)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Any) -> None:
        """Tell it something; a process that is gone hears nothing, which its next answer shows."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def receive(self) -> Any:
        """What it answers.

        Raises:
            EOFError: it has died.
        """
        try:
            return self.connection.recv()
        except OSError:
            raise EOFError from None

    def end(self) -> int | None:
        """Close the pipe, which ends it after what it is doing, or kill it; how it ended."""
        self.connection.close()
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once; minus the signal's number where one ended it."""
        self.connection.close()
        self._process.kill()
        return self._process.wait()

    def died_of(self) -> int:
        """How a process that has closed its end of the pipe came to its end."""
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return self.kill()


def inherited(descriptor: int) -> Connection:
    """The other end of the pipe, in the process that was started."""
    return Connection(descriptor)
