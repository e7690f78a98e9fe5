"""Folders of small pictures, each unlike the others, with a few that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def small_jpeg(number: int, size: tuple[int, int] = (80, 60)) -> bytes:
    """A picture that no other number has."""
    generator = np.random.default_rng(number)
    coarse = generator.integers(0, 256, (4, 5, 3), np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()


def fill(folder: Path, count: int, *, broken: tuple[int, ...] = ()) -> Path:
    """Pictures ``a/000.jpg`` ... in two folders below this one; the broken ones are cut off."""
    for number in range(count):
        data = small_jpeg(number)
        path = folder / ("a" if number < count // 2 else "b") / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[: len(data) // 3] if number in broken else data)
    return folder
