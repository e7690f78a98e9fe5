"""Many answers as a table and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from moodlens.prediction import Prediction
from moodlens.telling.spreadsheets import defused
from moodlens.telling.table_schema import Row, answered, page_columns

__all__ = ["COLUMNS", "BatchRow", "defused", "to_csv", "to_table"]

COLUMNS: tuple[str, ...] = page_columns()


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
    for column in ("file", "problem", "model"):
        table[column] = table[column].map(defused, na_action="ignore")
    return table.to_csv(index=False).encode("utf-8-sig")


def _record(row: BatchRow) -> Row:
    cells: Row = {"file": row.file, "problem": row.problem}
    return cells if row.prediction is None else {**answered(row.prediction), **cells}
