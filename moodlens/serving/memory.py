"""How much memory there is, and that what was used is given back."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_FOR_DECODING = 480_000_000
_SHARE_FOR_DECODING = 0.25
_LEAST_FOR_DECODING = 64_000_000
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE = 12 * 2**20
"""Below the blocks of 16 MB that Pillow takes, and above what a forward pass takes at once."""
_KEPT = 24 * 2**20
"""What may lie free at the end of an arena. A forward pass frees and takes several blocks below
``_LARGE``; were they returned, it would get them back page by page: 2,600 pages an answer."""
_ARENAS = 2
_LOOK_SECONDS = 10.0
_WORTHWHILE = 48_000_000
"""Bytes of growth since the last look from which it is looked for what can be given back."""


def memory_here() -> int:
    """Bytes that this process may use: the machine's, or fewer where a container is given fewer."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    limits = [pages * size]
    for path in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # not there, or "max"
            limits.append(int(path.read_text()))
    return min(limits)


def decoding_budget() -> int:
    """Bytes for all pictures that are being decoded at once."""
    share = round(_SHARE_FOR_DECODING * memory_here())
    return max(_LEAST_FOR_DECODING, min(_FOR_DECODING, share))


def give_memory_back() -> None:
    """Have the C library return what is freed to the system: large blocks at once, others later.

    By itself glibc learns from the first large block that is freed to keep all later ones, in as
    many places as there are threads: a few large pictures then hold gigabytes for ever. And it
    keeps all smaller blocks below the last one in use: what a crowd's questions took once.
    """
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)  # 128 kB, once the other threshold is set
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        resident_bytes()
        threading.Thread(
            target=_give_back, args=[library], name="moodlens-memory", daemon=True
        ).start()


def resident_bytes() -> int:
    """Bytes of memory that this process has now.

    Raises:
        OSError: not Linux.
    """
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _give_back(library: Any) -> None:
    """Again and again: some 10 milliseconds where there is much to return, else none."""
    least = resident_bytes()
    while True:
        time.sleep(_LOOK_SECONDS)
        with suppress(OSError):  # no descriptor is left
            now = resident_bytes()
            if now > least + _WORTHWHILE:
                gc.collect()  # an error's trace holds the question it is about, in a circle
                library.malloc_trim(0)
                now = least = resident_bytes()
            least = min(least, now)
