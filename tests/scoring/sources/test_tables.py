"""Parquet files with pictures, as the Hub stores datasets of them."""

from __future__ import annotations

import io

import pytest

from moodlens.scoring.sources.tables import table_entries
from tests.support.pictures_folder import small_jpeg

pyarrow = pytest.importorskip("pyarrow")


def written(columns: dict[str, object]) -> io.BytesIO:
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return file


def read(file: io.BytesIO) -> list[tuple[str, bytes | str]]:
    return [
        (entry.file, entry.blob.read(10**6) if entry.blob else entry.problem)
        for entry in table_entries(file, "t.parquet")
    ]


def test_the_form_of_datasets() -> None:
    cells = [{"bytes": small_jpeg(0), "path": "a.jpg"}, {"bytes": None, "path": None}]
    assert read(written({"label": [1, 2], "image": cells})) == [
        ("t.parquet/0/a.jpg", small_jpeg(0)),
        ("t.parquet/1", "This row holds no picture."),
    ]


def test_a_column_of_bytes_and_a_usual_name_first() -> None:
    file = written({"blob": [b"other"], "img": [small_jpeg(1)]})
    assert read(file) == [("t.parquet/0", small_jpeg(1))]


def test_no_column_and_no_parquet_are_a_row() -> None:
    assert read(written({"x": [1]}))[0][1] == "This Parquet file has no column of pictures."
    assert read(io.BytesIO(b"PAR1" * 9))[0][1] == "This Parquet file is damaged or incomplete."
