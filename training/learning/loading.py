"""Batches of freshly augmented views, drawn by as many processes as there is work for.

What a view shows hangs on the seed, the epoch and the picture alone, so that neither the number of
these processes nor that of those which learn changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.learning.augment import Preset
from training.learning.frozen_views import KeptViews

Asked = tuple[int, int]
"""A view: its epoch, and its picture's row; ``~row`` for one that only fills a batch."""


class Batch(NamedTuple):
    """Some views.

    Attributes:
        rows: of their pictures, ``~row`` for one that only fills the batch.
        drawn: [N, 3, S, S] uint8, of those rows that nothing is kept of, in their order.
        kept: by row, [h, w, C]: what frozen stages made of the others.
    """

    rows: list[int]
    drawn: Tensor | None
    kept: dict[int, Tensor]

    def pin_memory(self) -> Batch:
        """In memory that a graphics processor can read by itself."""
        drawn = None if self.drawn is None else self.drawn.pin_memory()
        return Batch(self.rows, drawn, {row: maps.pin_memory() for row, maps in self.kept.items()})


class Order:
    """Which views each batch of an epoch holds, for one of the processes that learn.

    Args:
        count: of pictures.
        seed: of the order.
        batch_size: of all processes together.
        parts: that a batch is computed in, one after the other.
        rank: of this process.
        size: how many processes there are.

    Attributes:
        epoch: whose order is given next.
    """

    def __init__(
        self, count: int, *, seed: int, batch_size: int, parts: int, rank: int, size: int
    ) -> None:
        self._count, self._seed, self._batch_size = count, seed, batch_size
        self._parts, self._rank, self._size = parts, rank, size
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.sizes()) * self._parts

    def sizes(self) -> list[int]:
        """Pictures in each batch, over all processes."""
        starts = range(0, self._count, self._batch_size)
        return [min(self._batch_size, self._count - start) for start in starts]

    def __iter__(self) -> Iterator[list[Asked]]:
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self._count).tolist()
        for start in range(0, self._count, self._batch_size):
            rows = order[start : start + self._batch_size][self._rank :: self._size]
            for part in range(self._parts):
                # Every process takes part in every step, so one without a picture is given one.
                mine = rows[part :: self._parts] or [~order[start]]
                yield [(self.epoch, row) for row in mine]


class Views(Dataset[tuple[int, "Tensor | None", "Tensor | None"]]):
    """The views themselves: a row, and what is drawn of its picture or kept of the view.

    Args:
        pictures: decoded as they are needed.
        preset: how they are augmented.
        seed: of the augmentation.
        numbers: [N] each picture's number in the whole data set.
        kept: what frozen stages made of views, where that is kept.
    """

    def __init__(
        self,
        pictures: Sequence[Image.Image],
        preset: Preset,
        *,
        seed: int,
        numbers: Sequence[int],
        kept: KeptViews | None,
    ) -> None:
        self._pictures, self._preset = pictures, preset
        self._seed, self._numbers, self._kept = seed, numbers, kept

    def __getitem__(self, asked: Asked) -> tuple[int, Tensor | None, Tensor | None]:
        epoch, row = asked
        real = really(row)
        maps = self._kept.read(real, epoch) if self._kept else None
        if maps is not None:
            return row, None, maps
        torch.manual_seed(seed_of(self._seed, epoch, self._numbers[real]))
        return row, self._preset(self._pictures[real]), None


def really(row: int) -> int:
    """The row of a picture, whether it counts or only fills a batch."""
    return row if row >= 0 else ~row


def seed_of(seed: int, epoch: int, number: int) -> int:
    """What the randomness of one thing in one epoch hangs on."""
    return int(np.random.SeedSequence([seed, epoch, number]).generate_state(1)[0])


def load(views: Views, order: Order, *, workers: int, pin: bool) -> DataLoader[Batch]:
    """The batches of an epoch, each time it is gone through.

    Args:
        views: to take from.
        order: which of them.
        workers: processes that decode and draw; 0 leaves it to this one.
        pin: for a graphics processor.
    """
    return DataLoader(
        views,  # type: ignore[arg-type]
        batch_sampler=order,
        num_workers=workers,
        collate_fn=_together,
        persistent_workers=workers > 0,
        pin_memory=pin,
        worker_init_fn=_one_thread,
    )


def _together(items: list[tuple[int, Tensor | None, Tensor | None]]) -> Batch:
    drawn = [view for _, view, _ in items if view is not None]
    return Batch(
        [row for row, _, _ in items],
        torch.stack(drawn) if drawn else None,
        {row: maps for row, _, maps in items if maps is not None},
    )


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
