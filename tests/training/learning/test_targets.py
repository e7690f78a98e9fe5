from pathlib import Path

import numpy as np
import pytest

from moodlens.errors import DatasetError, SettingsError
from tests.support.emotion6_factory import make_emotion6
from training.data.emotion6 import Emotion6
from training.data.ratings import Ratings
from training.data.ratings_file import write_ratings
from training.learning.config import load_config
from training.learning.targets import targets


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Emotion6:
    return Emotion6.read(make_emotion6(tmp_path_factory.mktemp("data"), per_keyword=2))


def teacher(path: Path, dataset: Emotion6, label: int) -> Path:
    shares = np.full((len(dataset), 7), 0.05)
    shares[:, label] = 0.7
    rating = Ratings.of(shares, np.full(len(dataset), 3.0), np.full(len(dataset), 6.0))
    write_ratings(path, dataset.names, rating)
    return path


def test_voters_alone_without_a_teacher(dataset: Emotion6) -> None:
    assert targets(dataset, [], load_config().distill) is dataset.ratings


def test_teachers_and_voters_are_mixed(dataset: Emotion6, tmp_path: Path) -> None:
    first = teacher(tmp_path / "a.csv", dataset, 0)
    second = teacher(tmp_path / "b.csv", dataset, 3)
    config = load_config(overrides={"distill.weight": 0.6, "distill.shares": [3, 1]})
    mixed = targets(dataset, [first, second], config.distill)

    said = 0.45 * np.eye(7)[0] * 0.65 + 0.15 * np.eye(7)[3] * 0.65 + 0.6 * 0.05
    np.testing.assert_allclose(mixed.shares, said + 0.4 * dataset.shares, atol=1e-6)
    np.testing.assert_allclose(mixed.valence, 0.6 * 3 + 0.4 * dataset.valence)


def test_a_teacher_that_lacks_pictures_is_refused(dataset: Emotion6, tmp_path: Path) -> None:
    path = teacher(tmp_path / "a.csv", dataset.subset(range(5)), 0)
    with pytest.raises(DatasetError, match="lacks 7 of 12 pictures"):
        targets(dataset, [path], load_config().distill)


def test_shares_have_to_match_the_teachers(dataset: Emotion6, tmp_path: Path) -> None:
    path = teacher(tmp_path / "a.csv", dataset, 0)
    config = load_config(overrides={"distill.shares": [1, 2]})
    with pytest.raises(SettingsError, match="2 values for 1 teachers"):
        targets(dataset, [path], config.distill)
