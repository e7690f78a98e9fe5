"""What is kept of a picture while its answer is waited for."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

_LONG = 2
"""Sides that differ by more than this factor are cut: nothing far from the centre is looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as far as the network looks at it.

    Attributes:
        centre: upright RGB.
        offset: where it lies in the picture, from the left and from the top, in its pixels.
        size: width and height of the picture, in the same pixels.
        shown: the whole picture, small enough for a page; None where nobody asked for it.
    """

    centre: Image.Image
    offset: tuple[int, int]
    size: tuple[int, int]
    shown: Image.Image | None


def see(picture: Image.Image, shown_side: int = 0) -> Seen:
    """Keep the centre of a picture, which is what the network sees, and a small copy of the whole.

    Args:
        picture: upright RGB.
        shown_side: the longest side of the copy, in pixels; 0 for none.
    """
    shown = _small(picture, shown_side) if shown_side else None
    width, height = picture.size
    short = min(width, height)
    if max(width, height) <= _LONG * short:
        return Seen(picture, (0, 0), picture.size, shown)
    # The same number of pixels from both ends, so that the centre stays where it is.
    left, top = (max(0, (side - short) // 2) for side in (width, height))
    centre = picture.crop((left, top, width - left, height - top))
    return Seen(centre, (left, top), picture.size, shown)


def _small(picture: Image.Image, side: int) -> Image.Image:
    shrink = side / max(picture.size)
    if shrink >= 1:
        return picture.copy()
    width, height = (max(1, round(shrink * length)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
