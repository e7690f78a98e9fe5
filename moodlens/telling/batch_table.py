"""Many answers as a table and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from moodlens.emotions import EMOTIONS
from moodlens.prediction import Prediction

FIGURES: tuple[str, ...] = (*EMOTIONS, "neutral", "ambiguity", "valence", "arousal", "certainty")
"""The columns of numbers, in order; the shares, neutral, ambiguity and certainty from 0 to 1."""

COLUMNS: tuple[str, ...] = ("file", "dominant_emotion", "confidence", *FIGURES, "problem")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One file of a batch.

    Attributes:
        file: its name, as the sender calls it.
        prediction: None where there is a problem.
        problem: why there is no prediction; empty where there is one.
    """

    file: str
    prediction: Prediction | None = None
    problem: str = ""


def to_table(rows: Sequence[BatchRow]) -> pd.DataFrame:
    """One row for each file, in the given order; broken files keep theirs, without figures."""
    return pd.DataFrame([_record(row) for row in rows], columns=list(COLUMNS))


def to_csv(rows: Sequence[BatchRow]) -> bytes:
    """The table as UTF-8 with a byte-order mark, so that spreadsheets read accents right.

    Text that a spreadsheet would run as a formula gets an apostrophe in front (CWE-1236).
    """
    table = to_table(rows)
    for column in ("file", "problem"):
        table[column] = table[column].map(defused)
    return table.to_csv(index=False).encode("utf-8-sig")


def defused(text: str) -> str:
    """The text, harmless as a cell of a spreadsheet."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _record(row: BatchRow) -> dict[str, object]:
    if row.prediction is None:
        return {"file": row.file, "problem": row.problem}
    figures = row.prediction.to_json()["prediction"]
    shares = figures.pop("probability_distribution")
    return {"file": row.file, "problem": "", **figures, **shares}
