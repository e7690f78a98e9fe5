"""Which core each thread of a forward pass runs on."""

from __future__ import annotations

import os


def keep_threads_apart(threads: int) -> None:
    """Give each thread of a forward pass a core of its own, where it takes all cores anyway.

    Its second thread sleeps between two pictures. Left to itself it sometimes gets a core late,
    while the first one waits for it, and the answer takes three times as long. Where there are more
    cores than threads they stay free to move: several programs would bind the same ones.

    PyTorch's threads read this when PyTorch is imported, so it has to be said before; a variable
    that is set already is respected. Threads that run no forward pass are not bound.

    Args:
        threads: of one forward pass.
    """
    if not hasattr(os, "sched_getaffinity"):  # not Linux
        return
    if 1 < len(os.sched_getaffinity(0)) <= threads:
        os.environ.setdefault("OMP_PROC_BIND", "true")
