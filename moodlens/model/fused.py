"""A network's convolutions as they are served: with norm and activation in the same step.

In eval mode a batch norm is a scale and a shift per channel, so its convolution can apply it:
``conv(x, w) * s + b == conv(x, w * s) + b``. oneDNN then applies the activation too, and a ResNet's
residual sum, while the result is still in the cache, on weights that were brought into its own
layout once. Where the processor multiplies bfloat16 (AMX, AVX512-BF16), all but the first layers
compute in it: those with the largest feature maps stay in float32, since what they round is what
changes the answers.

PyTorch's compiler emits the same operators; called directly they need no compiler, and no seconds
for compiling, where the app runs. What each step brings stands in tests/benchmarks/RESULTS.md.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from moodlens.model.fused_convolution import FusedConvolution, is_fusible
from moodlens.model.fused_resnet import fuse_blocks
from moodlens.model.likeness import TOLERANCE, example_pixels, feature_error
from moodlens.model.network import EmotionNetwork
from moodlens.model.one_by_one import run_first_layers_singly

logger = logging.getLogger(__name__)

_EXACT_STRIDE = 4
"""Layers whose output is at most so many times smaller than the input stay in float32."""


def fused_network(network: EmotionNetwork, *, dtype: torch.dtype | None = None) -> EmotionNetwork:
    """The network in a fast form that shares no weights with it; the network stays as it is.

    Args:
        network: in eval mode, float32, on the CPU.
        dtype: of the layers that may be rounded; by default what is fastest on this processor.

    Returns:
        A network for inputs of ``network.config.input_size`` alone. It is the one given where
        nothing can be fused, or where the fused form would answer differently.
    """
    for attempt in dict.fromkeys((dtype or fastest_dtype(), torch.float32)):
        try:
            fast = _fuse(network, attempt)
        except (RuntimeError, AttributeError) as error:  # another PyTorch, or one without oneDNN
            reason = str(error).partition("\n")[0]
            logger.warning("the network cannot be fused in %s: %s", attempt, reason)
        else:
            if fast is not None:
                return fast
    return network


def fastest_dtype() -> torch.dtype:
    """Bfloat16 where the processor multiplies it; elsewhere it would be slower than float32."""
    questions = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    can = any(getattr(torch.cpu, question, lambda: False)() for question in questions)
    return torch.bfloat16 if can else torch.float32


def convolutions_with_norms(backbone: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions without bias and the batch norms listed right after them.

    Modules need not run in the order they are listed in, so users have to compare answers.
    """
    previous: nn.Module | None = None
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d) and isinstance(previous, nn.Conv2d):
            if previous.bias is None and module.num_features == previous.out_channels:
                yield previous, module
            previous = None
        elif isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            previous = module


@torch.no_grad()
def _fuse(network: EmotionNetwork, dtype: torch.dtype) -> EmotionNetwork | None:
    pairs = [pair for pair in convolutions_with_norms(network.backbone) if is_fusible(*pair)]
    pixels = example_pixels(network)
    shapes = _input_shapes(network, [conv for conv, _ in pairs], pixels)
    pairs = [pair for pair in pairs if pair[0] in shapes]
    if not pairs:
        return None
    names = {module: name for name, module in network.backbone.named_modules()}
    fused = copy.deepcopy(network)
    backbone = fused.backbone.to(dtype, memory_format=torch.channels_last)
    for conv, norm in pairs:
        side = shapes[conv][-1] / conv.stride[-1]
        rounded = dtype if side * _EXACT_STRIDE < pixels.shape[-1] else torch.float32
        backbone.set_submodule(names[conv], FusedConvolution(conv, norm, shapes[conv], rounded))
        backbone.set_submodule(names[norm], nn.Identity())
    fuse_blocks(backbone)
    run_first_layers_singly(backbone, network.config.levels)
    off = feature_error(fused, network, pixels)
    if not off <= TOLERANCE[dtype]:
        logger.warning("the network is not fused in %s: its features would be %.0e off", dtype, off)
        return None
    return fused


def _input_shapes(
    network: EmotionNetwork, convs: list[nn.Conv2d], pixels: Tensor
) -> dict[nn.Module, torch.Size]:
    shapes: dict[nn.Module, torch.Size] = {}

    def note(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        shapes[module] = inputs[0].shape

    hooks = [conv.register_forward_pre_hook(note) for conv in convs]
    try:
        network.feature_maps(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
