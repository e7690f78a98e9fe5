"""Who is in which split: the reference's validation pictures, and folds for cross-validation.

``training/splits/`` fixes both as lists of file names. ``reference_val.txt`` holds the 396 pictures
that the reference validates on; ``folds.csv`` deals the other 1584 into five folds.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from moodlens.errors import DatasetError
from training.data.emotion6 import FULL_SIZE, is_name
from training.data.source import NO_FOLD, Indices, LabelledPictures

FOLDS = 5
FOLD_NAMES = tuple(f"fold{k}" for k in range(FOLDS))
SPLIT_NAMES = (
    "all",
    "reference_val",
    "reference_train",
    *FOLD_NAMES,
    *(f"without_{name}" for name in FOLD_NAMES),
)
"""``reference_train`` is all but ``reference_val``; ``without_fold0`` the four folds beside it."""

_FOLDER = Path(__file__).parent.parent / "splits"


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A named part of a data set.

    Attributes:
        name: one of ``SPLIT_NAMES``.
        indices: which pictures of the data set, ascending.
        absent: names that belong to the split but not to the data set.
    """

    name: str
    indices: Indices
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def __str__(self) -> str:
        """For people: ``reference_val: 394 pictures (2 of 396 are not here)``."""
        pictures = f"{self.name}: {len(self)} picture{'' if len(self) == 1 else 's'}"
        if not self.absent:
            return pictures
        listed = len(self) + len(self.absent)
        return f"{pictures} ({len(self.absent)} of {listed} are not here)"


def load_split(name: str, dataset: LabelledPictures) -> Split:
    """The part of a data set that a split names.

    A split to learn from never has a picture that looks like one of those it leaves to be judged.

    Args:
        name: one of ``SPLIT_NAMES``.
        dataset: where the pictures are looked up.

    Raises:
        DatasetError: an unknown name, or none of the split's pictures is there.
    """
    if name not in SPLIT_NAMES:
        raise DatasetError(f"There is no split {name!r}. Choose from: {', '.join(SPLIT_NAMES)}.")
    absent: tuple[str, ...] = ()
    if name == "all":
        chosen = np.ones(len(dataset), dtype=bool)
    elif name.startswith("reference"):
        listed = reference_val_names()
        in_val = np.isin(dataset.names, sorted(listed))
        chosen = in_val if name == "reference_val" else _away_from(in_val, dataset)
        if name == "reference_val":
            absent = tuple(sorted(listed.difference(dataset.names)))
    else:
        fold_of, absent = _folds(dataset)
        number = int(name[-1])
        if name.startswith("without"):
            chosen = (fold_of >= 0) & _away_from(fold_of == number, dataset)
        else:
            chosen = fold_of == number
    if not chosen.any():
        raise DatasetError(f"The data set has none of the pictures of the split {name!r}.")
    return Split(name, np.flatnonzero(chosen), absent)


def reference_val_names() -> frozenset[str]:
    """The 396 pictures that the reference validates on."""
    text = (_FOLDER / "reference_val.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def overlap_with_reference_val(names: Iterable[str]) -> list[str]:
    """Those of the names that the reference validates on, sorted.

    A network that was trained on any of them cannot be compared with the reference on its split.
    """
    return sorted(reference_val_names().intersection(names))


def make_reference_split(raw_six: ArrayLike) -> tuple[Indices, Indices]:
    """The reference's own way to split Emotion6.

    The dominant emotion of the six raw float32 shares, the first on ties, stratifies scikit-learn's
    ``train_test_split`` with a test size of 0.2 and seed 42, over all rows in file order.

    Args:
        raw_six: [N, 6] shares as published, in file order.

    Returns:
        Indices for training and for validation, ascending.
    """
    dominant = np.asarray(raw_six, dtype=np.float32).argmax(axis=1)
    train, val = train_test_split(
        np.arange(len(dominant)), test_size=0.2, stratify=dominant, random_state=42
    )
    return np.sort(train), np.sort(val)


def reference_split_agrees(dataset: LabelledPictures) -> bool | None:
    """Whether the split made from the data is the one in ``reference_val.txt``.

    Returns:
        None where the data set is not complete, so that the split cannot be made again.
    """
    rows = [i for i, name in enumerate(dataset.names) if is_name(name)]
    if len(rows) != FULL_SIZE:
        return None
    _, val = make_reference_split(dataset.ratings[rows].raw_six)
    return {dataset.names[rows[i]] for i in val} == reference_val_names()


def make_folds(
    dominant: ArrayLike, *, folds: int = FOLDS, groups: Indices | None = None
) -> Indices:
    """Deal pictures into folds with the same mix of dominant emotions, by seed 0.

    Args:
        dominant: [N] the class to stratify by.
        folds: how many.
        groups: [N] pictures with the same number come into the same fold.

    Returns:
        [N] the number of each picture's fold.

    Raises:
        DatasetError: there are too few pictures for that many folds.
    """
    classes = np.asarray(dominant)
    fold_of = np.empty(len(classes), dtype=np.int64)
    apart = groups is None or len(np.unique(groups)) == len(groups)
    kind = StratifiedKFold if apart else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=0)
    try:
        with warnings.catch_warnings():
            # A rare emotion may have fewer pictures than there are folds; some do without then.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            for number, (_, held_out) in enumerate(
                splitter.split(classes, classes, None if apart else groups)
            ):
                fold_of[held_out] = number
    except ValueError:
        raise DatasetError(f"There are too few pictures for {folds} stratified folds.") from None
    return fold_of


def _away_from(judged: NDArray[np.bool_], dataset: LabelledPictures) -> NDArray[np.bool_]:
    """All pictures but those that are judged, and those that look like one of them."""
    return ~judged & ~np.isin(dataset.groups, dataset.groups[judged])


def _folds(dataset: LabelledPictures) -> tuple[Indices, tuple[str, ...]]:
    """Each picture's fold, -1 for none; and the listed names that were left out as broken.

    The published folds hold where the data set was meant to have every picture of Emotion6 that
    they list, and so does what a table says of its own. The other pictures that are there are dealt
    anew; one that shows the same as another comes into the fold of that one.
    """
    published = _published_folds()
    fold_of = dataset.folds.copy()
    left_out = set(published).difference(dataset.names)
    holds = left_out <= {problem.name for problem in dataset.skipped}
    is_dealt = fold_of != NO_FOLD
    if holds:
        for i, name in enumerate(dataset.names):
            if is_name(name):
                fold_of[i], is_dealt[i] = published.get(name, NO_FOLD), True
    by_group = dict(zip(dataset.groups[is_dealt].tolist(), fold_of[is_dealt].tolist(), strict=True))
    for i in np.flatnonzero(~is_dealt).tolist():
        if (group := int(dataset.groups[i])) in by_group:
            fold_of[i], is_dealt[i] = by_group[group], True
    rest = ~is_dealt
    if rest.any():
        dominant, groups = dataset.ratings.dominant[rest], dataset.groups[rest]
        try:
            fold_of[rest] = make_folds(dominant, groups=groups)
        except DatasetError:
            if rest.all():
                raise
            # A handful beside a data set that has folds: one after the other, twins together.
            fold_of[rest] = np.unique(groups, return_inverse=True)[1] % FOLDS
    return fold_of, tuple(sorted(left_out)) if holds else ()


@cache
def _published_folds() -> dict[str, int]:
    with (_FOLDER / "folds.csv").open(encoding="utf-8", newline="") as file:
        return {row["image_filename"]: int(row["fold"]) for row in csv.DictReader(file)}
