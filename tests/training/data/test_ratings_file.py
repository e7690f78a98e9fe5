from pathlib import Path

import numpy as np
import pytest

from moodlens.errors import DatasetError
from training.data.ratings import Ratings
from training.data.ratings_file import read_ratings, write_ratings

NAMES = ["anger/1.jpg", "joy/2.jpg", "fear/3.jpg"]
HEADER = "image_filename,anger,disgust,fear,joy,sadness,surprise,neutral,valence,arousal\n"
RATINGS = Ratings.of(np.random.default_rng(0).dirichlet(np.ones(7), 3), [2, 5, 8.25], [3, 4, 5])


def test_what_is_written_is_read_in_the_order_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    write_ratings(path, NAMES, RATINGS)
    assert path.read_text().startswith(HEADER)
    assert [p.name for p in tmp_path.iterdir()] == ["ratings.csv"]
    found = read_ratings(path, [NAMES[2], NAMES[0]])
    assert found.shares == pytest.approx(RATINGS.shares[[2, 0]], abs=1e-5)
    assert found.valence.tolist() == [8.25, 2]
    assert found.arousal.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "columns"),
        ("image_filename,anger\n", "columns"),
        (HEADER + "anger/1.jpg,1,0,0,0,0,0,0,5,5\n" * 2, "twice"),
        (HEADER + "joy/1.jpg,1,0,0,0,0,0,0,5,5\n", "lacks 1 of 1 pictures, anger/1.jpg"),
        (HEADER + "anger/1.jpg,1,0,0,0,0,0,0,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,1\n", "cannot be"),
        (HEADER + "anger/1.jpg,1,0,0,0,0,0,0,5,5,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,a,0,0,0,0,0,0,5,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,-1,2,0,0,0,0,0,5,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,nan,2,0,0,0,0,0,5,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,1e308,1e308,0,0,0,0,0,5,5\n", "cannot be"),
        (HEADER + "anger/1.jpg,1,2,0,0,0,0,0,500,5\n", "cannot be"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=match):
        read_ratings(path, ["anger/1.jpg"])


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"ratings\.csv cannot be read") as caught:
        read_ratings(tmp_path / "ratings.csv", NAMES)
    assert str(tmp_path) not in caught.value.message
