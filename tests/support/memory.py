"""How much memory a process has taken at most."""

from __future__ import annotations

from pathlib import Path

import psutil


def peak_memory(process: psutil.Process) -> int:
    """Bytes. Linux keeps the peak itself; elsewhere the present size has to do.

    ``resource.getrusage`` would count what the process that started this one had taken.
    """
    try:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(process.memory_info().rss)
