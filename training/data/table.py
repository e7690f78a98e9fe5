"""A table of one's own beside pictures: CSV, JSON Lines or Parquet.

Columns, in any order; others are passed over::

    file       of the picture, within the folder or zip file (or file_name, or image_filename)
    anger, disgust, fear, joy, sadness, surprise, neutral
               votes, or shares that sum to 1; a column that is absent was not offered. Also as
               ``moodlens score`` writes them: six that sum to 1, and neutral beside them
    valence, arousal   on the scale 1..9; empty where nobody was asked
    votes      how many viewers; where shares are votes it is counted
    fold       0..4, empty for whichever

"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.emotions import EMOTIONS, LABELS, SCALE_RANGE, SCALES
from moodlens.errors import DatasetError
from training.data.files import PictureFiles
from training.data.problems import Problem
from training.data.rated_files import USUALLY, RatedFiles, RatedRow, Reading
from training.data.ratings import Floats
from training.data.rows import Row, read_rows
from training.data.source import NO_FOLD

FILE_COLUMNS = ("file", "file_name", "image_filename")
FOLDS = 5

_SUM_TOLERANCE = 0.01
_SIX = len(EMOTIONS)


def read_table(path: Path, files: PictureFiles, reading: Reading = USUALLY) -> RatedFiles:
    """Read and check every row, and decode every picture once at small scale.

    Args:
        path: of the table.
        files: where the pictures lie that it names.
        reading: what to do about what cannot be used, and how votes weigh.

    Raises:
        DatasetError: naming and counting what is wrong, with lines and reasons.
    """
    rows, problems = [], []
    for number, row in read_rows(path):
        if number <= 2 and row is not None and not set(FILE_COLUMNS) & row.keys():
            raise DatasetError(f"The table {path.name} has no column file.")
        try:
            rows.append(_rated(f"line {number}", row))
        except ValueError as error:
            problems.append(Problem(str(error), f"line {number}"))
    if not rows and not problems:
        raise DatasetError(f"The table {path.name} has no rows.")
    return RatedFiles.of(rows, problems, files, source=path.name, reading=reading)


def _rated(line: str, row: Row) -> RatedRow:
    """A row's values.

    Raises:
        ValueError: with what is wrong, for people.
    """
    if row is None:
        raise ValueError("malformed row")
    if str(row.get("problem") or "").strip():
        raise ValueError("row that says itself that it has a problem")
    file = next((row[name] for name in FILE_COLUMNS if row.get(name)), None)
    if not isinstance(file, str):
        raise ValueError("row without a file name")
    given = np.array([_number(row, name, 0.0) for name in LABELS])
    affect = np.array([_number(row, name, math.nan) for name in SCALES])
    low, high = SCALE_RANGE
    if ((affect < low) | (affect > high)).any():
        raise ValueError(f"valence or arousal outside {low:g}..{high:g}")
    shares, counted = _shares(given)
    votes = _number(row, "votes", counted)
    if not (math.isnan(votes) or votes > 0):
        raise ValueError("votes that are not above 0")
    return RatedRow(line, file.strip(), shares, affect, votes, _fold(row))


def _shares(given: Floats) -> tuple[Floats, float]:
    """Seven shares, and how many votes they were counted from; NaN where they were not."""
    total = math.fsum(given)
    six = math.fsum(given[:_SIX])
    if (given < 0).any():
        raise ValueError("negative share")
    if not six:
        raise ValueError("no share for any of the six emotions")
    if abs(total - 1) <= _SUM_TOLERANCE:
        return given / total, math.nan
    neutral = given[_SIX]
    if abs(six - 1) <= _SUM_TOLERANCE and 0 < neutral < 1:
        return np.append(given[:_SIX] / six * (1 - neutral), neutral), math.nan
    if (given == given.round()).all():
        return given / total, total
    raise ValueError("shares that neither sum to 1 nor are whole votes")


def _fold(row: Mapping[str, Any]) -> int:
    fold = _number(row, "fold", NO_FOLD)
    if fold not in (NO_FOLD, *range(FOLDS)):
        raise ValueError(f"fold that is not 0..{FOLDS - 1}")
    return int(fold)


def _number(row: Mapping[str, Any], name: str, default: float) -> float:
    value = row.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return default
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} that is no number")
    return number
