"""One picture -> the network's input. Training, evaluation and the app all come through here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from moodlens.model.crop import PlainCrop, centre_crop, crop_box, decode_side, plain
from moodlens.model.network import NetworkConfig

__all__ = ["Crops", "centre_crop", "crop_box", "decode_side", "normalise", "to_pixels"]


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
    mean = torch.tensor(config.mean, device=batch.device).mul_(255).view(1, 3, 1, 1)
    std = torch.tensor(config.std, device=batch.device).mul_(255).view(1, 3, 1, 1)
    return (
        batch.to(torch.float32).sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
    )
