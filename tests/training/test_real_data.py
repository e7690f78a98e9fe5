"""The commands of training/ on Emotion6 itself, with a backbone small enough for a test."""

import os
from pathlib import Path

import pytest

from moodlens.model.checkpoint import METRICS
from moodlens.model.checkpoint_files import read_json
from training import crossvalidate, train
from training.judging.folds import RESULTS

pytestmark = pytest.mark.skipif(
    "MOODLENS_EMOTION6" not in os.environ,
    reason="MOODLENS_EMOTION6 does not name a folder with Emotion6",
)

# Random filters of a small network still tell colours and textures apart.
SMALL = [
    "--backbone", "test_efficientnet", "--pretrained", "none", "--threads", "1",
    "--set", "input_size=48",
    "--set", "heads.l2=[0.3]", "--set", "heads.affect_l2=[1.0]",
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["--data", os.environ["MOODLENS_EMOTION6"], "--cache", "cache"]


def test_even_random_features_beat_the_class_prior(data: list[str]) -> None:
    assert train.main([*data, *SMALL, "--out", "frozen"]) == 0
    assert crossvalidate.main([*data, *SMALL, "--out", "cv", "--folds", "0"]) == 0

    document = read_json(Path("frozen", METRICS))
    assert document["split"]["size"] in (1584, 1980)
    kl = document["metrics"]["kl"]
    prior = document["baselines"]["class_prior"]["metrics"]["kl"]["value"]
    assert kl["low"] < kl["value"] < kl["high"] < prior
    # One of the five folds, learned and judged by itself, agrees with the run's own judging.
    assert read_json(Path("cv", RESULTS))["mean"]["kl"] == pytest.approx(kl["value"], abs=0.06)
