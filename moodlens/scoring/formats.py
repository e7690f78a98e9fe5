"""CSV, JSON lines and Parquet: parts of a table, and the whole made of its parts.

The same rows always give the same bytes, however often they were interrupted.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from moodlens.errors import SettingsError
from moodlens.telling.spreadsheets import defused
from moodlens.telling.table_schema import SCHEMA_VERSION, Column, Row, schema

if TYPE_CHECKING:
    import pyarrow

EMBEDDING = "embedding"
"""The column of pooled features, a list of 32-bit floats."""

_NUMBERS = frozenset(c.name for c in schema(films=True) if c.kind == "number")
_BOM = b"\xef\xbb\xbf"
_ROWS_IN_A_GROUP = 10_240

TableRow = dict[str, Any]
"""A :data:`Row`, with ``EMBEDDING`` where that was asked for."""


class Format(Protocol):
    """One kind of file."""

    suffix: str

    def part(self, rows: Sequence[TableRow]) -> bytes:
        """Some rows as a file of their own."""

    def join(self, parts: Iterable[BinaryIO], out: BinaryIO) -> None:
        """One file of many, a little at a time."""

    def rows(self, file: BinaryIO) -> Iterator[TableRow]:
        """What stands in a part or in the whole."""


def format_of(name: str, *, features: int = 0, films: bool = False) -> Format:
    """The format that a name's suffix asks for.

    Args:
        name: of the table.
        features: how many pooled features each row has; 0 for none.
        films: whether rows have seconds. Only for writing: whoever reads finds them in the table.

    Raises:
        SettingsError: there is none, or it needs a package, or it cannot hold the features.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".parquet":
        return Parquet(schema(films=films), features)
    if suffix == ".jsonl":
        return JsonLines()
    if suffix == ".csv":
        if features:
            raise SettingsError("--embeddings need a table that ends in .parquet or .jsonl.")
        return Csv(schema(films=films))
    raise SettingsError("The table's name must end in .parquet, .csv or .jsonl.")


class Csv:
    """As the page's: UTF-8 with a byte-order mark, and no cell that a spreadsheet would run.

    Args:
        columns: what stands in a row.
    """

    suffix = ".csv"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]

    def part(self, rows: Sequence[TableRow]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._names)
        for row in rows:
            writer.writerow([_cell(row[name]) for name in self._names])
        return _BOM + text.getvalue().encode()

    def join(self, parts: Iterable[BinaryIO], out: BinaryIO) -> None:
        for number, part in enumerate(parts):
            head = part.readline()
            if number == 0:
                out.write(head)
            _copy(part, out)

    def rows(self, file: BinaryIO) -> Iterator[TableRow]:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        for row in csv.DictReader(text):
            yield {
                name: float(cell) if cell and name in _NUMBERS else (cell or None)
                for name, cell in row.items()
            }


class JsonLines:
    """One JSON object a line."""

    suffix = ".jsonl"

    def part(self, rows: Sequence[TableRow]) -> bytes:
        return "".join(f"{self._line(row)}\n" for row in rows).encode()

    @staticmethod
    def _line(row: TableRow) -> str:
        features = row.get(EMBEDDING)
        if features is not None:
            # Seven significant digits hold a 32-bit float.
            row = {**row, EMBEDDING: [float(f"{value:.7g}") for value in features]}
        return json.dumps(row, ensure_ascii=False, allow_nan=False)

    def join(self, parts: Iterable[BinaryIO], out: BinaryIO) -> None:
        for part in parts:
            _copy(part, out)

    def rows(self, file: BinaryIO) -> Iterator[TableRow]:
        for line in file:
            yield json.loads(line)


class Parquet:
    """Typed columns, compressed.

    Args:
        columns: what stands in a row.
        features: how many pooled features each row has; 0 for none.

    Raises:
        SettingsError: pyarrow is not installed.
    """

    suffix = ".parquet"

    def __init__(self, columns: Sequence[Column], features: int) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise SettingsError(
                "Parquet needs pyarrow; `pip install pyarrow` does it, or choose .csv or .jsonl."
            ) from None
        self._arrow, self._parquet = pyarrow, parquet
        self.schema = _arrow_schema(pyarrow, columns, features)

    def part(self, rows: Sequence[TableRow]) -> bytes:
        file = io.BytesIO()
        table = self._arrow.Table.from_pylist(list(rows), self.schema)
        self._parquet.write_table(table, file, compression="zstd")
        return file.getvalue()

    def join(self, parts: Iterable[BinaryIO], out: BinaryIO) -> None:
        waiting: list[Any] = []
        with self._parquet.ParquetWriter(out, self.schema, compression="zstd") as writer:
            for part in parts:
                waiting.append(self._parquet.read_table(part, use_threads=False))
                if sum(table.num_rows for table in waiting) >= _ROWS_IN_A_GROUP:
                    waiting = self._write_groups(writer, waiting)
            if waiting:
                writer.write_table(self._arrow.concat_tables(waiting))

    def _write_groups(self, writer: Any, tables: list[Any]) -> list[Any]:
        """Write whole groups, which do not depend on where parts end; return what is left."""
        table = self._arrow.concat_tables(tables)
        whole = table.num_rows - table.num_rows % _ROWS_IN_A_GROUP
        writer.write_table(table.slice(0, whole), row_group_size=_ROWS_IN_A_GROUP)
        return [table.slice(whole)] if whole < table.num_rows else []

    def rows(self, file: BinaryIO) -> Iterator[TableRow]:
        for batch in self._parquet.ParquetFile(file).iter_batches(1024, use_threads=False):
            yield from batch.to_pylist()


def _arrow_schema(arrow: Any, columns: Sequence[Column], features: int) -> pyarrow.Schema:
    kinds = {"text": arrow.string(), "number": arrow.float64()}
    fields = [
        arrow.field(column.name, kinds[column.kind], metadata={"meaning": column.meaning})
        for column in columns
    ]
    if features:
        meaning = {"meaning": "the network's pooled features"}
        fields.append(arrow.field(EMBEDDING, arrow.list_(arrow.float32()), metadata=meaning))
    return arrow.schema(fields, metadata={"moodlens_schema": str(SCHEMA_VERSION)})


def _cell(value: str | float | None) -> str | float:
    if value is None:
        return ""
    return defused(value) if isinstance(value, str) else value


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while chunk := source.read(1 << 20):
        target.write(chunk)


def with_features(row: Row, features: Any) -> TableRow:
    """The row with its pooled features; None where there are none."""
    wanted = features is not None and not np.isnan(features[0])
    return {**row, EMBEDDING: features.tolist() if wanted else None}
