"""What a network runs on: threads of the processor, or a graphics processor."""

from __future__ import annotations

import torch

from moodlens.model.ensemble import Network, members_of
from moodlens.model.likeness import example_pixels

GAINING = 8e9
"""Multiply-adds a picture from which ``auto`` takes a graphics processor that is there.

Below, a processor of a few cores answers in well under a tenth of a second, and a graphics
processor spends its time on being handed many small steps; what it gains was not measured. Counted
by :func:`multiply_adds`, the networks known to the training config take 0.4 to 4.5 billion, the
bundled one 0.8; ResNet-152, ConvNeXt-Base and ViT-B/16 take 12 to 18, and ViT-L/14 81.
"""


def use_threads(count: int) -> None:
    """How many threads of the processor one forward pass takes."""
    torch.set_num_threads(count)


def cuda_or_cpu() -> str:
    """The name of the graphics processor where there is one, else that of the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def is_there(device: str) -> bool:
    """Whether this machine, and this build of PyTorch, has a device: ``cpu``, ``cuda``, ``mps``."""
    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()


def suiting_device(network: Network) -> str:
    """Where a network answers soonest: on a graphics processor if there is one and it is large."""
    gpu = next(filter(is_there, ("cuda", "mps")), None)
    return gpu if gpu is not None and multiply_adds(network) >= GAINING else "cpu"


@torch.no_grad()
def multiply_adds(network: Network) -> float:
    """Of one picture's forward pass, counted while it runs; all members of an ensemble together."""
    # Here, since it brings Triton where that is installed: 77 MB, of no use without a GPU.
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        for member in members_of(network):
            member.pool(member.feature_maps(example_pixels(member)))
    return counter.get_total_flops() / 2
