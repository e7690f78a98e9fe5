"""What is minimised, as a module: a batch of views in, its part of the mean loss out.

A module of its own, since Accelerate hooks the gradients' sum over processes, and the precision of
the passes, to what it is called through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from moodlens.model.network import EmotionNetwork
from training.data.ratings import Floats, Ratings
from training.learning.config import Config
from training.learning.frozen_views import FrozenStages
from training.learning.losses import affect_loss, emotion_loss


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What N pictures should be said to be, on a device.

    Attributes:
        shares: [N, 7].
        affect: [N, 2] valence and arousal; NaN where nobody was asked.
        weights: [N] how much each counts; 0 for one that only fills a batch.
    """

    shares: Tensor
    affect: Tensor
    weights: Tensor

    @classmethod
    def of(cls, ratings: Ratings, weights: Floats | None, device: torch.device) -> Targets:
        """From ratings; without weights all count the same."""
        affect = np.column_stack([ratings.valence, ratings.arousal])
        weights = np.ones(len(ratings)) if weights is None else weights
        return cls(
            *(
                torch.tensor(values, dtype=torch.float32, device=device)
                for values in (ratings.shares, affect, weights)
            )
        )

    def __getitem__(self, rows: list[int]) -> Targets:
        """Of some of the pictures."""
        return Targets(self.shares[rows], self.affect[rows], self.weights[rows])

    def mixed(self, other: Tensor, share: float) -> Targets:
        """Each with ``1 - share`` of another's (Zhang et al.: mixup, ICLR 2018)."""
        return Targets(
            *(v.lerp(v[other], 1 - share) for v in (self.shares, self.affect, self.weights))
        )


class Objective(nn.Module):
    """The loss of some views.

    Args:
        network: what learns.
        config: all hyper-parameters.
        spread: [2] standard deviation of valence and arousal over all pictures.
        stages: the frozen ones.

    Attributes:
        leaves_stages_out: whether what comes in are the maps after the frozen stages.
    """

    def __init__(
        self, network: EmotionNetwork, config: Config, spread: Floats, stages: FrozenStages
    ) -> None:
        super().__init__()
        self.network = network
        self._config, self._stages = config, stages
        self.leaves_stages_out = False
        self._spread: Tensor
        self.register_buffer("_spread", torch.tensor(spread, dtype=torch.float32))

    def forward(self, views: Tensor, targets: Targets, size: int) -> Tensor:
        """The part that these views have in the mean loss of a batch of ``size``.

        Args:
            views: [N, 3, S, S] normalised, or maps after the frozen stages.
            targets: of the same pictures.
            size: pictures in the whole batch.
        """
        network, config = self.network, self._config
        if self.leaves_stages_out:
            with self._stages.left_out():
                features = network.pool(network.feature_maps(views))
        else:
            features = network.pool(network.feature_maps(views))
        with torch.autocast(views.device.type, enabled=False):
            features = nn.functional.dropout(
                features.float(), config.finetune.dropout, training=config.finetune.dropout > 0
            )
            output = network.heads(features)
            losses = emotion_loss(output.logits, targets.shares, config.labels, config.loss)
            affect_losses = affect_loss(output.affect, targets.affect, self._spread)
            losses = losses + config.loss.affect_weight * affect_losses
            return (losses * targets.weights).sum() / size


def spread_of(ratings: Ratings) -> Floats:
    """[2] standard deviation of valence and arousal where viewers were asked; 1 where never."""
    known = (scale[~np.isnan(scale)] for scale in (ratings.valence, ratings.arousal))
    return np.array([scale.std() + 1e-6 if len(scale) else 1.0 for scale in known])
