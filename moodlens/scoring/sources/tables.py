"""Pictures in a column of a Parquet file, as the Hub stores datasets of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from moodlens.errors import SettingsError
from moodlens.scoring.sources.entries import Entry, InMemory, broken
from moodlens.scoring.sources.names import printable

if TYPE_CHECKING:
    import pyarrow

_ROWS_AT_ONCE = 32
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
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=[column], use_threads=False):
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
    return Entry(label, InMemory(cell))


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
