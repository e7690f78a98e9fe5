"""Batches: the same whatever the number of processes, and no more memory for more pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.benchmarks.loading_memory import peak_of_epoch, small_pictures
from tests.support.emotion6_factory import make_emotion6
from training.data.emotion6 import Emotion6
from training.learning.augment import train_preset
from training.learning.backbones import pretrained_network
from training.learning.config import load_config
from training.learning.decoding import DecodedPictures
from training.learning.loading import Order, Views, load

CONFIG = load_config(
    overrides={"backbone": "test_efficientnet", "pretrained": "none", "input_size": 64}
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Emotion6:
    return Emotion6.read(make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=3))


def views_of(pictures: Emotion6, *, workers: int, room: int, size: int) -> dict[int, torch.Tensor]:
    """All views of two epochs, by epoch and row."""
    network = pretrained_network(CONFIG)
    found: dict[int, torch.Tensor] = {}
    for rank in range(size):
        order = Order(len(pictures), seed=1, batch_size=5, parts=2, rank=rank, size=size)
        views = Views(
            DecodedPictures(pictures, 64, room),
            train_preset(network.config, CONFIG.augment),
            seed=1,
            numbers=range(len(pictures)),
            kept=None,
        )
        loader = load(views, order, workers=workers, pin=False)
        for epoch in (0, 1):
            order.epoch = epoch
            for batch in loader:
                assert batch.drawn is not None
                for row, view in zip(batch.rows, batch.drawn, strict=True):
                    if row >= 0:
                        key = 100 * epoch + row
                        assert key not in found
                        found[key] = view
    return found


def test_views_hang_on_seed_epoch_and_picture_alone(pictures: Emotion6) -> None:
    alone = views_of(pictures, workers=0, room=10**9, size=1)
    assert len(alone) == 2 * len(pictures)
    assert not torch.equal(alone[0], alone[100])
    for options in (
        {"workers": 2, "room": 0, "size": 1},
        {"workers": 0, "room": 20_000, "size": 3},
    ):
        other = views_of(pictures, **options)
        assert other.keys() == alone.keys()
        assert all(torch.equal(view, alone[key]) for key, view in other.items())


def test_every_process_takes_part_in_every_step() -> None:
    orders = [Order(7, seed=0, batch_size=3, parts=2, rank=r, size=4) for r in range(4)]
    steps = [list(order) for order in orders]
    assert {len(batches) for batches in steps} == {len(orders[0])} == {6}
    assert orders[0].sizes() == [3, 3, 1]
    rows = [row for batches in steps for batch in batches for _, row in batch if row >= 0]
    assert sorted(rows) == list(range(7))
    assert all(batch for batches in steps for batch in batches)


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """Ten times as many, none of which would fit with all others into what may be kept."""
    peaks = []
    for count in (300, 3_000):
        data = small_pictures(count, tmp_path / f"{count}")
        peaks.append(peak_of_epoch(data, tmp_path / f"run{count}"))
    assert peaks[1] < 1.1 * peaks[0], peaks
