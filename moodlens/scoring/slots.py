"""Memory that processes share: decoded pictures go in, nothing is copied or pickled.

The memory belongs to no file. It is gone with the last process that has it open, however that one
ends.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BATCH = 4
"""Pictures in one forward pass, as the app has it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies in one slot: a batch of pictures, and room for the pooled features.

    Attributes:
        side: short side that no picture exceeds, in pixels; the other has at most one more.
        features: how many features come back for a picture; 0 where nobody wants them.
        slots: how many batches there are.
    """

    side: int
    features: int
    slots: int

    @property
    def picture_bytes(self) -> int:
        return -(-3 * self.side * (self.side + 1) // 8) * 8

    @property
    def slot_bytes(self) -> int:
        return BATCH * (self.picture_bytes + 4 * self.features)


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

    def picture(self, slot: int, place: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """[H, W, 3] of a picture of that size; what is written there is seen everywhere.

        Memory is taken only for what has ever been written to.
        """
        start = slot * self.layout.slot_bytes + place * self.layout.picture_bytes
        return np.ndarray((*size, 3), np.uint8, self._memory, start)

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
