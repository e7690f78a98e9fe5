"""What the network sees of a picture: the geometry alone, without PyTorch.

Processes that do nothing but decode pictures import this and stay small.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from PIL import Image

_DECODE_MARGIN = 1.4
"""At 256 pixels a phone's 4000 x 3000 may be decoded at an eighth, 500 x 375."""


class Crop(Protocol):
    """The part of a network's config that says what it sees."""

    @property
    def input_size(self) -> int: ...
    @property
    def resize_to(self) -> int: ...
    @property
    def interpolation(self) -> str: ...


class PlainCrop(NamedTuple):
    """A crop that can be sent to a process without PyTorch.

    Attributes:
        input_size: side of the square that the network sees, in pixels.
        resize_to: short side to which the picture is scaled before the square is cut out.
        interpolation: ``bicubic``, ``bilinear`` or ``lanczos``.
    """

    input_size: int
    resize_to: int
    interpolation: str


def plain(crop: Crop) -> PlainCrop:
    """The crop of a network's config."""
    return PlainCrop(crop.input_size, crop.resize_to, crop.interpolation)


def decode_side(crop: Crop) -> int:
    """The short side, in pixels, below which decoding a picture smaller would cost detail.

    More than the resize needs: a decoder that halves cheaply may stop there, and the resize still
    does the last, good step.
    """
    return round(_DECODE_MARGIN * crop.resize_to)


def crop_box(width: int, height: int, crop: Crop) -> tuple[float, float, float, float]:
    """The centred square that the network sees: left, top, right, bottom, in picture pixels."""
    side = min(width, height) * crop.input_size / crop.resize_to
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def middle(picture: Image.Image) -> Image.Image:
    """The part of a picture that any crop is cut from: what is left and right of it never counts.

    Args:
        picture: mode RGB, upright.

    Returns:
        As large as the short side; the long side has one pixel more where it takes that to have the
        same middle.
    """
    width, height = picture.size
    short = min(width, height)
    wide, high = short + (width - short) % 2, short + (height - short) % 2
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))
