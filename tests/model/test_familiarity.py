"""How like the training pictures a picture is: as fitted, as stored, as answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from moodlens.errors import CheckpointError
from moodlens.model.checkpoint import (
    CONFIG,
    METRICS,
    WEIGHTS,
    load_checkpoint,
    save_checkpoint,
    store_familiarity,
    verify_probe,
)
from moodlens.model.checkpoint_files import file_sha256
from moodlens.model.familiarity import Familiarity, is_part
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from tests.support.tiny_checkpoint import make_ensemble
from training.judging.familiarity_fit import (
    features_of,
    fit_familiarity,
    out_of_fold_distances,
    separation,
)

RNG = np.random.default_rng(0)
FOLDS = np.arange(80) % 5
MODEL = ModelInfo("tiny", "0", "local")


def soft(rng: np.random.Generator) -> Image.Image:
    """Colours that run into each other."""
    corners = Image.fromarray(rng.integers(0, 255, (3, 3, 3), dtype=np.uint8))
    return corners.resize((96, 80), Image.Resampling.BICUBIC)


KNOWN = [soft(RNG) for _ in range(len(FOLDS))]
STRANGE = [
    Image.fromarray(np.where(RNG.random((80, 96, 3)) < 0.5, 0, 255).astype(np.uint8))
    for _ in range(20)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    save_checkpoint(folder, make_ensemble(levels=3), name="pair", training={}, storage=torch.int8)
    (folder / METRICS).write_text(json.dumps({"model_sha256": "", "config_sha256": "", "a": 1}))
    checkpoint = load_checkpoint(folder)
    features = features_of(checkpoint, KNOWN)
    found = out_of_fold_distances(checkpoint, features, FOLDS)
    store_familiarity(folder, fit_familiarity(checkpoint, features, found))
    return folder


def familiarities(folder: Path, pictures: list[Image.Image]) -> list[float]:
    checkpoint = load_checkpoint(folder)
    found = [p.familiarity for p in Predictor(checkpoint, MODEL).predict(pictures)]
    assert all(value is not None for value in found)
    return [value for value in found if value is not None]


def test_what_is_strange_is_told_from_what_is_known(folder: Path) -> None:
    new = familiarities(folder, [soft(RNG) for _ in range(40)])
    strange = familiarities(folder, STRANGE)

    assert separation(-np.array(new), -np.array(strange)) > 0.95
    assert 0.2 < np.median(new) < 0.8  # the share of the known that is less familiar
    assert max(strange) < 0.05


def test_it_lies_beside_the_weights_and_changes_no_other_answer(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    verify_probe(checkpoint)
    assert checkpoint.weights_sha256 == file_sha256(folder / WEIGHTS)

    metrics = json.loads((folder / METRICS).read_text())
    assert metrics == {
        "model_sha256": checkpoint.weights_sha256,
        "config_sha256": file_sha256(folder / CONFIG),
        "a": 1,
    }
    (prediction,) = Predictor(checkpoint, MODEL).predict(STRANGE[:1])
    assert prediction.is_unfamiliar
    assert prediction.to_json()["prediction"]["familiarity"] == round(
        prediction.familiarity or 0, 4
    )


def test_nothing_of_a_single_picture_is_kept(folder: Path) -> None:
    """No matrix has a row for each of the pictures."""
    parts = {k: v for k, v in load_file(folder / WEIGHTS).items() if is_part(k)}
    assert all(len(FOLDS) not in tensor.shape for tensor in parts.values())


def test_the_measure_itself_is_stored_to_the_digit(folder: Path) -> None:
    familiarity = load_checkpoint(folder).familiarity
    assert familiarity is not None
    tensors = familiarity.to_tensors()
    again = Familiarity.from_tensors(tensors, familiarity.size)
    features = RNG.normal(size=(3, familiarity.size))
    np.testing.assert_allclose(again(features), familiarity(features))
    for name, tensor in again.to_tensors().items():
        assert torch.equal(tensor, tensors[name])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("familiarity.quantiles"),
        lambda t: t.pop("familiarity.0.mean"),
        lambda t: t.update({"familiarity.more": torch.ones(1)}),
        lambda t: t["familiarity.centres"].fill_(torch.nan),
        lambda t: t["familiarity.spreads"].zero_(),
        lambda t: t["familiarity.1.variances"].neg_(),
        lambda t: t.update({"familiarity.0.directions": t["familiarity.0.directions"][:, 1:]}),
        lambda t: t["familiarity.starts"].add_(10**6),
        lambda t: t.update({"familiarity.quantiles": t["familiarity.quantiles"].flip(0)}),
        lambda t: t.update({"familiarity.starts": t["familiarity.starts"][:0]}),
        lambda t: t.update({"familiarity.starts": torch.tensor(0)}),
    ],
)
def test_a_wrong_measure_is_refused(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], Any]
) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, tmp_path / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text())
    config["weights_sha256"] = file_sha256(tmp_path / WEIGHTS)
    (tmp_path / CONFIG).write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="familiarity does not fit"):
        load_checkpoint(tmp_path)
