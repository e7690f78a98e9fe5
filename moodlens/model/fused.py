"""A network's convolutions as they are served: with norm and activation in the same step.

In eval mode a batch norm is a scale and a shift per channel, so its convolution can apply it:
``conv(x, w) * s + b == conv(x, w * s) + b``. oneDNN then applies the activation too while the
result is still in the cache, on weights that were brought into its own layout once. Where the
processor multiplies bfloat16 (AMX, AVX512-BF16), all but the first layers compute in it: those with
the largest feature maps stay in float32, since what they round is what changes the answers.

PyTorch's compiler emits the same operators; called directly they need no compiler, and no seconds
for compiling, where the app runs. What each step brings stands in tests/benchmarks/RESULTS.md.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any, cast

import torch
from timm.layers import BatchNormAct2d, Conv2dSame
from torch import Tensor, nn

from moodlens.model.likeness import TOLERANCE, example_pixels, feature_error
from moodlens.model.network import EmotionNetwork

logger = logging.getLogger(__name__)

_EXACT_STRIDE = 4
"""Layers whose output is at most so many times smaller than the input stay in float32."""

_ACTIVATIONS: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.Identity: ("none", []),
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
    nn.SiLU: ("swish", []),
}


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


class FusedConvolution(nn.Module):
    """A convolution, the batch norm after it and that norm's activation, for one input size.

    Args:
        conv: without bias.
        norm: its batch norm, in eval mode.
        shape: [1, C, H, W] of the input.
        dtype: of weights and output.
    """

    def __init__(
        self, conv: nn.Conv2d, norm: nn.BatchNorm2d, shape: torch.Size, dtype: torch.dtype
    ) -> None:
        super().__init__()
        mean, variance = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        weight, padding = _with_even_padding(conv, shape)
        weight = (weight * scale[:, None, None, None]).to(dtype).contiguous()
        self._dtype = dtype
        self._bias = (norm.bias - mean * scale).to(dtype)
        self._options = (padding, list(conv.stride), list(conv.dilation), conv.groups)
        self._activation = _ACTIVATIONS[type(_activation(norm))]
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight, *self._options, list(shape)
        )

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x.to(self._dtype), self._weight, self._bias, *self._options, *self._activation, ""
        )
        return output


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
    pairs = [pair for pair in convolutions_with_norms(network.backbone) if _is_fusible(*pair)]
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
    off = feature_error(fused, network, pixels)
    if not off <= TOLERANCE[dtype]:
        logger.warning("the network is not fused in %s: its features would be %.0e off", dtype, off)
        return None
    return fused


def _is_fusible(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    return (
        type(_activation(norm)) in _ACTIVATIONS
        and isinstance(norm.running_mean, Tensor)
        and conv.padding_mode == "zeros"
        and (isinstance(conv, Conv2dSame) or not isinstance(conv.padding, str))
    )


def _activation(norm: nn.BatchNorm2d) -> nn.Module:
    return norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity()


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


def _with_even_padding(conv: nn.Conv2d, shape: torch.Size) -> tuple[Tensor, list[int]]:
    """The weight and the padding that is the same on both sides.

    TensorFlow pads a strided convolution more at the right and at the bottom. Zeros before the
    kernel's first tap do the same without a padded copy of the input.
    """
    if not isinstance(conv, Conv2dSame):
        return conv.weight, [int(side) for side in conv.padding]
    extra, padding = [], []
    for size, kernel, stride, dilation in zip(
        shape[2:], conv.kernel_size, conv.stride, conv.dilation, strict=True
    ):
        total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        after = total - total // 2
        padding.append(after)
        extra.append(-(-(after - total // 2) // dilation))
    return nn.functional.pad(conv.weight, [extra[1], 0, extra[0], 0]), padding
