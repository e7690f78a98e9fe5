"""Where the pictures of a table lie: in a folder or a zip file, and nowhere outside it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image

from moodlens.errors import DatasetError, PictureError
from moodlens.pictures.reading import PictureLimits, read_picture

_LIMITS = PictureLimits()


class PictureFiles(Protocol):
    """Pictures by name."""

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            FileNotFoundError: there is none of that name.
            OSError: it cannot be read, or is larger than the app would take.
        """
        ...


def is_inside(name: str) -> bool:
    """Whether a name, as a table gives it, can only mean a file of the table's own folder."""
    path = PurePosixPath(name)
    return bool(
        path.parts
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and ":" not in path.parts[0]
        and "\0" not in name
    )


class PictureFolder:
    """Pictures in a folder and the folders in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._within = _may_link_into(root.resolve())

    def read(self, name: str) -> bytes:
        """See :class:`PictureFiles`; a link that leads out of the folder counts as missing."""
        path = (self._root / name).resolve()
        if not is_inside(name) or not path.is_relative_to(self._within):
            raise FileNotFoundError(name)
        if path.stat().st_size > _LIMITS.max_bytes:
            raise OSError("larger than the app takes")
        return path.read_bytes()


def _may_link_into(root: Path) -> Path:
    """The folder itself; for a snapshot in the Hub's cache, made of links, its repository."""
    for folder in (root, *root.parents):
        if folder.parent.name == "snapshots" and (folder.parents[1] / "blobs").is_dir():
            return folder.parents[1]
    return root


class PictureZip:
    """Pictures in a zip file, read in place.

    Every process opens the file for itself: a position in it must not be shared.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: tuple[int, zipfile.ZipFile] | None = None

    def names(self) -> list[str]:
        return self._archive().namelist()

    def read(self, name: str) -> bytes:
        """See :class:`PictureFiles`."""
        archive = self._archive()
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise FileNotFoundError(name) from None
        if info.file_size > _LIMITS.max_bytes:
            raise OSError("larger than the app takes")
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
            raise OSError(str(error)) from None  # damaged, encrypted, or packed in an unknown way

    def _archive(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():
            try:
                self._open = os.getpid(), zipfile.ZipFile(self._path)
            except (OSError, zipfile.BadZipFile):
                raise DatasetError(f"{self._path.name} cannot be read as a zip file.") from None
        return self._open[1]

    def __getstate__(self) -> Path:
        return self._path

    def __setstate__(self, path: Path) -> None:
        self._path, self._open = path, None


def decode(data: bytes, *, short_side: int | None = None) -> Image.Image:
    """Decode a picture by the app's own decoder."""
    return read_picture(data, limits=_LIMITS, short_side=short_side)


def decode_file(files: PictureFiles, name: str, *, short_side: int | None = None) -> Image.Image:
    """Decode one of the pictures.

    Raises:
        PictureError: it cannot be read or decoded.
    """
    try:
        data = files.read(name)
    except OSError:
        raise PictureError("The picture cannot be read.") from None
    return decode(data, short_side=short_side)
