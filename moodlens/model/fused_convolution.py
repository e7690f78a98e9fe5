"""A convolution that applies its batch norm and its activation by itself, by oneDNN."""

from __future__ import annotations

from typing import cast

import torch
from timm.layers import BatchNormAct2d, Conv2dSame
from torch import Tensor, nn

_ACTIVATIONS: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.Identity: ("none", []),
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
    nn.SiLU: ("swish", []),
}


class FusedConvolution(nn.Module):
    """A convolution, the batch norm after it and that norm's activation, for one input size.

    Args:
        conv: without bias.
        norm: its batch norm, in eval mode.
        shape: [1, C, H, W] of the input.
        dtype: of weights and output.
    """

    def __init__(
        self,
        conv: nn.Conv2d,
        norm: nn.BatchNorm2d,
        shape: torch.Size,
        dtype: torch.dtype,
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

    def activate(self, activation: nn.Module) -> bool:
        """Take over the activation that follows; False where there is one already or it cannot."""
        known = _ACTIVATIONS.get(type(activation))
        if known is None or self._activation != _ACTIVATIONS[nn.Identity]:
            return False
        self._activation = known
        return True

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x.to(self._dtype), self._weight, self._bias, *self._options, *self._activation, ""
        )
        return output

    def added_to(self, other: Tensor, x: Tensor) -> Tensor:
        """The convolution of x, added to another tensor of its shape; then the activation.

        The sum is taken while the result is in the cache, and stands in ``other`` afterwards.
        """
        name, scalars = self._activation
        output: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            other.to(self._dtype),
            x.to(self._dtype),
            self._weight,
            self._bias,
            *self._options,
            "add",
            1.0,
            name,
            scalars,
            "",
        )
        return output


def is_fusible(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    """Whether such a pair can become one step."""
    return (
        type(_activation(norm)) in _ACTIVATIONS
        and isinstance(norm.running_mean, Tensor)
        and conv.padding_mode == "zeros"
        and (isinstance(conv, Conv2dSame) or not isinstance(conv.padding, str))
    )


def _activation(norm: nn.BatchNorm2d) -> nn.Module:
    return norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity()


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
