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
    return cut(np.array(middle(picture)), crop)


def cut(pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """The same for the middle of a picture, as :func:`~moodlens.model.crop.middle` gives it.

    By PyTorch, which takes a quarter of Pillow's time for the same filter in the same integers. It
    knows no box between two pixels, so that one is Pillow's.

    Args:
        pixels: [H, W, 3] channel values 0..255, not read-only.
        crop: whose input size, crop and interpolation to use.
    """
    height, width, _ = pixels.shape
    box, size = crop_box(width, height, crop), (crop.input_size, crop.input_size)
    if crop.interpolation in _BY_PYTORCH and all(edge.is_integer() for edge in box):
        left, top, right, bottom = map(int, box)
        square = torch.from_numpy(pixels[top:bottom, left:right]).permute(2, 0, 1).unsqueeze(0)
        resized = functional.interpolate(square, size, mode=crop.interpolation, antialias=True)
        return resized[0].permute(1, 2, 0).numpy()
    image, resampling = Image.fromarray(pixels), _RESAMPLING[crop.interpolation]
    return np.asarray(image.resize(size, resampling, box=box, reducing_gap=3.0))


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
