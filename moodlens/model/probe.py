"""A picture that is the same everywhere, and what a network says about it.

The answer is stored with the weights, so that weights and code which do not belong together give
themselves away.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from moodlens.model.ensemble import Network, members_of, weighted_mean, weights_of
from moodlens.model.preprocess import Crops, to_pixels


@torch.inference_mode()
def run_probe(network: Network) -> list[float]:
    """Seven shares, valence and arousal of :func:`probe_picture`."""
    crops = Crops([probe_picture()])
    outputs = [
        member(to_pixels(crops.for_network(member.config), member.config))
        for member in members_of(network)
    ]
    output = weighted_mean(outputs, weights_of(network.config))
    return [*output.logits[0].softmax(0).tolist(), *output.affect[0].tolist()]


def probe_picture() -> Image.Image:
    """A picture that is the same everywhere: soft colour gradients with a disc, 320 x 240."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float64)
    disc = np.hypot(x - 200, y - 90) < 60
    channels = [x * 0.75, 255 - y, np.where(disc, 230, 40 + (x + y) * 0.2)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8), "RGB")
