"""What a network runs on: threads of the processor, or a graphics processor."""

from __future__ import annotations

import torch


def use_threads(count: int) -> None:
    """How many threads of the processor one forward pass takes."""
    torch.set_num_threads(count)


def cuda_or_cpu() -> str:
    """The name of the graphics processor where there is one, else that of the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"
