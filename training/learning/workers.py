"""Several processes that train as one.

Started by ``torchrun`` or ``accelerate launch``, each process takes its part of every batch and of
the frozen features; the sums of their gradients are the gradients one process would have.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes of this run.

    Attributes:
        rank: the number of this one.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> Workers:
        """Meet the other processes that the launcher started; alone where there is no launcher."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("gloo")
        return cls(dist.get_rank(), size)

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return self.rank == 0

    def part(self, items: list[int]) -> list[int]:
        """This process's share of a batch: every ``size``-th item."""
        return items[self.rank :: self.size]

    def wait(self) -> None:
        """Until all processes have come this far."""
        if self.size > 1:
            dist.barrier()

    def sum(self, value: float) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return float(total)

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its sum over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view(parameter.shape).clone(memory_format=torch.preserve_format)
