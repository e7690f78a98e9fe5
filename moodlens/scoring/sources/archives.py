"""Pictures in zip and tar archives, WebDataset's shards among them, read in place.

Archives come from strangers. Names are labels, links and devices are left out, archives in archives
are not opened, and of a member no more is unpacked than a picture may have.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from moodlens.errors import PictureError
from moodlens.scoring.sources.entries import Entry, LocalFile, Passing, broken
from moodlens.scoring.sources.names import is_wanted, printable

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_MEMBERS = 2_000_000
"""Of one zip: its directory is in memory as a whole, half a kilobyte a member."""

_ZIP_END, _ZIP64_LOCATOR = b"PK\5\6", b"PK\6\7"
_ZIP_END_BYTES, _ZIP64_END_BYTES = 22, 56
_ZIP_RECORD_BYTES = 46  # of one member in the directory, at least
_LONGEST_COMMENT = 65_535
_LONGEST_TAR_HEADER = 1_000_000
_TAR_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, struct.error,
    EOFError, OSError, ValueError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip


def zip_entries(file: BinaryIO, name: str) -> Iterator[Entry]:
    """Pictures of a zip archive.

    Args:
        file: the archive; anything that can seek.
        name: what the archive is called in the table.
    """
    try:
        if _zip_members(file) > _MOST_MEMBERS:
            yield broken(name, f"This zip archive has more than {_MOST_MEMBERS:,} members.")
            return
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and is_wanted(m.filename)]
            for member in members:
                label = f"{name}/{printable(member.filename)}"
                if member.flag_bits & 1:
                    yield broken(label, "This member of the archive is encrypted.")
                elif member.compress_type not in _PLAIN_METHODS:
                    yield broken(label, "This member is compressed in a way that is not read here.")
                else:
                    yield Entry(label, Passing(partial(_zip_member, archive, member)))
    except _DAMAGED:
        yield broken(name, "This zip archive is damaged or incomplete.")


def tar_entries(file: BinaryIO, name: str, *, path: str | None = None) -> Iterator[Entry]:
    """Pictures of a tar archive, plain or by gzip.

    Args:
        file: the archive, from its beginning; it need not seek.
        name: what the archive is called in the table.
        path: where the archive lies on this machine, if it is not compressed: then only its
            headers are read here, and the pictures by those who need them.
    """
    mode = "r:" if path else ("r|gz" if name.lower().endswith("gz") else "r|")
    try:
        with tarfile.open(fileobj=file, mode=mode, tarinfo=_Header) as archive:  # type: ignore[call-overload]
            for member in _members(archive):
                if not member.isreg() or member.issparse() or not is_wanted(member.name):
                    continue
                label = f"{name}/{printable(member.name)}"
                if path:
                    part = LocalFile(path, member.offset_data, member.size)
                    yield Entry(label, part)
                else:
                    yield Entry(label, Passing(partial(_tar_member, archive, member)))
    except _DAMAGED:
        yield broken(name, "This tar archive is damaged or incomplete.")


class _Header(tarfile.TarInfo):
    """A header that is refused before its long names, or what it calls so, are read to memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _TAR_HEADERS and header.size > _LONGEST_TAR_HEADER:
            raise tarfile.ReadError("a header of unreasonable length")
        return header


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """One after the other, without the list of all that the archive keeps otherwise."""
    while (member := archive.next()) is not None:
        vars(archive)["members"].clear()
        yield member


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    with _unpacking():
        stream = archive.extractfile(member)
        return b"" if stream is None else stream.read(most)


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    with _unpacking(), archive.open(member) as stream:
        return stream.read(most)


@contextmanager
def _unpacking() -> Iterator[None]:
    try:
        yield
    except _DAMAGED:
        raise PictureError("This member of the archive is damaged or incomplete.") from None


def _zip_members(file: BinaryIO) -> int:
    """How many members the zip's directory may have by its size, before it is read.

    Raises:
        zipfile.BadZipFile: there is no directory.
    """
    size = file.seek(0, 2)
    length = min(size, _ZIP_END_BYTES + _LONGEST_COMMENT)
    file.seek(size - length)
    tail = file.read(length)
    end = tail.rfind(_ZIP_END)
    if end < 0 or len(tail) - end < _ZIP_END_BYTES:
        raise zipfile.BadZipFile
    (directory,) = struct.unpack_from("<I", tail, end + 12)
    if tail[max(end - 20, 0) :].startswith(_ZIP64_LOCATOR):
        (place,) = struct.unpack_from("<Q", tail, end - 20 + 8)
        file.seek(min(place, size))
        (directory,) = struct.unpack_from("<Q", file.read(_ZIP64_END_BYTES), 40)
    file.seek(0)
    return int(min(directory, size)) // _ZIP_RECORD_BYTES
