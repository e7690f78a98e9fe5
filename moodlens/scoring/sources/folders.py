"""Pictures in a folder and all folders below it, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator

from moodlens.scoring.sources.names import is_container, is_film, is_hidden, is_wanted


def walk(folder: str, *, films: bool = False) -> Iterator[str]:
    """Names, relative to the folder, of pictures and of files that hold pictures.

    Links to folders are not followed, so that the walk ends. One folder's names are in memory at a
    time, not the tree's.

    Args:
        folder: where to begin.
        films: whether films count among the files that hold pictures.
    """
    pending = [""]
    while pending:
        inner = pending.pop()
        folders = []
        for name, is_folder in _listed(os.path.join(folder, inner)):  # noqa: PTH118
            path = f"{inner}{name}"
            if is_hidden(name):
                continue
            if is_folder:
                folders.append(f"{path}/")
            elif is_wanted(name) or is_container(name) or (films and is_film(name)):
                yield path
        pending.extend(reversed(folders))


def _listed(folder: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:  # removed meanwhile, or not ours to read
        return []
