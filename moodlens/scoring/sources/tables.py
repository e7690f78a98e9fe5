"""Pictures in a column of a Parquet file, as the Hub stores datasets of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from moodlens.errors import SettingsError
from moodlens.scoring.sources.entries import Entry, Passing, broken
from moodlens.scoring.sources.names import printable

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import FileMetaData

_MOST_ROWS_AT_ONCE = 32
_BYTES_AT_ONCE = 64_000_000
_LARGEST_ROW = 256_000_000
_USUAL_NAMES = ("image", "img", "picture", "photo")


def table_entries(file: BinaryIO, name: str) -> Iterator[Entry]:
    """Pictures of a Parquet file: a column of bytes, or of ``{bytes, path}`` as datasets has it.

    Args:
        file: anything that can seek.
        name: what the file is called in the table; rows are told by their number, and by the path
            that stands beside the picture, if any.
    """
    parquet = _parquet()
    import pyarrow

    row = 0
    try:
        table = parquet.ParquetFile(file)
        column = _picture_column(table.schema_arrow)
        if column is None:
            yield broken(name, "This Parquet file has no column of pictures.")
            return
        largest = _row_bytes(table.metadata)
        if largest > _LARGEST_ROW:
            yield broken(name, "This Parquet file has rows that are too large to be pictures.")
            return
        rows = max(1, min(_MOST_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(largest, 1)))
        for batch in table.iter_batches(rows, columns=[column], use_threads=False):
            for cell in batch.column(0):
                yield _entry(f"{name}/{row}", cell.as_py())
                row += 1
    except (pyarrow.ArrowException, OSError, ValueError):
        yield broken(name, "This Parquet file is damaged or incomplete.")


def _entry(label: str, cell: Any) -> Entry:
    if isinstance(cell, dict):
        path = cell.get("path")
        label = f"{label}/{printable(path)}" if isinstance(path, str) and path else label
        cell = cell.get("bytes")
    if not isinstance(cell, bytes):
        return broken(label, "This row holds no picture.")
    return Entry(label, Passing(partial(_beginning, cell)))


def _beginning(data: bytes, most: int) -> bytes:
    return data[:most]


def _row_bytes(metadata: FileMetaData) -> int:
    """Bytes that a row takes when it is unpacked: the mean of the group where it is largest."""
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    return max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)


def _picture_column(schema: pyarrow.Schema) -> str | None:
    """The first column of pictures, one with a usual name before others."""
    found = [field.name for field in schema if _holds_pictures(field.type)]
    found.sort(key=lambda name: name.lower() not in _USUAL_NAMES)
    return found[0] if found else None


def _holds_pictures(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise SettingsError(
            "Parquet needs pyarrow; `pip install pyarrow` does it, or choose .csv or .jsonl."
        ) from None
    return parquet
