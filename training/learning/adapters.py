"""What lets a large backbone be tuned on a small card: adapters, and activations computed twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from moodlens.errors import SettingsError
from moodlens.model.network import EmotionNetwork

_ALPHA = 2  # times the rank, as is usual


@dataclass(frozen=True, slots=True, eq=False)
class Adapters:
    """Low-rank adapters in a network's backbone.

    Hu et al.: LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022. The backbone's own
    weights stay as they are; the product of two small matrices is learned beside each.

    Attributes:
        tuner: peft's, which holds the backbone.
    """

    tuner: Any

    @classmethod
    def put_into(cls, network: EmotionNetwork, rank: int, seed: int) -> Adapters:
        """Add adapters to every linear layer of the backbone; only they and the heads learn.

        Args:
            network: changed in place.
            rank: of the adapters.
            seed: of their first values, of which one factor is 0, so that nothing changes yet.

        Raises:
            SettingsError: peft is not installed, or the backbone has no linear layer.
        """
        try:
            from peft import LoraConfig, LoraModel
        except ImportError:
            raise SettingsError("finetune.lora needs a package: `pip install peft`.") from None
        targets = [
            name
            for name, module in network.backbone.named_modules()
            if isinstance(module, nn.Linear)
        ]
        if not targets:
            raise SettingsError(
                f"finetune.lora needs linear layers, which {network.config.backbone} has not."
            )
        torch.manual_seed(seed)
        lora = LoraConfig(r=rank, lora_alpha=_ALPHA * rank, target_modules=targets)
        return cls(LoraModel(network.backbone, lora, "default"))

    def merge_into(self, network: EmotionNetwork) -> None:
        """Add what was learned to the backbone's own weights, and take the adapters out."""
        network.backbone = self.tuner.merge_and_unload()
        network.backbone.requires_grad_(True)


def checkpoint_gradients(network: EmotionNetwork) -> None:
    """Compute activations again on the way back instead of keeping them.

    Chen et al.: Training Deep Nets with Sublinear Memory Cost, 2016.

    Raises:
        SettingsError: the backbone cannot.
    """
    try:
        network.backbone.set_grad_checkpointing(True)
    except (AttributeError, AssertionError):
        raise SettingsError(
            f"{network.config.backbone} cannot do with finetune.gradient_checkpointing."
        ) from None
