"""Small pictures that sessions come back to, together no larger than memory has room for."""

from __future__ import annotations

import io
import threading
import weakref
from collections import OrderedDict

from PIL import Image

from moodlens.errors import PictureError

_MOST_BYTES = 48_000_000
_QUALITIES = (86, 70, 50)
_PICTURE_BYTES = 150_000
"""A picture of 720 pixels takes less than that at the best quality, unless it is made of noise."""


class ForgottenError(PictureError):
    """A picture that had to make room for those of others."""

    def __init__(self) -> None:
        super().__init__("So many came since that this picture is forgotten; please send it again.")


class KeptPicture:
    """A picture as a JPEG in memory; the oldest of all are forgotten first.

    Args:
        picture: mode RGB.
    """

    def __init__(self, picture: Image.Image) -> None:
        self._data: bytes | None = _encoded(picture)
        _SHELF.put(self, len(self._data))

    def open(self) -> Image.Image:
        """The picture.

        Raises:
            ForgottenError: others needed its place.
        """
        with Image.open(io.BytesIO(self.jpeg()), formats=["JPEG"]) as picture:
            return picture.convert("RGB")

    def jpeg(self) -> bytes:
        """The picture's file.

        Raises:
            ForgottenError: others needed its place.
        """
        if self._data is None:
            raise ForgottenError
        return self._data

    def forget(self) -> None:
        """Keep no more than that there was one."""
        self._data = None


class _Shelf:
    """All kept pictures, by age."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._lock = threading.RLock()  # a finalizer may run while it is held
        self._kept: OrderedDict[int, tuple[weakref.ref[KeptPicture], int]] = OrderedDict()

    def put(self, picture: KeptPicture, size: int) -> None:
        key = id(picture)
        with self._lock:
            self._kept[key] = weakref.ref(picture, lambda _: self._drop(key)), size
            self._held += size
            while self._held > self._most:
                oldest = next(iter(self._kept))
                reference, _ = self._kept[oldest]
                forgotten = reference()
                if forgotten is not None:
                    forgotten.forget()
                self._drop(oldest)

    def _drop(self, key: int) -> None:
        with self._lock:
            _, size = self._kept.pop(key, (None, 0))
            self._held -= size


_SHELF = _Shelf(_MOST_BYTES)


def _encoded(picture: Image.Image) -> bytes:
    for quality in _QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= _PICTURE_BYTES:
            break
    return file.getvalue()
