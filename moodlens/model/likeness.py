"""How far another form of a network is from the network itself, before it may serve."""

from __future__ import annotations

import torch
from torch import Tensor

from moodlens.model.network import EmotionNetwork

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""How far features may be off, relative to their norm, by the type that a form computes in."""


def feature_error(form: EmotionNetwork, network: EmotionNetwork, pixels: Tensor) -> float:
    """The largest error of a level's features, relative to their norm; NaN is possible.

    Args:
        form: whose features are in doubt.
        network: as it was trained.
        pixels: [N, 3, S, S], what both are shown.
    """
    levels = zip(form.feature_maps(pixels), network.feature_maps(pixels), strict=True)
    return max(float((level - plain).norm() / plain.norm()) for level, plain in levels)


def example_pixels(network: EmotionNetwork) -> Tensor:
    """Soft colour gradients, like a picture's."""
    side = network.config.input_size
    ramp = torch.linspace(-1, 1, side)
    pixels = torch.stack([ramp.expand(side, side), ramp.expand(side, side).T, ramp.outer(ramp)])
    return pixels[None].contiguous(memory_format=torch.channels_last)
