"""Ratings of named pictures as CSV: what a teacher says, or a network about pictures it never saw.

The columns are ``image_filename``, the seven shares in the order of ``LABELS``, ``valence`` and
``arousal``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodlens.emotions import LABELS, SCALE_RANGE, SCALES
from moodlens.errors import DatasetError
from training.data.ratings import Floats, Ratings

_LARGEST_SHARE = 1e6
"""They are scaled to sum to 1, which the largest numbers there are would not survive."""

COLUMNS = ("image_filename", *LABELS, *SCALES)


def write_ratings(path: Path, names: Sequence[str], ratings: Ratings) -> None:
    """Write the ratings of the named pictures, whole or not at all."""
    table = np.column_stack([ratings.shares, ratings.valence, ratings.arousal])
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, row in zip(names, table.tolist(), strict=True):
            writer.writerow([name, *(f"{value:.6f}" for value in row)])
    partial.replace(path)


def read_ratings(path: Path, names: Sequence[str]) -> Ratings:
    """Read the ratings of the named pictures, in that order; others in the file are passed over.

    Raises:
        DatasetError: the file cannot be read, has other columns, a value that cannot be, a picture
            twice, or lacks one of the names.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DatasetError(f"The ratings file {path.name} cannot be read as CSV.") from None
    if tuple(header) != COLUMNS:
        raise DatasetError(f"The ratings file {path.name} must have the columns {list(COLUMNS)}.")
    by_name = {row[0]: row[1:] for row in rows if row}
    if len(by_name) != sum(map(bool, rows)):
        raise DatasetError(f"The ratings file {path.name} has a picture twice.")
    absent = [name for name in names if name not in by_name]
    if absent:
        raise DatasetError(
            f"The ratings file {path.name} lacks {len(absent)} of {len(names)} pictures, "
            f"{absent[0]} among them."
        )
    try:
        table = np.array([[float(field) for field in by_name[name]] for name in names])
        shares, valence, arousal = np.split(table, [len(LABELS), len(LABELS) + 1], axis=1)
        if not (shares <= _LARGEST_SHARE).all() or not _are_near_scale(valence, arousal):
            raise ValueError
        return Ratings.of(shares, valence.squeeze(axis=1), arousal.squeeze(axis=1))
    except ValueError:
        raise DatasetError(f"The ratings file {path.name} has a value that cannot be.") from None


def _are_near_scale(*values: Floats) -> bool:
    """Nearly on it: a linear head may say somewhat more than the most that a viewer can."""
    least, most = SCALE_RANGE
    return all(bool((np.abs(value - (least + most) / 2) <= most - least).all()) for value in values)
