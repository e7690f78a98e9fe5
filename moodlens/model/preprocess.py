"""One picture -> the network's input. Training, evaluation and the app all come through here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from moodlens.model.network import NetworkConfig

_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}

_DECODE_MARGIN = 1.4
"""At 256 pixels a phone's 4000 x 3000 may be decoded at an eighth, 500 x 375."""


def decode_side(config: NetworkConfig) -> int:
    """The short side, in pixels, below which decoding a picture smaller would cost detail.

    More than the resize needs: a decoder that halves cheaply may stop there, and the resize still
    does the last, good step.
    """
    return round(_DECODE_MARGIN * config.resize_to)


def crop_box(width: int, height: int, config: NetworkConfig) -> tuple[float, float, float, float]:
    """The centred square that the network sees: left, top, right, bottom, in picture pixels."""
    side = min(width, height) * config.seen_share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def centre_crop(picture: Image.Image, config: NetworkConfig) -> NDArray[np.uint8]:
    """Scale the short side to ``config.resize_to`` and cut out the centre, in a single pass.

    Args:
        picture: mode RGB, upright.
        config: whose input size, crop and interpolation to use.

    Returns:
        [S, S, 3] channel values 0..255.
    """
    side = config.input_size
    cropped = picture.resize(
        (side, side),
        _RESAMPLING[config.interpolation],
        box=crop_box(*picture.size, config),
        reducing_gap=3.0,
    )
    return np.asarray(cropped)


class Crops:
    """The centre crops of some pictures, cut once for all networks that see them alike.

    Args:
        pictures: mode RGB, upright.
    """

    def __init__(self, pictures: Sequence[Image.Image]) -> None:
        self._pictures = pictures
        self._cut: dict[tuple[int, int, str], list[NDArray[np.uint8]]] = {}

    def for_network(self, config: NetworkConfig) -> list[NDArray[np.uint8]]:
        """Of each picture [S, S, 3] channel values 0..255."""
        view = config.input_size, config.resize_to, config.interpolation
        if view not in self._cut:
            self._cut[view] = [centre_crop(picture, config) for picture in self._pictures]
        return self._cut[view]


def to_pixels(crops: Sequence[NDArray[np.uint8]], config: NetworkConfig) -> Tensor:
    """Normalise crops into a batch.

    Args:
        crops: N arrays [S, S, 3] with channel values 0..255.
        config: whose mean and std to use.

    Returns:
        [N, 3, S, S] float32, channels-last in memory.
    """
    batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
    return normalise(batch, config)


def normalise(batch: Tensor, config: NetworkConfig) -> Tensor:
    """[N, 3, S, S] of uint8 -> the same as normalised float32, channels-last in memory."""
    mean = torch.tensor(config.mean).mul_(255).view(1, 3, 1, 1)
    std = torch.tensor(config.std).mul_(255).view(1, 3, 1, 1)
    return (
        batch.to(torch.float32).sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
    )
