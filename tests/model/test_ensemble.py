"""Networks that answer as one: their mean, their maps, their checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from moodlens.emotions import LABELS
from moodlens.errors import CheckpointError
from moodlens.model.activation_maps import on_one_grid
from moodlens.model.checkpoint import (
    CONFIG,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    verify_probe,
)
from moodlens.model.ensemble import Network, build, members_of
from moodlens.model.network import EmotionNetwork
from moodlens.model.predictor import Explanation, Predictor
from moodlens.prediction import ModelInfo
from tests.support.tiny_checkpoint import make_ensemble

MODEL = ModelInfo("tiny", "0", "local")
RNG = np.random.default_rng(0)
PICTURES = [
    Image.fromarray(RNG.integers(0, 255, (height, width, 3), dtype=np.uint8))
    for width, height in ((90, 64), (64, 90), (500, 80), (1, 1))
]


def explain(network: Any, pictures: list[Image.Image] = PICTURES) -> list[Explanation]:
    return Predictor(Checkpoint(network, "tiny", "", ()), MODEL, plain=True).explain(pictures)


def logits(explanation: Explanation) -> np.ndarray:
    prediction = explanation.prediction
    six = [(1 - prediction.neutral) * share for share in prediction.distribution.values()]
    return np.log([*six, prediction.neutral])


def same_shares(first: np.ndarray, second: np.ndarray) -> None:
    """Equal but for what softmax ignores."""
    np.testing.assert_allclose(first - first.mean(), second - second.mean(), atol=1e-4)


def test_the_answer_is_the_weighted_mean_of_the_members() -> None:
    ensemble = make_ensemble()
    alone = [explain(member) for member in members_of(ensemble)]

    for together, first, second in zip(explain(ensemble), *alone, strict=True):
        same_shares(logits(together), 0.75 * logits(first) + 0.25 * logits(second))
        for scale in ("valence", "arousal"):
            a, b = (getattr(member.prediction, scale) for member in (first, second))
            expected = 0.75 * a + 0.25 * b
            assert getattr(together.prediction, scale) == pytest.approx(expected, abs=1e-4)
        np.testing.assert_array_equal(
            together.features, np.concatenate([first.features, second.features])
        )


@pytest.mark.parametrize("sides", [(64, 96), (64, 64), (96, 64)])
def test_maps_of_different_squares_still_average_to_the_logits(sides: tuple[int, int]) -> None:
    ensemble = make_ensemble(sides=sides)
    bias = sum(
        weight * member.emotion_head.bias.detach().numpy()
        for member, weight in zip(members_of(ensemble), ensemble.config.weights, strict=True)
    )
    for explanation, picture in zip(explain(ensemble), PICTURES, strict=True):
        assert explanation.maps is not None
        side = -(-max(sides) // 32)
        assert explanation.maps.shape == (len(LABELS), side, side)
        same_shares(logits(explanation), explanation.maps.mean(axis=(1, 2)) + bias)
        left, top, right, bottom = explanation.box
        assert min(right - left, bottom - top) == pytest.approx(min(picture.size))


def test_a_smaller_square_adds_nothing_outside() -> None:
    whole, middle = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 2, 2), 3.0)
    placed = on_one_grid([whole, middle], [1.0, 0.5])[0, 0]

    assert placed[1:3, 1:3] == pytest.approx(12.0)
    assert placed.sum() == pytest.approx(4 * 12.0)


def test_one_decode_is_enough_for_every_member() -> None:
    ensemble = make_ensemble()
    networks: list[Network] = [ensemble, *members_of(ensemble)]
    sides = [
        Predictor(Checkpoint(network, "", "", ()), MODEL, plain=True).decode_side
        for network in networks
    ]
    assert sides[0] == max(sides[1:])


@pytest.mark.parametrize("storage", [torch.float32, torch.int8])
def test_what_is_saved_is_loaded(tmp_path: Path, storage: torch.dtype) -> None:
    ensemble = make_ensemble()
    save_checkpoint(tmp_path, ensemble, name="pair", training={}, storage=storage)
    loaded = load_checkpoint(tmp_path)

    verify_probe(loaded)
    assert loaded.config == ensemble.config
    assert loaded.config.backbone == "test_efficientnet + test_efficientnet"
    for name, value in ensemble.state_dict().items():
        if storage == torch.float32 or "emotion_head." in name:
            assert torch.equal(loaded.network.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda n: n.update(weights=[0.5, 0.6]), "sum to 1"),
        (lambda n: n.update(weights=[1.5, -0.5]), "above 0"),
        (lambda n: n.update(weights=["a", "b"]), "above 0"),
        (lambda n: n.update(weights=[1.0]), "one weight for each"),
        (lambda n: n.update(weights=0.5), "must be lists"),
        (lambda n: n.update(members=n["members"][:1], weights=[1.0]), "2 to 8 members"),
        (lambda n: n.update(members=[1, 2]), "wrong type"),
        (lambda n: n.update(members=n["members"] * 5, weights=[0.1] * 10), "2 to 8 members"),
        (lambda n: n["members"][1].update(backbone="resnet51"), "Did you mean"),
        (lambda n: n["members"][1].update(levels=0), "shape"),
        (lambda n: n.pop("weights"), "lacks or adds: weights"),
        (lambda n: n.update(backbone="resnet50"), "lacks or adds: backbone"),
    ],
)
def test_a_wrong_config_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    save_checkpoint(tmp_path, make_ensemble(), name="pair", training={})
    config = json.loads((tmp_path / CONFIG).read_text())
    change(config["network"])
    (tmp_path / CONFIG).write_text(json.dumps(config))

    with pytest.raises(CheckpointError) as caught:
        verify_probe(load_checkpoint(tmp_path))
    assert sentence in caught.value.message


def test_members_may_not_be_giants_together() -> None:
    config = make_ensemble().config
    one = sum(p.numel() for p in members_of(build(config))[0].parameters())
    with pytest.raises(CheckpointError, match="million parameters"):
        build(config, max_parameters=int(1.5 * one))
    assert all(isinstance(member, EmotionNetwork) for member in members_of(build(config)))
