"""The pictures that are sent: JPEGs with real texture, made from MoodLens's example photos."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import moodlens

EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))

_PHONE_SIZE = (4000, 3000)
_GRAIN = 6.0  # standard deviation in channel values, as a small sensor has it indoors


def small_jpeg() -> bytes:
    """640 x 480, as a web page or a webcam has it."""
    photo = Image.open(_example("rocket")).convert("RGB")
    return _jpeg(ImageOps.fit(photo, (640, 480), Image.Resampling.LANCZOS))


def phone_jpeg() -> bytes:
    """12 megapixels: six photos side by side, enlarged, with a sensor's grain on top.

    An enlarged photo alone would have no fine texture, and its JPEG would be small and quick to
    decode. With the grain it has several megabytes, as a phone's has.
    """
    width, height = _PHONE_SIZE
    sheet = Image.new("RGB", _PHONE_SIZE)
    tile = (width // 3 + 1, height // 2)
    for index, path in enumerate(EXAMPLES[:6]):
        photo = ImageOps.fit(Image.open(path).convert("RGB"), tile, Image.Resampling.BICUBIC)
        sheet.paste(photo, (index % 3 * tile[0], index // 3 * tile[1]))
    grain = np.random.default_rng(0).normal(0, _GRAIN, (height, width, 1)).astype(np.float32)
    grainy = np.clip(np.asarray(sheet, dtype=np.float32) + grain, 0, 255)
    return _jpeg(Image.fromarray(grainy.astype(np.uint8)))


def generated_pictures() -> list[bytes]:
    """Pictures unlike photos, large and small: gradients, stripes, noise, flat, and the phone's."""
    y, x = np.mgrid[0:600, 0:800]
    gradient = np.stack([x * 255 / 800, y * 255 / 600, (x + y) * 255 / 1400], axis=-1)
    stripes = np.repeat(((x // 8 + y // 24) % 2 * 255)[..., None], 3, axis=-1)
    noise = np.random.default_rng(1).integers(0, 256, (900, 700, 3))
    flat = np.full((64, 64, 3), (200, 40, 90))
    arrays = [gradient, stripes, noise, flat]
    return [
        *(_jpeg(Image.fromarray(array.astype(np.uint8))) for array in arrays),
        small_jpeg(),
        phone_jpeg(),
    ]


def _example(name: str) -> Path:
    return next(path for path in EXAMPLES if path.stem == name)


def _jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()
