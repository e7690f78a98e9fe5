"""Memory that processes share: decoded pictures go in, nothing is copied or pickled.

The memory belongs to no file. It is gone with the last process that has it open, however that one
ends.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodlens.model.crop import PlainCrop

BATCH = 4
"""Pictures in one forward pass, as the app has it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies in one slot: a batch of crops for each view, and room for the pooled features.

    Attributes:
        views: what the network sees of a picture.
        features: how many features come back for a picture; 0 where nobody wants them.
        slots: how many batches there are.
    """

    views: tuple[PlainCrop, ...]
    features: int
    slots: int

    @property
    def slot_bytes(self) -> int:
        crops = sum(3 * view.input_size**2 for view in self.views)
        return BATCH * (crops + 4 * self.features)


class Slots:
    """The shared memory, seen as arrays.

    Args:
        layout: what lies where.
        descriptor: of the memory; see :func:`new_memory`.
    """

    def __init__(self, layout: Layout, descriptor: int) -> None:
        self.layout = layout
        size = layout.slot_bytes * layout.slots
        if os.fstat(descriptor).st_size < size:
            os.ftruncate(descriptor, size)
        self._memory = mmap.mmap(descriptor, size)

    def crops(self, slot: int) -> Sequence[NDArray[np.uint8]]:
        """For each view [BATCH, S, S, 3]; what is written there is seen everywhere."""
        start = slot * self.layout.slot_bytes
        arrays = []
        for view in self.layout.views:
            shape = (BATCH, view.input_size, view.input_size, 3)
            arrays.append(np.ndarray(shape, np.uint8, self._memory, start))
            start += arrays[-1].nbytes
        return arrays

    def features(self, slot: int) -> NDArray[np.float32]:
        """[BATCH, F], of the slot's pictures."""
        shape = (BATCH, self.layout.features)
        end = (slot + 1) * self.layout.slot_bytes
        return np.ndarray(shape, np.float32, self._memory, end - 4 * BATCH * self.layout.features)


def new_memory() -> int:
    """The descriptor of memory that is still empty, to be handed to other processes."""
    if hasattr(os, "memfd_create"):  # Linux
        return os.memfd_create("moodlens-slots")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
