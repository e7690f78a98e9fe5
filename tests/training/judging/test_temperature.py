"""One number that makes a network sound as sure as it may."""

import numpy as np
import pytest
import torch

from tests.support.tiny_checkpoint import make_network
from training.data.ratings import Ratings
from training.judging.temperature import apply_temperature, fit_temperature

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(400, 7))


def rated(logits: np.ndarray) -> Ratings:
    powers = np.exp(logits)
    middle = np.full(len(logits), 5.0)
    return Ratings.of(powers / powers.sum(axis=1, keepdims=True), middle, middle)


@pytest.mark.parametrize("temperature", [0.6, 0.9, 1.0, 1.7])
def test_the_temperature_is_found_again(temperature: float) -> None:
    assert fit_temperature(rated(temperature * LOGITS), rated(LOGITS)) == pytest.approx(
        temperature, abs=1e-3
    )


def test_it_stays_within_reason() -> None:
    assert fit_temperature(rated(9 * LOGITS), rated(LOGITS)) == pytest.approx(2, abs=1e-3)
    assert fit_temperature(rated(LOGITS / 9), rated(LOGITS)) == pytest.approx(0.5, abs=1e-3)


@torch.inference_mode()
def test_logits_are_divided_and_nothing_else() -> None:
    network, pixels = make_network(), torch.rand(2, 3, 64, 64)
    before = network(pixels)
    apply_temperature(network, 0.8)
    after = network(pixels)

    torch.testing.assert_close(after.logits, before.logits / 0.8)
    torch.testing.assert_close(after.affect, before.affect)
