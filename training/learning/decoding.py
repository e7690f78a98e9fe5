"""Pictures decoded when they are needed, and kept while there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from PIL import Image

from training.data.source import LabelledPictures

ROOM = 1_000_000_000
"""Bytes of decoded pictures that are kept: all of Emotion6, and no more of anything larger."""

_BYTES_PER_PIXEL = 3


class DecodedPictures(Sequence[Image.Image]):
    """The pictures of a data set as a sequence; memory does not grow with their number.

    What is decoded stays until the room is full, and nothing is thrown out again: an epoch asks for
    every picture once, in an order of its own, so that one is worth as much as another.

    Args:
        pictures: to decode.
        short_side: that they need, in pixels.
        room: bytes that may be kept.
    """

    def __init__(self, pictures: LabelledPictures, short_side: int, room: int = ROOM) -> None:
        self._pictures, self._short_side, self._room = pictures, short_side, room
        self._kept: dict[int, Image.Image] = {}

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Image.Image]: ...
    def __getitem__(self, index: int | slice) -> Image.Image | Sequence[Image.Image]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        picture = self._pictures.picture(index, short_side=self._short_side)
        cost = _BYTES_PER_PIXEL * picture.width * picture.height
        if cost <= self._room:
            self._room -= cost
            self._kept[index] = picture
        return picture

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[i] for i in range(len(self)))

    def share_room(self, workers: int) -> None:
        """Each of so many processes keeps pictures of its own."""
        self._room //= max(1, workers)

    def content(self, index: int) -> str:
        """What tells a picture's content apart, at the size it is decoded to."""
        return f"{self._pictures.digest(index).hex()[:16]}-{self._short_side}"
