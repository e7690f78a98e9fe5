"""What decoding one picture takes of memory, told before a pixel is decoded.

Measured, with a margin, by ``python -m tests.support.picture_cost``.
"""

from __future__ import annotations

from PIL.ImageFile import ImageFile

from moodlens.pictures.first_picture import FirstPicture

_ALWAYS = 8_000_000
"""Strips, tables and copies of a small picture."""
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
"""In Pillow's memory; four in all other modes."""
_CODEC_BYTES = {"WebP": 10, "AVIF": 12, "HEIC": 12, "TIFF": 4, "BMP": 1, "GIF": 4}
"""That the decoder itself holds of a pixel, beside Pillow."""
_COEFFICIENT_BYTES = 8
"""That a decoder of progressive JPEG holds of a pixel at full size, with up to four channels."""


_UNREDUCED_BYTES = 12
"""Of each pixel where the picture stays as large as it is: laid on white, in sRGB, and turned."""


def decoding_bytes(
    picture: ImageFile, kind: str, first: FirstPicture, scale: int, short_side: int | None
) -> int:
    """The most that decoding takes at any moment.

    Args:
        picture: opened, not yet loaded.
        kind: of the file.
        first: what is left of the file.
        scale: by which a JPEG's sides are divided while it is decoded.
        short_side: see ``read_picture``.
    """
    pixels = max(picture.width * picture.height, first.coded_pixels)
    held = pixels // scale**2
    cost = held * (_PIXEL_BYTES.get(picture.mode, 4) + _CODEC_BYTES.get(kind, 0))
    if not short_side or min(picture.size) // scale < 2 * short_side:
        cost += held * _UNREDUCED_BYTES
    if kind == "JPEG" and first.passes > 1:
        cost += pixels * _COEFFICIENT_BYTES
    return cost + 2 * len(first.data) + _ALWAYS
