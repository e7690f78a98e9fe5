"""What an upload changes, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub.hf_api import RepoSibling
from rich import box
from rich.console import Console
from rich.table import Table

from moodlens.weights.hub import has_listed_hash


def print_files(
    files: Mapping[str, Path],
    stale: Sequence[str],
    listed: Mapping[str, RepoSibling],
    out: Console,
) -> None:
    """Say of each file whether it is new, changed, unchanged or removed.

    Args:
        files: what is uploaded, by path in the repository.
        stale: paths of what is removed.
        listed: what the repository holds now, by path.
        out: where to print.
    """
    table = Table(title="Files", box=box.SIMPLE_HEAD)
    table.add_column("file")
    table.add_column("bytes", justify="right")
    table.add_column("")
    for name, path in files.items():
        before = listed.get(name)
        same = before is not None and has_listed_hash(path, before)
        state = "new" if before is None else "unchanged" if same else "changed"
        table.add_row(name, f"{path.stat().st_size:,}", state)
    for name in stale:
        table.add_row(name, "", "removed")
    out.print(table)
