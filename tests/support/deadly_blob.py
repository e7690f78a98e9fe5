"""Bytes whose reading ends the process, as a fault in a codec would. Imports nothing large."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadly:
    """Ends its reader with a signal."""

    signal: int = signal.SIGSEGV

    def read(self, most: int) -> bytes:
        os.kill(os.getpid(), self.signal)
        time.sleep(10)
        return b""


class Endless:
    """Keeps its reader for ever, as a loop in a codec would."""

    def read(self, most: int) -> bytes:
        while True:
            time.sleep(1)
