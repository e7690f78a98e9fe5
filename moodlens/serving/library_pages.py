"""Pages of shared libraries that were read once, while the libraries were loaded.

PyTorch's usual build brings CUDA's libraries, some 3 GB of files. Loading them reads their tables,
and what was read stays resident although a processor alone never looks at it again. Nothing is
lost with such pages: the file has them, and the system's cache of it. So they are let go once
loading is over; what is used after all comes back from the cache, some microseconds a piece.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64

_MADV_DONTNEED = 4
_PT_LOAD, _PT_DYNAMIC = 1, 2
_PF_W = 2
_DT_NULL, _DT_TEXTREL, _DT_FLAGS = 0, 22, 30
_DF_TEXTREL = 4


class _Segment(Structure):
    """``Elf64_Phdr``."""

    _fields_ = (
        ("type", c_uint32),
        ("flags", c_uint32),
        ("offset", c_uint64),
        ("address", c_uint64),
        ("physical", c_uint64),
        ("in_file", c_uint64),
        ("in_memory", c_uint64),
        ("alignment", c_uint64),
    )


class _Library(Structure):
    """The beginning of ``struct dl_phdr_info``."""

    _fields_ = (
        ("base", c_uint64),
        ("path", c_char_p),
        ("segments", POINTER(_Segment)),
        ("count", c_uint16),
    )


class _Dynamic(Structure):
    """``Elf64_Dyn``."""

    _fields_ = (("tag", c_uint64), ("value", c_uint64))


_Visit = ctypes.CFUNCTYPE(c_int, POINTER(_Library), c_size_t, ctypes.c_void_p)


def forget_library_pages() -> None:
    """Let go of the libraries' pages that the file has as well; of none where not on Linux."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    # Python's lock is kept: another thread might hold it while it waits for the loader's.
    library = ctypes.PyDLL(None)

    def visit(found: ctypes._Pointer[_Library], size: int, data: object) -> int:
        for start, length in _unwritten(found.contents):
            library.madvise(ctypes.c_void_p(start), c_size_t(length), _MADV_DONTNEED)
        return 0

    # The loader names what is wholly mapped, and unmaps nothing meanwhile.
    library.dl_iterate_phdr(_Visit(visit), None)


def _unwritten(library: _Library) -> Iterator[tuple[int, int]]:
    """Address and bytes of the whole pages that nobody may write to, the loader included."""
    if not (library.path or b"").startswith(b"/"):  # the program itself, or the system's own
        return
    segments = library.segments[: library.count]
    if any(_relocates_code(library, s) for s in segments if s.type == _PT_DYNAMIC):
        return
    for segment in segments:
        if segment.type == _PT_LOAD and not segment.flags & _PF_W:
            first = library.base + segment.address
            start = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
            end = (first + segment.in_file) // mmap.PAGESIZE * mmap.PAGESIZE
            if start < end:
                yield start, end - start


def _relocates_code(library: _Library, segment: _Segment) -> bool:
    """Whether the loader has written to a segment that is read-only since."""
    entries = segment.in_memory // ctypes.sizeof(_Dynamic)
    for entry in (_Dynamic * entries).from_address(library.base + segment.address):
        if entry.tag == _DT_NULL:
            return False
        if entry.tag == _DT_TEXTREL or (entry.tag == _DT_FLAGS and entry.value & _DF_TEXTREL):
            return True
    return False
