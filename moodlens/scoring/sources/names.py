"""What the names of files tell: which are pictures, films, archives or tables, and what to leave.

Only the choice of what to ask goes by name. What is asked is read as what its bytes say it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

PICTURES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib"}
    | {".tif", ".tiff", ".avif", ".heic", ".heif"}
)
ZIPS = (".zip",)
TARS = (".tar", ".tar.gz", ".tgz")
TABLES = (".parquet",)
CONTAINERS = (*ZIPS, *TARS, *TABLES)
FILMS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def is_picture(name: str) -> bool:
    """Whether a file of this name says of itself that it is a picture."""
    return PurePosixPath(name).suffix.lower() in PICTURES


def is_container(name: str) -> bool:
    """Whether pictures lie in a file of this name."""
    return name.lower().endswith(CONTAINERS)


def is_film(name: str) -> bool:
    """Whether a file of this name says of itself that it is a film."""
    return name.lower().endswith(FILMS)


def is_hidden(name: str) -> bool:
    """What file managers leave behind: names that begin with a dot, macOS's resource forks."""
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part[0] == "." and part != "..") for part in parts)


def is_wanted(name: str) -> bool:
    """Whether a file found in a folder or an archive is to be asked."""
    return is_picture(name) and not is_hidden(name)


def printable(name: str) -> str:
    """A name as one line of valid text, whatever bytes it was made of."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def prefixes(sources: Iterable[str]) -> list[str]:
    """What stands before the names of each source, so that two sources never share a name.

    A single source needs nothing. Of several, each is told by its last part, or, where two of them
    have the same, by all of it.
    """
    listed = list(sources)
    if len(listed) < 2:
        return [""] * len(listed)
    short = [PurePosixPath(source.rstrip("/")).name for source in listed]
    unique = len(set(short)) == len(short) and all(part not in ("", ".", "..") for part in short)
    return [f"{part.rstrip('/')}/" for part in (short if unique else listed)]
