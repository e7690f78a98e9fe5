"""An exponential moving average of the weights that learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from moodlens.model.network import EmotionNetwork


class WeightAverage:
    """The average; it forgets faster while it is young.

    Args:
        network: whose weights to average; those that ask for gradients.
        decay: of the average once it is old; 0 keeps the last weights.
    """

    def __init__(self, network: EmotionNetwork, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = {k: v.detach().clone() for k, v in _learning(network).items()}

    @torch.no_grad()
    def load(self, weights: dict[str, Tensor], updates: int) -> None:
        """Go on from where another average was, on whichever device that was."""
        self.updates = updates
        for key, value in weights.items():
            self.weights[key].copy_(value)

    @torch.no_grad()
    def update(self, network: EmotionNetwork) -> None:
        """Take the weights in as they are after a step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.decay else 0.0
        for key, value in _learning(network).items():
            self.weights[key].lerp_(value, 1 - decay)

    @torch.no_grad()
    def write_into(self, network: EmotionNetwork) -> None:
        """Make the average the network's own weights."""
        for key, value in _learning(network).items():
            value.copy_(self.weights[key])

    @contextmanager
    def applied_to(self, network: EmotionNetwork) -> Iterator[None]:
        """The network has the averaged weights for as long as the block lasts."""
        own = {k: v.detach().clone() for k, v in _learning(network).items()}
        self.write_into(network)
        try:
            yield
        finally:
            with torch.no_grad():
                for key, value in _learning(network).items():
                    value.copy_(own[key])


def _learning(network: EmotionNetwork) -> dict[str, nn.Parameter]:
    return {name: p for name, p in network.named_parameters() if p.requires_grad}
