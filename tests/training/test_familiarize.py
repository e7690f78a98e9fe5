"""The command that gives a checkpoint its familiarity."""

from pathlib import Path

import pytest

from moodlens.model.checkpoint import load_checkpoint, verify_probe
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from tests.support.emotion6_factory import make_emotion6
from tests.support.tiny_checkpoint import make_checkpoint
from training import familiarize
from training.data.emotion6 import Emotion6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=6)


@pytest.mark.parametrize("judged_by", [False, True])
def test_a_checkpoint_becomes_familiar_with_its_pictures(
    data: Path, tmp_path: Path, judged_by: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_checkpoint(tmp_path / "own")
    for number in (0, 3):  # the others are not finished
        make_checkpoint(tmp_path / "cv" / f"fold{number}", seed=number)
    more = ["--judged-by", str(tmp_path / "cv")] if judged_by else []
    command = ["--data", str(data), "--checkpoint", str(folder), "--threads", "1", *more]
    assert familiarize.main(command) == 0
    said = capsys.readouterr().out
    dataset = Emotion6.read(data)
    assert (f"{len(dataset)} of them out of fold" in said) is not judged_by

    checkpoint = load_checkpoint(folder)
    verify_probe(checkpoint)
    predictor = Predictor(checkpoint, ModelInfo("", "", "local"))
    predictions = predictor.predict([dataset.picture(i) for i in range(10)])
    assert all(0 <= (prediction.familiarity or 0) <= 1 for prediction in predictions)


def test_a_folder_that_is_no_checkpoint_is_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert familiarize.main(["--data", str(data), "--checkpoint", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "The checkpoint has no config.json.\n"
