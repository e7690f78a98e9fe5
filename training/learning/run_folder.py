"""The folder of one run: what it is, how far it came, and that it belongs to no other run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.errors import CheckpointError, DatasetError, SettingsError
from moodlens.model.checkpoint_files import file_sha256, read_json, write_json
from training.data.ratings import Floats
from training.data.source import LabelledPictures
from training.learning.progress import STATE

RUN = "run"
DESCRIPTION = "run.json"


def open_run(out: Path, description: Mapping[str, Any]) -> Path:
    """Make the folder for a run's state, or find the one to go on from.

    Args:
        out: where the checkpoint will lie.
        description: everything that decides the result.

    Returns:
        ``out/run``.

    Raises:
        SettingsError: the folder belongs to another run, or holds something else.
    """
    folder = out / RUN
    wanted = json.loads(json.dumps(description))
    try:
        found = read_json(folder / DESCRIPTION)
    except CheckpointError:
        if out.is_dir() and any(out.iterdir()):
            raise SettingsError(
                f"The folder {out.name!r} is not empty and holds no run of this training. "
                "Give another --out."
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / DESCRIPTION, wanted)
        return folder
    if found != wanted:
        changed = ", ".join(_changed(found, wanted))
        raise SettingsError(
            f"The folder {out.name!r} belongs to another run: {changed} differ. Give another --out."
        )
    return folder


def close_run(folder: Path) -> None:
    """Drop the state to go on from: the checkpoint is written."""
    (folder / STATE).unlink(missing_ok=True)


def describe(
    config: Mapping[str, Any], pictures: LabelledPictures, backbone: str, teachers: Sequence[Path]
) -> dict[str, Any]:
    """What decides a run's result.

    Args:
        config: all hyper-parameters.
        pictures: that are learned from.
        backbone: fingerprint of the pretrained weights.
        teachers: files of ratings.

    Raises:
        DatasetError: a teacher's file cannot be read.
    """
    ratings = pictures.ratings
    return {
        "config": dict(config),
        "pictures": hashlib.sha256("\n".join(pictures.names).encode()).hexdigest(),
        "ratings": _digest(ratings.shares, ratings.valence, ratings.arousal, pictures.weights),
        "backbone": backbone,
        "teachers": [_sha256(path) for path in teachers],
    }


def _digest(*values: Floats) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(v).tobytes() for v in values)).hexdigest()


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        raise DatasetError(f"The ratings file {path.name} cannot be read.") from None


def _changed(found: Any, wanted: Any, prefix: str = "") -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = sorted(found.keys() | wanted.keys())
        return [
            name
            for key in keys
            if found.get(key) != wanted.get(key)
            for name in _changed(found.get(key), wanted.get(key), f"{prefix}{key}.")
        ]
    return [prefix.rstrip(".")]
