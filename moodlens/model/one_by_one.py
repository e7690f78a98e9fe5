"""The first layers of a batch, for one picture after the other.

There the maps of a single picture fill a core's cache: those of four go to memory and come back for
each layer, which takes longer than the layers do. Further in, a batch shares what is read of the
weights.
"""

from __future__ import annotations

import torch
from timm.models import EfficientNet
from torch import Tensor, nn

_WIDE = 4
"""By how much smaller than the input, a side, the last maps are that are made so."""


class OneByOne(nn.Sequential):
    """Modules that see one picture of a batch at a time."""

    def forward(self, x: Tensor) -> Tensor:
        steps = super().forward
        return steps(x) if len(x) == 1 else torch.cat([steps(one) for one in x.split(1)])


def run_first_layers_singly(backbone: nn.Module, levels: int) -> None:
    """Change a backbone in place, if it is an EfficientNet or a relative; others stay as they are.

    Args:
        backbone: in eval mode.
        levels: how many of its last stages are read, as ``NetworkConfig.levels`` says.
    """
    if not isinstance(backbone, EfficientNet):
        return
    unread = backbone.feature_info[: len(backbone.feature_info) - levels]
    wide = sum(stage["reduction"] <= _WIDE for stage in unread)
    if not wide:
        return
    blocks = backbone.blocks
    last = backbone.stage_ends[wide - 1]
    backbone.conv_stem = OneByOne(backbone.conv_stem, backbone.bn1, *blocks[:last])
    backbone.bn1 = nn.Identity()
    for index in range(last):
        blocks[index] = nn.Identity()
