from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from moodlens.emotions import EMOTIONS
from moodlens.errors import DatasetError
from training.data import split as split_module
from training.data.emotion6 import Emotion6
from training.data.problems import Problem
from training.data.ratings import Ratings
from training.data.split import (
    FOLD_NAMES,
    SPLIT_NAMES,
    load_split,
    make_folds,
    make_reference_split,
    overlap_with_reference_val,
    reference_split_agrees,
    reference_val_names,
)

FOLDS_FILE = Path(split_module.__file__).parents[1] / "splits" / "folds.csv"
FOLD_OF = {
    name: int(fold)
    for name, fold in (line.split(",") for line in FOLDS_FILE.read_text().splitlines()[1:])
}


def _dataset(names: list[str], skipped: tuple[Problem, ...] = ()) -> Emotion6:
    """Rows without pictures: splits only look at names and shares."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(7) * 0.5, len(names)) + 1e-6
    ratings = Ratings.of(shares, np.full(len(names), 5.0), np.full(len(names), 5.0))
    return Emotion6(names, [Path(name) for name in names], ratings, skipped)


@pytest.fixture(scope="module")
def complete() -> Emotion6:
    names = [*FOLD_OF, *reference_val_names()]
    return _dataset(sorted(names, key=lambda name: (int(name.split("/")[1][:-4]), name)))


def test_the_lists_share_emotion6_out() -> None:
    assert len(reference_val_names()) == 396
    assert len(FOLD_OF) == 1584
    assert not reference_val_names() & FOLD_OF.keys()
    assert {name.split("/")[0] for name in reference_val_names()} == set(EMOTIONS)


@pytest.mark.parametrize(
    ("name", "size"),
    [("all", 1980), ("reference_val", 396), ("reference_train", 1584), ("fold0", 317),
     ("fold4", 316), ("without_fold0", 1267), ("without_fold4", 1268)],
)  # fmt: skip
def test_sizes_on_the_complete_data_set(complete: Emotion6, name: str, size: int) -> None:
    split = load_split(name, complete)
    assert len(split) == size
    assert str(split) == f"{name}: {size} pictures"
    assert split.indices.tolist() == sorted(set(split.indices.tolist()))


def test_every_name_can_be_loaded_and_complements_fit(complete: Emotion6) -> None:
    loaded = {name: set(load_split(name, complete).indices.tolist()) for name in SPLIT_NAMES}
    train = loaded["reference_train"]
    assert train | loaded["reference_val"] == loaded["all"]
    assert not train & loaded["reference_val"]
    for fold in FOLD_NAMES:
        # The pictures of reference_val are in no fold, nor in what is left without one.
        assert loaded[fold] | loaded[f"without_{fold}"] == train
        assert not loaded[fold] & loaded[f"without_{fold}"]


def test_folds_are_the_published_ones(complete: Emotion6) -> None:
    for number, fold in enumerate(FOLD_NAMES):
        for index in load_split(fold, complete).indices:
            assert FOLD_OF[complete.names[index]] == number


def test_published_folds_hold_when_pictures_are_broken() -> None:
    broken = next(name for name, fold in FOLD_OF.items() if fold == 2)
    dataset = _dataset(
        [name for name in FOLD_OF if name != broken], (Problem("missing picture", broken),)
    )
    split = load_split("fold2", dataset)
    assert len(split) == 316
    assert all(FOLD_OF[dataset.names[index]] == 2 for index in split.indices)


def test_other_data_is_dealt_anew() -> None:
    dataset = _dataset([f"joy/{n}.jpg" for n in range(1, 61)])
    folds = [load_split(fold, dataset) for fold in FOLD_NAMES]
    assert sorted(i for fold in folds for i in fold.indices) == list(range(60))
    assert {len(fold) for fold in folds} == {12}
    again = [load_split(fold, dataset) for fold in FOLD_NAMES]
    assert all(np.array_equal(a.indices, b.indices) for a, b in zip(folds, again, strict=True))


def test_folds_are_stratified() -> None:
    classes = np.repeat([0, 3], [20, 40])
    fold_of = make_folds(classes)
    for number in range(5):
        assert np.bincount(classes[fold_of == number]).tolist() == [4, 0, 0, 8]


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 0, 0, 0]])
def test_too_few_pictures_for_folds(classes: list[int]) -> None:
    with pytest.raises(DatasetError, match="too few"):
        make_folds(classes)


def test_names_that_are_not_here_are_counted() -> None:
    listed = sorted(reference_val_names())
    split = load_split("reference_val", _dataset([*listed[:390], "joy/9999.jpg"]))
    assert len(split) == 390
    assert split.absent == tuple(listed[390:])
    assert str(split) == "reference_val: 390 pictures (6 of 396 are not here)"


def test_a_split_with_no_picture_here_is_refused() -> None:
    with pytest.raises(DatasetError, match="none of the pictures of the split 'reference_val'"):
        load_split("reference_val", _dataset(["joy/9999.jpg"]))


def test_an_unknown_split_names_the_choices() -> None:
    with pytest.raises(DatasetError, match=r"no split 'test'.*reference_val.*without_fold4"):
        load_split("test", _dataset(["joy/9999.jpg"]))


def test_training_on_the_references_validation_is_noticed() -> None:
    listed = sorted(reference_val_names())
    assert overlap_with_reference_val(FOLD_OF) == []
    assert overlap_with_reference_val([*FOLD_OF, listed[7], listed[3]]) == [listed[3], listed[7]]


def test_the_references_way_to_split() -> None:
    rng = np.random.default_rng(1)
    six = rng.dirichlet(np.ones(6), 200).round(2)
    six[:40, 4] = six[:40].max(axis=1)  # ties, which the first emotion wins
    train, val = make_reference_split(six)
    assert sorted([*train, *val]) == list(range(200))
    assert len(val) == 40
    first = [list(row).index(max(row)) for row in six.astype(np.float32).tolist()]
    expected = train_test_split(range(200), test_size=0.2, stratify=first, random_state=42)[1]
    assert val.tolist() == sorted(expected)


def test_the_references_split_is_only_checked_where_it_can_be(complete: Emotion6) -> None:
    assert reference_split_agrees(complete.subset(range(1979))) is None
    # The names are right but the shares are made up: whoever splits by these gets another split.
    assert reference_split_agrees(complete) is False
    _, val = make_reference_split(complete.ratings.raw_six)
    listed, others = sorted(reference_val_names()), sorted(FOLD_OF)
    names = [listed.pop() if i in set(val.tolist()) else others.pop() for i in range(1980)]
    agreeing = Emotion6(names, complete.paths, complete.ratings)
    assert reference_split_agrees(agreeing) is True
