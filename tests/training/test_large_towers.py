"""The recipes of the large towers, all the way from nothing to an answer, one block deep."""

from __future__ import annotations

from pathlib import Path

import pytest

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.predictor import Predictor
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from tests.support.emotion6_factory import make_emotion6
from tests.support.running_app import REPOSITORY
from tests.support.shallow_towers import SHALLOW
from training import crossvalidate, train

EXAMPLES = REPOSITORY / "moodlens" / "examples"
SIDES = {"shallow_clip": "56", "shallow_siglip": "64"}


@pytest.mark.parametrize("recipe", SHALLOW)
def test_every_recipe_goes_all_the_way(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recipe.endswith("tuned"):
        pytest.importorskip("peft", reason="peft is not installed")
    monkeypatch.chdir(tmp_path)
    data = make_emotion6(tmp_path / "few", per_keyword=6)
    tower = SHALLOW[recipe]
    options = [
        "--data", str(data), "--cache", "cache", "--recipe", recipe, "--threads", "1",
        "--backbone", tower, "--pretrained", "none", "--set", f"input_size={SIDES[tower]}",
    ]  # fmt: skip
    if recipe.endswith("tuned"):
        options += ["--epochs", "1"]
    else:
        options += ["--set", "heads.l2=[0.3,1.0]", "--set", "heads.affect_l2=[1.0]"]
    assert train.main([*options, "--out", "out"]) == 0

    checkpoint = load_checkpoint(Path("out"))
    predictor = Predictor(checkpoint, ModelInfo("x", "y", "local"))
    picture = read_picture((EXAMPLES / "coffee.jpg").read_bytes())
    (explanation,) = predictor.explain([picture])
    assert sum(explanation.prediction.distribution.values()) == pytest.approx(1)
    assert explanation.maps is None  # its pooling is no average over positions


def test_a_tower_teaches_a_light_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = make_emotion6(tmp_path / "few", per_keyword=6)
    common = ["--data", str(data), "--cache", "cache", "--threads", "1", "--pretrained", "none"]
    one = ["--set", "heads.l2=[1.0]", "--set", "heads.affect_l2=[1.0]"]
    tower = ["--recipe", "clip", "--backbone", "shallow_clip", "--set", "input_size=56", *one]
    assert crossvalidate.main([*common, *tower, "--out", "tower"]) == 0

    light = ["--backbone", "test_efficientnet", "--set", "input_size=64", *one, "--epochs", "1"]
    assert train.main([*common, *light, "--teacher", "tower/out_of_fold.csv", "--out", "out"]) == 0
    assert load_checkpoint(Path("out")).training["teachers"] == ["out_of_fold.csv"]
