"""Rows of a table, each with the line it stands in: from CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moodlens.errors import DatasetError, SettingsError

SUFFIXES = (".csv", ".jsonl", ".parquet")

Row = Mapping[str, Any] | None
"""Values by column; None where the line cannot be read at all."""


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a table, with the number of the line that each ends in, counted from 1.

    Raises:
        DatasetError: the file as a whole cannot be read.
        SettingsError: a Parquet file, and the package that reads it is not installed.
    """
    try:
        match path.suffix.lower():
            case ".csv":
                yield from _csv(path)
            case ".jsonl":
                yield from _json_lines(path)
            case _:
                yield from _parquet(path)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DatasetError(f"The table {path.name} cannot be read.") from None


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            has_all = None not in row and None not in row.values()
            yield reader.line_num, row if has_all else None


def _json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, json_object(line)


def json_object(line: str | bytes) -> Row:
    """A line of JSON Lines, or None where it is no JSON object."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SettingsError("Parquet needs a package: `pip install pyarrow`.") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowException:
        raise DatasetError(f"The table {path.name} cannot be read as Parquet.") from None
