"""Viewers' feedback as a source, from what the app's own store writes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from moodlens.errors import DatasetError
from moodlens.feedback import FeedbackStore
from moodlens.prediction import ModelInfo, Prediction
from tests.support.picture_tables import feedback_record, write_feedback
from training.data.opening import open_data
from training.data.rated_files import Reading
from training.data.viewers import read_viewers

PREDICTION = Prediction.from_shares(
    [0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1], valence=5, arousal=5, model=ModelInfo("x", "0", "bundled")
)


def test_answers_about_a_picture_are_pooled(tmp_path: Path) -> None:
    """Through the app's own store, by several processes."""
    for _ in range(2):
        store = FeedbackStore(tmp_path, salt="s")
        for felt in ({"fear": 1.0}, {"fear": 1.0, "sadness": 1.0}):
            picture = Image.new("RGB", (64, 48), "navy")
            store.add(felt, PREDICTION, way="click", sha256=b"a" * 32, picture=picture)
        store.add({"joy": 1.0}, PREDICTION, way="click", sha256=b"b" * 32)  # not kept

    alone = read_viewers(tmp_path, Reading(prior=0))
    assert len(alone) == 1
    assert alone.votes.tolist() == [4]
    assert alone.ratings.shares[0] == pytest.approx([0, 0, 0.75, 0, 0.25, 0, 0])
    assert np.isnan(alone.ratings.valence).all()
    assert alone.picture(0).size == (64, 48)

    beside = read_viewers(tmp_path, Reading(prior=4))
    expected = (alone.ratings.shares[0] + [0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]) / 2
    assert beside.ratings.shares[0] == pytest.approx(expected, abs=1e-4)
    assert beside.votes.tolist() == [4]


def test_the_copy_on_the_hub_is_read_alike(tmp_path: Path) -> None:
    write_feedback(
        tmp_path, [feedback_record("ab" * 16, "joy"), feedback_record("cd" * 16, "fear")]
    )
    here, there = (open_data([str(path)]) for path in (tmp_path, tmp_path / "records"))
    assert here.ratings.shares.tolist() == there.ratings.shares.tolist()
    assert len(here) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("{torn", "line that is no record"),
        ({"felt": {"joy": 1}}, "without seven shares under felt"),
        ({"predicted": None}, "without seven shares under predicted"),
        ({"picture": ""}, "without its picture's hash"),
        ({"kept": "../../salt"}, "picture name that the app does not give"),
        ({"kept": "pictures/" + "0" * 32 + ".jpg", "picture": "00"}, "missing picture"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, change: object, reason: str) -> None:
    good = feedback_record("ab" * 16, "joy")
    write_feedback(tmp_path, [good])
    path = next(tmp_path.glob("records/*.jsonl"))
    line = change if isinstance(change, str) else json.dumps(good | change)  # type: ignore[operator]
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(DatasetError, match=reason) as caught:
        read_viewers(tmp_path)
    assert f"{path.name} line 2" in caught.value.message
    assert len(read_viewers(tmp_path, Reading("skip"))) == 1


def test_without_kept_pictures_there_is_nothing_to_learn(tmp_path: Path) -> None:
    write_feedback(tmp_path, [feedback_record("ab" * 16, "joy", kept=False)])
    with pytest.raises(DatasetError, match="no picture that a viewer asked to keep"):
        read_viewers(tmp_path)


def test_nothing_in_particular_needs_the_model_beside_it(tmp_path: Path) -> None:
    write_feedback(tmp_path, [feedback_record("ab" * 16, "neutral")])
    with pytest.raises(DatasetError, match="no share for any of the six"):
        read_viewers(tmp_path, Reading(prior=0))
    assert read_viewers(tmp_path).ratings.neutral[0] == pytest.approx(0.525)
