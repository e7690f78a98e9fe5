"""How sure a network should sound: one number that its logits are divided by.

Trained on crops that show things larger than the app's crop does, a network hesitates a little
more, or less, than its answers deserve. Guo, Pleiss, Sun, Weinberger: On Calibration of Modern
Neural Networks, ICML 2017.
"""

from __future__ import annotations

import numpy as np
import torch

from moodlens.model.network import EmotionNetwork
from training.data.ratings import Floats, Ratings
from training.judging.metrics import kl_divergence

_RANGE = (0.5, 2.0)
_STEPS = 40
_SMALLEST_SHARE = 1e-9


def fit_temperature(said: Ratings, true: Ratings) -> float:
    """The temperature at which the seven shares have the least mean KL, from 0.5 to 2.

    Args:
        said: ratings of pictures that the network did not learn from.
        true: what their viewers said.
    """
    logs = np.log(said.shares.clip(_SMALLEST_SHARE))  # the logits, but for what softmax ignores

    def loss(coldness: float) -> float:
        return float(kl_divergence(true.shares, _softmax(coldness * logs)).mean())

    low, high = 1 / _RANGE[1], 1 / _RANGE[0]  # of 1 / temperature, in which the loss is convex
    for _ in range(_STEPS):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if loss(first) < loss(second):
            high = second
        else:
            low = first
    return 2 / (low + high)


@torch.no_grad()
def apply_temperature(network: EmotionNetwork, temperature: float) -> None:
    """Divide the logits, in place: maps that add up to them still do."""
    network.emotion_head.weight.div_(temperature)
    network.emotion_head.bias.div_(temperature)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
