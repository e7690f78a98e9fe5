"""What viewers of the page said they felt, as the app keeps it: ``moodlens.feedback``.

Only pictures that a viewer asked to keep can teach anything. The votes for one picture are pooled;
with few of them, what the model predicted may stand in as so many votes more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.emotions import EMOTIONS, LABELS
from moodlens.errors import DatasetError
from training.data.files import PictureFolder
from training.data.problems import Problem
from training.data.rated_files import USUALLY, RatedFiles, RatedRow, Reading
from training.data.ratings import Floats
from training.data.rows import Row, json_object
from training.data.source import NO_FOLD

PATTERN = "feedback-*.jsonl"
"""The files that the app's processes write."""

_KEPT = re.compile(r"pictures/[0-9a-f]{16,128}\.jpg")


@dataclass(slots=True)
class _Pooled:
    """All answers about one picture."""

    line: str
    kept: str | None = None
    felt: list[Floats] = field(default_factory=list)
    predicted: list[Floats] = field(default_factory=list)


def records_folder(folder: Path) -> Path | None:
    """Where in a folder the app's records lie: in ``records/``, or right there as on the Hub."""
    for candidate in (folder / "records", folder):
        if next(candidate.glob(PATTERN), None):
            return candidate
    return None


def read_viewers(folder: Path, reading: Reading = USUALLY) -> RatedFiles:
    """Pool the answers by picture and decode every picture once at small scale.

    Args:
        folder: that the app kept its feedback in, or a copy of the Hub dataset it was pushed to.
        reading: what to do about what cannot be used, and how votes weigh, the model's among them.

    Raises:
        DatasetError: naming and counting what is wrong, with files and lines; or no picture was
            kept.
    """
    records = records_folder(folder)
    if records is None:
        raise DatasetError("There is no feedback here.")
    pooled: dict[str, _Pooled] = {}
    problems = []
    for line, row in _lines(records):
        try:
            _take_in(pooled, line, row)
        except ValueError as error:
            problems.append(Problem(str(error), line))
    rows = []
    for answers in pooled.values():
        if answers.kept is None:
            continue
        shares = _mixed(answers, reading.prior)
        if not shares[: len(EMOTIONS)].any():
            problems.append(Problem("no share for any of the six emotions", answers.line))
            continue
        votes = float(len(answers.felt))
        rows.append(
            RatedRow(answers.line, answers.kept, shares, np.full(2, math.nan), votes, NO_FOLD)
        )
    if not rows and not problems:
        raise DatasetError("The feedback has no picture that a viewer asked to keep.")
    return RatedFiles.of(
        rows, problems, PictureFolder(records), source="The feedback", reading=reading
    )


def _lines(records: Path) -> Iterator[tuple[str, Row]]:
    for path in sorted(records.glob(PATTERN)):
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            raise DatasetError(f"The feedback file {path.name} cannot be read.") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield f"{path.name} line {number}", json_object(line)


def _take_in(pooled: dict[str, _Pooled], line: str, row: Row) -> None:
    if row is None:
        raise ValueError("line that is no record")
    felt, predicted = _seven(row, "felt"), _seven(row, "predicted")
    picture, kept = row.get("picture"), row.get("kept")
    if not isinstance(picture, str) or not picture:
        raise ValueError("record without its picture's hash")
    if kept is not None and not (isinstance(kept, str) and _KEPT.fullmatch(kept)):
        raise ValueError("picture name that the app does not give")
    answers = pooled.setdefault(picture, _Pooled(line))
    answers.felt.append(felt)
    answers.predicted.append(predicted)
    if kept and answers.kept is None:
        answers.kept, answers.line = kept, line


def _seven(row: Mapping[str, Any], key: str) -> Floats:
    try:
        shares = np.array([row[key][name] for name in LABELS], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"record without seven shares under {key}") from None
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.any()):
        raise ValueError(f"shares under {key} that cannot be")
    return shares / shares.sum()


def _mixed(answers: _Pooled, prior: float) -> Floats:
    """The mean answer, the model's counting as ``prior`` more."""
    felt = np.sum(answers.felt, axis=0)
    mixed: Floats = felt + prior * np.mean(answers.predicted, axis=0)
    return mixed / mixed.sum()
