"""Fine-tuning with frozen batch-norm statistics, at the cost of the convolutions alone.

With its statistics fixed, a batch norm is a scale and a shift per channel, which the convolution
before it can apply: ``conv(x, w) * s + b == conv(x, w * s) + b``. Done inside the graph this gives
the same outputs and the same gradients for the convolution's weights and for the norm's own, while
no activation is read and written once more. Parameters and their names stay as they are.

In bfloat16 the depthwise convolutions are the exception: oneDNN computes their weight gradients,
and the input gradients of strided ones, several times slower than in float32, so these stay in
float32.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from timm.layers import BatchNormAct2d, Conv2dSame
from timm.layers.padding import pad_same
from torch import Tensor, nn
from torch.nn import functional as F

from moodlens.model.fused import convolutions_with_norms
from moodlens.model.network import EmotionNetwork

_TOLERANCE = 1e-3


def freeze_norms(network: EmotionNetwork, *, freeze_depthwise: bool = False) -> int:
    """Prepare a network for fine-tuning: eval mode, norms folded into the convolutions before them.

    Args:
        network: changed in place, its parameters aside.
        freeze_depthwise: keep depthwise filters, and the norms after them, as they are.

    Returns:
        How many norms were folded; 0 where the backbone is not built of convolutions followed by
        batch norms, and then it runs as it is.
    """
    network.eval()
    pairs = list(convolutions_with_norms(network.backbone))
    if freeze_depthwise:
        for conv, norm in pairs:
            if _is_depthwise(conv):
                for parameter in (conv.weight, norm.weight, norm.bias):
                    parameter.requires_grad_(False)
    before = _answer(network)
    for conv, norm in pairs:
        vars(conv)["forward"] = partial(_convolve_and_scale, conv, norm)
        vars(norm)["forward"] = partial(_activate, norm)
    # Held against the largest feature: random networks may have none above 1e-5.
    if (_answer(network) - before).abs().max() > _TOLERANCE * before.abs().max():
        for pair in pairs:  # modules do not run in the order they are listed in
            for module in pair:
                del vars(module)["forward"]
        return 0
    return len(pairs)


def _convolve_and_scale(conv: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    mean, variance = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    weight = conv.weight * scale[:, None, None, None]
    bias = norm.bias - mean * scale
    padding = conv.padding
    if isinstance(conv, Conv2dSame):
        x = pad_same(x, conv.kernel_size, conv.stride, conv.dilation)
        padding = (0, 0)
    strided = conv.stride[0] > 1
    if _is_depthwise(conv) and (conv.weight.requires_grad or strided):
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            return F.conv2d(x, weight, bias, conv.stride, padding, conv.dilation, conv.groups)
    return F.conv2d(
        x, weight.to(x.dtype), bias.to(x.dtype), conv.stride, padding, conv.dilation, conv.groups
    )


def _activate(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return norm.act(norm.drop(x)) if isinstance(norm, BatchNormAct2d) else x


def _is_depthwise(conv: nn.Conv2d) -> bool:
    return conv.groups == conv.in_channels > 1


@torch.no_grad()
def _answer(network: EmotionNetwork) -> Tensor:
    side = network.config.input_size
    pixels = torch.linspace(-1, 1, 3 * side * side).view(1, 3, side, side)
    return network.pool(network.feature_maps(pixels))
