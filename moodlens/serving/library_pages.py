"""Pages of shared libraries that were read once, while the libraries were loaded.

PyTorch's usual build brings CUDA's libraries, some 3 GB of files. Loading them reads their tables,
and what was read stays resident although a processor alone never looks at it again. Nothing is
lost with such pages: the file has them, and the system's cache of it. So they are let go once
loading is over; what is used after all comes back from the cache, some microseconds a piece.

Other threads import meanwhile, and hold Python's lock while they wait for the loader's. So Python's
is never waited for here while the loader's is held: ``dl_iterate_phdr`` with a function of Python
would do that, and the app hung.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_size_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path

_MADV_DONTNEED = 4
_RTLD_DI_LINKMAP = 2
_PT_LOAD, _PT_DYNAMIC = 1, 2
_PF_W = 2
_DT_NULL, _DT_TEXTREL, _DT_FLAGS = 0, 22, 30
_DF_TEXTREL = 4


class _Header(Structure):
    """``Elf64_Ehdr``, where a library's first page begins."""

    _fields_ = (
        ("identification", c_char * 16),
        ("type", c_uint16),
        ("machine", c_uint16),
        ("version", c_uint32),
        ("entry", c_uint64),
        ("segments_at", c_uint64),
        ("sections_at", c_uint64),
        ("flags", c_uint32),
        ("size", c_uint16),
        ("segment_size", c_uint16),
        ("segment_count", c_uint16),
    )


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


class _Dynamic(Structure):
    """``Elf64_Dyn``."""

    _fields_ = (("tag", c_uint64), ("value", c_uint64))


class _LinkMap(Structure):
    """The beginning of ``struct link_map``."""

    _fields_ = (("base", c_size_t),)


def forget_library_pages() -> None:
    """Let go of the libraries' pages that the file has as well; of none where not on Linux."""
    if sys.platform != "linux" or ctypes.sizeof(c_void_p) != 8:
        return
    system = _system()
    for path, base in _mapped():
        with _kept_loaded(system, path) as loaded_at:
            if loaded_at == base:
                for start, length in _unwritten(base):
                    system.madvise(start, length, _MADV_DONTNEED)


def _system() -> ctypes.CDLL:
    """The C library; each call of it lets go of Python's lock."""
    system = ctypes.CDLL(None)
    system.dlopen.argtypes, system.dlopen.restype = (c_char_p, c_int), c_void_p
    system.dlclose.argtypes = (c_void_p,)
    system.dlinfo.argtypes = (c_void_p, c_int, POINTER(POINTER(_LinkMap)))
    system.madvise.argtypes = (c_void_p, c_size_t, c_int)
    return system


def _mapped() -> list[tuple[bytes, int]]:
    """Path and address of each file whose beginning is mapped."""
    found = []
    for line in Path("/proc/self/maps").read_bytes().splitlines():
        addresses, _, offset, _, _, *path = line.split(None, 5)
        if path and path[0].startswith(b"/") and int(offset, 16) == 0:
            found.append((path[0], int(addresses.split(b"-")[0], 16)))
    return found


@contextmanager
def _kept_loaded(system: ctypes.CDLL, path: bytes) -> Iterator[int | None]:
    """Where a library is, which nobody unloads in the block; None if it is not loaded, or not yet.

    Whoever loads one holds the loader's lock until it can be used, and this waits for that lock.
    """
    handle = system.dlopen(path, os.RTLD_LAZY | os.RTLD_NOLOAD)
    if handle is None:  # the program itself, a font, a library that is unloaded
        yield None
        return
    try:
        library = POINTER(_LinkMap)()
        told = system.dlinfo(handle, _RTLD_DI_LINKMAP, ctypes.byref(library)) == 0
        yield library.contents.base if told else None
    finally:
        system.dlclose(handle)


def _unwritten(base: int) -> Iterator[tuple[int, int]]:
    """Address and bytes of the whole pages that nobody may write to, the loader included."""
    header = _Header.from_address(base)
    if header.segment_size != ctypes.sizeof(_Segment):
        return
    segments = (_Segment * header.segment_count).from_address(base + header.segments_at)
    if any(_relocates_code(base, s) for s in segments if s.type == _PT_DYNAMIC):
        return
    for segment in segments:
        if segment.type == _PT_LOAD and not segment.flags & _PF_W:
            first = base + segment.address
            start = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
            end = (first + segment.in_file) // mmap.PAGESIZE * mmap.PAGESIZE
            if start < end:
                yield start, end - start


def _relocates_code(base: int, segment: _Segment) -> bool:
    """Whether the loader has written to a segment that is read-only since."""
    entries = segment.in_memory // ctypes.sizeof(_Dynamic)
    for entry in (_Dynamic * entries).from_address(base + segment.address):
        if entry.tag == _DT_NULL:
            return False
        if entry.tag == _DT_TEXTREL or (entry.tag == _DT_FLAGS and entry.value & _DF_TEXTREL):
            return True
    return False
