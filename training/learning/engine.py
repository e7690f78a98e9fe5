"""Where learning runs: Accelerate's device, precision and processes.

A device is found, or asked for by name. Started by ``accelerate launch`` or ``torchrun``, each
process takes its part of every batch and of the frozen features; the mean of their gradients is
the gradient that one process would have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState

from moodlens.errors import SettingsError
from training.learning.config import Precision

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")

_IN_ACCELERATE = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """The device, precision and processes of a run.

    Attributes:
        accelerator: Accelerate's own.
    """

    accelerator: Accelerator

    @classmethod
    def start(cls, device: str = "auto", precision: Precision = "fp32") -> Engine:
        """Take the device and meet the other processes that a launcher started.

        Args:
            device: one of ``DEVICES``; ``auto`` takes a graphics processor where there is one.
            precision: of the passes through the backbone.

        Raises:
            SettingsError: there is no such device here, or it cannot compute in that precision.
        """
        _check(device, precision)
        # One process may learn several times, in other precisions: the folds of a test run do.
        AcceleratorState._reset_state()
        accelerator = Accelerator(
            # Or Accelerate would not look for a launcher's other processes on a processor.
            cpu=_on_processor(device),
            mixed_precision=_IN_ACCELERATE[precision],
            dataloader_config=DataLoaderConfiguration(non_blocking=True),
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        if device not in ("auto", accelerator.device.type):
            raise SettingsError(
                f"There is no {device} device to learn on here; {accelerator.device.type} is."
            )
        return cls(accelerator)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.accelerator.device
        return device

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return int(self.accelerator.num_processes)

    def part(self, items: list[int]) -> list[int]:
        """This process's share: every ``size``-th item."""
        return items[self.accelerator.process_index :: self.size]

    def wait(self) -> None:
        """Until all processes have come this far."""
        self.accelerator.wait_for_everyone()

    def sum(self, value: torch.Tensor) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return float(value)
        return float(self.accelerator.reduce(value.detach(), reduction="sum"))


_IS_THERE: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "xpu": torch.xpu.is_available,
}


def _on_processor(device: str) -> bool:
    return device == "cpu" or not any(is_there() for is_there in _IS_THERE.values())


def _check(device: str, precision: Precision) -> None:
    if device not in DEVICES:
        raise SettingsError(f"There is no device {device!r}. Choose from: {', '.join(DEVICES)}.")
    if device in _IS_THERE and not _IS_THERE[device]():
        raise SettingsError(f"There is no {device} device to learn on here.")
    if precision == "fp16" and _on_processor(device):
        raise SettingsError("fp16 needs a graphics processor; bf16 and fp32 run everywhere.")
