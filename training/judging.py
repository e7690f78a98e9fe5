"""What a network that is still learning says about pictures held in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from moodlens.emotions import SCALE_RANGE
from moodlens.network import EmotionNetwork
from moodlens.preprocess import centre_crop, to_pixels
from training.ratings import Ratings

_BATCH = 16


@torch.inference_mode()
def predict_with(network: EmotionNetwork, pictures: Sequence[Image.Image]) -> Ratings:
    """Ratings of decoded pictures by one upright view, as the app would give them."""
    shares, affect = [], []
    for start in range(0, len(pictures), _BATCH):
        crops = [centre_crop(p, network.config) for p in pictures[start : start + _BATCH]]
        output = network(to_pixels(crops, network.config))
        shares.append(output.logits.double().softmax(dim=1).numpy())
        affect.append(output.affect.clamp(*SCALE_RANGE).double().numpy())
    values = np.concatenate(affect)
    return Ratings.of(np.concatenate(shares), values[:, 0], values[:, 1])
