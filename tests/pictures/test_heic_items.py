"""HEIC pictures that are put together of others: as cameras do it, and in no other way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from moodlens.errors import PictureError, PictureTooLargeError
from moodlens.pictures.reading import read_picture
from tests.support.heic_recipes import Recipe, grid, heic, overlay

TILE = (64, 64)


def test_a_grid_as_cameras_write_it() -> None:
    picture = read_picture(heic(TILE, grid(3, 4, 2, (250, 190))))
    assert picture.size == (250, 190)
    red, green, blue = picture.getpixel((249, 189))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(
    "recipes",
    [
        [grid(16, 16, 2, TILE)],  # a tile that is decoded 256 times, and seen once
        [grid(2, 2, 2, (20_000, 20_000), claimed=(128, 128))],
        [grid(2, 2, 3, (128, 128)), grid(2, 2, 3, TILE)],  # grids of grids
        [grid(2, 2, 1, (128, 128))],
        [grid(2, 2, 2, (128, 128))._replace(parts=[2])],
        [overlay((20_000, 20_000), claimed=TILE)],  # a gigabyte from 216 bytes
        [Recipe(b"tili", b"", [2], TILE)],
    ],
    ids=["unseen", "canvas", "nested", "itself", "few", "overlay", "new"],
)
def test_other_recipes_are_not_followed(recipes: list[Recipe]) -> None:
    decoded: list[int] = []

    def within(cost: int, decode: Callable[[], Image.Image]) -> Image.Image:
        decoded.append(cost)
        return decode()

    with pytest.raises(PictureError, match="damaged or incomplete"):
        read_picture(heic(TILE, *recipes), within=within)
    assert not decoded


def test_the_largest_item_is_what_a_picture_costs() -> None:
    whole = heic((512, 512), Recipe(b"iden", b"", [2], TILE), grid(13, 13, 3, (6400, 6400)))
    with pytest.raises(PictureTooLargeError, match="41 megapixels"):
        read_picture(whole)
