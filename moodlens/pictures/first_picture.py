"""What is left of a picture file once all but its first picture is cut away."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PROFILE_BYTES = 4 * 2**20
"""Larger ICC profiles are left out, as if they were broken."""


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """One picture, cut out of its file.

    Attributes:
        data: a file of the same kind with only what a decoder needs.
        exif: EXIF metadata cut out of it; empty where there is none, or the decoder has it.
        profile: ICC profile cut out of it; empty likewise.
        passes: how often a decoder goes over the pixels; above 1 it holds them all at full size.
        coded_pixels: pixels of the largest tile or frame inside, 0 where none can be larger than
            the picture.
    """

    data: bytes
    exif: bytes = b""
    profile: bytes = b""
    passes: float = 1
    coded_pixels: int = 0
