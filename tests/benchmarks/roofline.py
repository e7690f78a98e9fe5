"""How far the forward pass is from what this processor can do.

The limit is the network's own number of operations at the rate of a large matrix product, which is
what a processor does best. Depthwise convolutions move as much memory as they compute, so no
EfficientNet gets near it; what matters is what is left to gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from moodlens.model.checkpoint import Checkpoint
from moodlens.model.ensemble import members_of
from moodlens.model.fused import fused_network
from moodlens.model.network import EmotionNetwork
from tests.benchmarks.timing import Work, medians

_SIDE = 1536
_FORMS = {"plain, float32": None, "fused, float32": torch.float32, "fused, mixed": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Roofline:
    """Attributes:
    operations: of one forward pass, multiplications and additions counted apart.
    rates: by dtype, operations per second of a matrix product.
    forwards: by form of the network, milliseconds for one picture.
    """

    operations: int
    rates: dict[str, float]
    forwards: dict[str, float]

    def __str__(self) -> str:
        lines = [f"one forward pass: {self.operations / 1e9:.2f} GFLOP"]
        for name, rate in self.rates.items():
            limit = 1000 * self.operations / rate
            lines.append(f"matrix product, {name}: {rate / 1e9:.0f} GFLOP/s -> {limit:.2f} ms")
        for name, milliseconds in self.forwards.items():
            rate = self.rates["bfloat16" if "mixed" in name else "float32"]
            share = 1000 * self.operations / rate / milliseconds
            lines.append(f"forward, {name}: {milliseconds:.1f} ms, {share:.0%} of the limit")
        return "\n".join(lines)


@torch.inference_mode()
def measure_roofline(checkpoint: Checkpoint, *, rounds: int = 30) -> Roofline:
    """Count the operations, then time products and forward passes in turn."""
    members = members_of(checkpoint.network.eval().to(memory_format=torch.channels_last))
    sides = [member.config.input_size for member in members]
    pixels = [
        torch.randn(1, 3, side, side).contiguous(memory_format=torch.channels_last)
        for side in sides
    ]
    with FlopCounterMode(display=False) as counter:
        _forward(members, pixels)
    products = {
        str(dtype).removeprefix("torch."): torch.randn(_SIDE, _SIDE).to(dtype)
        for dtype in (torch.float32, torch.bfloat16)
    }
    works: dict[str, Work] = {name: _product(matrix) for name, matrix in products.items()}
    for name, dtype in _FORMS.items():
        forms = members if dtype is None else [fused_network(m, dtype=dtype) for m in members]
        works[name] = partial(_forward, forms, pixels)
    times = medians(works, rounds=rounds)
    return Roofline(
        operations=counter.get_total_flops(),
        rates={name: 2 * _SIDE**3 / times[name] * 1000 for name in products},
        forwards={name: times[name] for name in _FORMS},
    )


def _forward(networks: Sequence[EmotionNetwork], pixels: Sequence[Tensor]) -> None:
    for network, batch in zip(networks, pixels, strict=True):
        network.feature_maps(batch)


def _product(matrix: Tensor) -> Work:
    return lambda: matrix @ matrix
