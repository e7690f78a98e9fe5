"""The files of a checkpoint as files: JSON of bounded size, atomic writes, hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from moodlens.errors import CheckpointError

_MAX_JSON_BYTES = 4 * 2**20
_PIECE = 2**20


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object of bounded size.

    Raises:
        CheckpointError: not there, too large, or not a JSON object.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_JSON_BYTES + 1)  # of a device too, which has no end
        if len(text) > _MAX_JSON_BYTES:
            raise CheckpointError(f"The checkpoint's {path.name} is too large.")
        data = json.loads(text.decode())
    except FileNotFoundError:
        raise CheckpointError(f"The checkpoint has no {path.name}.") from None
    except (OSError, ValueError, RecursionError):
        raise CheckpointError(f"The checkpoint's {path.name} cannot be read as JSON.") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"The checkpoint's {path.name} is not a JSON object.")
    return data


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write one JSON object atomically, readable by people."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a file beside the path, then put it in the path's place."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    try:
        write(Path(partial))
        with Path(partial).open("rb") as file:
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
    return path
