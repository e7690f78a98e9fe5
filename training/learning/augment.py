"""The train preset and the eval preset, side by side.

Both take a decoded picture and give the square that the network sees, as 8-bit values, so that the
normalisation after them is the same one that the app uses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from moodlens.model.network import NetworkConfig
from moodlens.model.preprocess import centre_crop
from training.learning.config import AugmentConfig

Preset = Callable[[Image.Image], Tensor]

_GREY = 127


def train_preset(network: NetworkConfig, augment: AugmentConfig) -> Preset:
    """A random crop, mirrored or not, in slightly different light.

    Args:
        network: whose input size and interpolation to use.
        augment: how far pictures may be changed.

    Returns:
        RGB picture -> [3, S, S] uint8, drawn from PyTorch's global random state. Random crops show
        things larger than the app's crop does, so a smaller S may suit them better (Touvron et al.:
        Fixing the train-test resolution discrepancy, NeurIPS 2019).
    """
    steps: list[torch.nn.Module] = [v2.PILToTensor()]
    if augment.rotate:
        steps.append(v2.RandomRotation(augment.rotate, InterpolationMode.BILINEAR))
    steps += [
        v2.RandomResizedCrop(
            augment.size or network.input_size,
            scale=augment.crop_scale,
            ratio=augment.crop_ratio,
            interpolation=_interpolation(network.interpolation),
            antialias=True,
        ),
        v2.RandomHorizontalFlip(augment.flip),
    ]
    light = (augment.brightness, augment.contrast, augment.saturation, augment.hue)
    if any(light):
        steps.append(v2.ColorJitter(*light))
    if augment.trivial:
        steps.append(v2.TrivialAugmentWide())
    if augment.erase:
        steps.append(v2.RandomErasing(augment.erase, value=_GREY))
    return v2.Compose(steps)


def eval_preset(network: NetworkConfig, *, mirrored: bool = False) -> Preset:
    """Exactly the app's own crop, mirrored if asked for.

    Returns:
        RGB picture -> [3, S, S] uint8.
    """

    def preset(picture: Image.Image) -> Tensor:
        crop = torch.from_numpy(np.array(centre_crop(picture, network))).permute(2, 0, 1)
        return F.horizontal_flip(crop) if mirrored else crop

    return preset


def _interpolation(name: str) -> InterpolationMode:
    return InterpolationMode(name)
