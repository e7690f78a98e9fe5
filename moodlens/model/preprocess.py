"""One picture -> the network's input. Training, evaluation and the app all come through here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from moodlens.model.crop import Crop, PlainCrop, crop_box, decode_side, middle, plain
from moodlens.model.network import NetworkConfig

__all__ = ["Crops", "centre_crop", "crop_box", "cut", "decode_side", "normalise", "to_pixels"]

_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}
_BY_PYTORCH = ("bicubic", "bilinear")


class Crops:
    """The centre crops of some pictures, cut once for all networks that see them alike.

    Args:
        pictures: mode RGB, upright.
    """

    def __init__(self, pictures: Sequence[Image.Image]) -> None:
        self._pictures = pictures
        self._cut: dict[PlainCrop, list[NDArray[np.uint8]]] = {}

    def for_network(self, config: NetworkConfig) -> list[NDArray[np.uint8]]:
        """Of each picture [S, S, 3] channel values 0..255."""
        view = plain(config)
        if view not in self._cut:
            self._cut[view] = [centre_crop(picture, config) for picture in self._pictures]
        return self._cut[view]


def centre_crop(picture: Image.Image, crop: Crop) -> NDArray[np.uint8]:
    """Scale the short side to ``crop.resize_to`` and cut out the centre, in a single pass.

    Args:
        picture: mode RGB, upright.
        crop: whose input size, crop and interpolation to use.

    Returns:
        [S, S, 3] channel values 0..255.
    """
    part = middle(picture)
    if _is_for_pytorch(part.width, part.height, crop):
        return _by_pytorch(np.array(part), crop)
    return _by_pillow(part, crop)


def cut(pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """The same for the middle of a picture.

    Args:
        pixels: [H, W, 3] channel values 0..255, as of :func:`~moodlens.model.crop.middle`; not
            read-only.
        crop: whose input size, crop and interpolation to use.
    """
    height, width, _ = pixels.shape
    if _is_for_pytorch(width, height, crop):
        return _by_pytorch(pixels, crop)
    return _by_pillow(Image.fromarray(pixels), crop)


def _is_for_pytorch(width: int, height: int, crop: Crop) -> bool:
    """It knows no box between two pixels, and not every filter."""
    on_pixels = all(edge.is_integer() for edge in crop_box(width, height, crop))
    return on_pixels and crop.interpolation in _BY_PYTORCH


def _by_pytorch(pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """In a quarter of Pillow's time, by the same filter in the same integers."""
    height, width, _ = pixels.shape
    left, top, right, bottom = map(int, crop_box(width, height, crop))
    square = torch.from_numpy(pixels[top:bottom, left:right]).permute(2, 0, 1).unsqueeze(0)
    size = (crop.input_size, crop.input_size)
    resized = functional.interpolate(square, size, mode=crop.interpolation, antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def _by_pillow(picture: Image.Image, crop: Crop) -> NDArray[np.uint8]:
    size, box = (crop.input_size, crop.input_size), crop_box(*picture.size, crop)
    resampling = _RESAMPLING[crop.interpolation]
    return np.asarray(picture.resize(size, resampling, box=box, reducing_gap=3.0))


def to_pixels(
    crops: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], config: NetworkConfig
) -> Tensor:
    """Normalise crops into a batch.

    Args:
        crops: N arrays [S, S, 3], or one of [N, S, S, 3], with channel values 0..255.
        config: whose mean and std to use.

    Returns:
        [N, 3, S, S] float32, channels-last in memory.
    """
    batch = torch.from_numpy(np.asarray(crops)).permute(0, 3, 1, 2)
    return normalise(batch, config)


def normalise(batch: Tensor, config: NetworkConfig) -> Tensor:
    """[N, 3, S, S] of uint8 -> the same as normalised float32, channels-last in memory."""
    side = batch.shape[3]
    # A row of pixels at a time: over the three channels of one PyTorch takes three times as long.
    rows = batch.permute(0, 2, 3, 1).contiguous().flatten(2)
    mean = torch.tensor(config.mean, device=batch.device).mul_(255).repeat(side)
    std = torch.tensor(config.std, device=batch.device).mul_(255).repeat(side)
    normal = rows.to(torch.float32).sub_(mean).div_(std)
    return normal.unflatten(2, (side, 3)).permute(0, 3, 1, 2)
