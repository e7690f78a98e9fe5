"""The table of many answers, and its CSV in hostile spreadsheets."""

import io

import pandas as pd
import pytest

from moodlens.telling.batch_table import COLUMNS, BatchRow, defused, to_csv, to_table
from tests.support.predictions import make_prediction

ROWS = [
    BatchRow("a.jpg", make_prediction(0.1, joy=0.5, fear=0.3)),
    BatchRow("=cmd|' /C calc'!A0.jpg", make_prediction(fear=0.7, certainty=0.8)),
    BatchRow("broken.jpg", problem="This JPEG file is damaged or incomplete."),
]


def test_broken_files_keep_their_row() -> None:
    table = to_table(ROWS)

    assert list(table.columns) == list(COLUMNS)
    assert list(table["file"]) == [row.file for row in ROWS]
    assert list(table["dominant_emotion"])[:2] == ["joy", "fear"]
    assert table["joy"][0] == 0.5
    assert table.loc[2, "problem"] == "This JPEG file is damaged or incomplete."
    assert table.loc[2, "file":"certainty"].drop("file").isna().all()


def test_csv_reads_back_and_runs_no_formula() -> None:
    table = pd.read_csv(io.BytesIO(to_csv(ROWS)), encoding="utf-8-sig")

    assert table["fear"][1] == 0.7
    assert table["file"][1] == "'=cmd|' /C calc'!A0.jpg"
    assert table["file"][0] == "a.jpg"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "  =", "＝"])
def test_formulas_are_defused(start: str) -> None:
    assert defused(start + "1").startswith("'")


@pytest.mark.parametrize("text", ["", "photo.jpg", "a=b", "1-2.jpg"])
def test_other_text_stays(text: str) -> None:
    assert defused(text) == text
