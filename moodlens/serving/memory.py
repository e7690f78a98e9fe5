"""How much memory there is, and that what was used is given back."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_FOR_DECODING = 480_000_000
_SHARE_FOR_DECODING = 0.25
_LEAST_FOR_DECODING = 64_000_000
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE = 12 * 2**20
"""Below the blocks of 16 MB that Pillow takes, and above what a forward pass takes at once."""
_ARENAS = 2


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
    """Have the C library return large blocks to the system as soon as they are freed.

    By itself glibc learns from the first large block that is freed to keep all later ones, in as
    many places as there are threads: a few large pictures then hold gigabytes for ever.
    """
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_ARENA_MAX, _ARENAS)
