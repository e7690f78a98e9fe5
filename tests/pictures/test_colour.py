"""Strip by strip, a picture becomes what it becomes at once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from moodlens.pictures import colour
from moodlens.pictures.colour import flatten, flatten_and_reduce

RNG = np.random.default_rng(14)


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    width, height = size
    if mode == "F":
        values = RNG.normal(size=(height, width)).astype(np.float32)
        values[0, :3] = np.nan, np.inf, -np.inf
        return Image.fromarray(values)
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 2**16, (height, width)).astype(np.uint16))
    if mode == "I":
        return Image.fromarray(RNG.integers(-9, 9**9, (height, width)).astype(np.int32))
    picture = Image.frombytes("RGBA", size, RNG.bytes(4 * width * height))
    return picture if mode == "RGBA" else picture.convert("RGB").convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "P", "CMYK", "L", "1", "F", "I", "I;16"])
@pytest.mark.parametrize("size", [(97, 61), (64, 64), (400, 7)])
def test_strips_change_nothing(
    mode: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colour, "_STRIP_PIXELS", 1000)
    picture = noise(mode, size)
    if mode == "P":
        picture.info["transparency"] = 3
    at_once = flatten(picture).reduce(3)
    in_strips = flatten_and_reduce(picture, 3)
    assert in_strips.mode == at_once.mode
    assert np.array_equal(np.asarray(in_strips), np.asarray(at_once))
