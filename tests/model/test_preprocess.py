"""The crop: PyTorch's and Pillow's are the same one."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from moodlens.model.crop import PlainCrop, crop_box, middle
from moodlens.model.preprocess import centre_crop
from tests.benchmarks.pictures import small_jpeg

PHOTO = Image.open(BytesIO(small_jpeg()))
VIEWS = [PlainCrop(256, 256, "bicubic"), PlainCrop(96, 128, "bilinear")]


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (640, 479), (64, 48), (1600, 32)])
def test_the_crop_is_pillows(view: PlainCrop, size: tuple[int, int]) -> None:
    picture = PHOTO.resize(size)
    side = view.input_size
    resampling = Image.Resampling[view.interpolation.upper()]
    expected = picture.resize((side, side), resampling, box=crop_box(*size, view))

    apart = np.abs(np.asarray(expected).astype(int) - centre_crop(picture, view))
    edge = 4 + 4 * side // min(size)  # what lies beyond the crop shows in Pillow's edge alone
    assert apart[edge:-edge, edge:-edge].max() <= 1
    assert apart.mean() < 0.5


@pytest.mark.parametrize("size", [(8, 5), (5, 8), (9, 5), (5, 5), (1, 4)])
def test_the_middle_has_the_pictures_middle(size: tuple[int, int]) -> None:
    columns = np.broadcast_to(np.arange(size[0])[None, :, None], (size[1], size[0], 3))
    kept = np.asarray(middle(Image.fromarray(columns.astype(np.uint8))))
    height, width, _ = kept.shape

    assert min(height, width) == min(size)
    assert max(height, width) - min(size) == (max(size) - min(size)) % 2
    assert kept[0, :, 0].mean() == (size[0] - 1) / 2
