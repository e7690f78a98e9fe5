"""A folder as a stranger may hand it over: archives, tables, links and pipes made to do harm.

Each case says which rows must come of it and with which problem; a file that it does not name must
have no row. Parquet is among them where pyarrow is installed.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.support.picture_corpus import png
from tests.support.pictures_folder import small_jpeg

_BOMB_BYTES = 60_000_000
_BOMB_OF_A_ROW = 257_000_000
_TOO_LARGE = "The file is larger than 20 MB."
_NO_PICTURE = "This file is not a picture; MoodLens reads JPEG, PNG"


class HostileSource(NamedTuple):
    """A file of the folder.

    Attributes:
        name: of the file.
        data: what is in it; None for what is no plain file.
        rows: for each row that must come of it its problem, or how that begins; None for a picture
            that is answered.
    """

    name: str
    data: bytes | None
    rows: dict[str, str | None]


def hostile_sources() -> Iterator[HostileSource]:
    """All of them."""
    good = small_jpeg(0)
    yield HostileSource(
        "paths.zip",
        zipped({"../../up.jpg": good, "/etc/root.jpg": good, "C:\\x.jpg": good}),
        {"../../up.jpg": None, "/etc/root.jpg": None, "C:\\x.jpg": None},
    )
    yield HostileSource(
        "paths.tar",
        tarred(("../../up.jpg", good), ("/etc/root.jpg", good)),
        {"../../up.jpg": None, "/etc/root.jpg": None},
    )
    yield HostileSource(
        "links.tar", tarred(*odd_members("/etc/passwd"), ("a.jpg", good)), {"a.jpg": None}
    )
    bomb = {"a.jpg": good, "bomb.jpg": bytes(_BOMB_BYTES)}
    rows = {"a.jpg": None, "bomb.jpg": _TOO_LARGE}
    yield HostileSource("bomb.zip", zipped(bomb, zipfile.ZIP_DEFLATED), rows)
    yield HostileSource("bomb.tgz", gzip.compress(tarred(*bomb.items()), 1), rows)
    yield HostileSource(
        "pixels.zip",
        zipped({"wide.png": png((30_000, 30_000), 1, 0, bytes(3_751 * 30_000), level=9)}),
        {"wide.png": "The picture has 30000 x 30000 pixels"},
    )
    many = {f"{number}.txt": b"" for number in range(100_000)}
    yield HostileSource("many.zip", zipped({**many, "a.jpg": good}), {"a.jpg": None})
    inner = zipped({"a.jpg": good})
    yield HostileSource(
        "archives.zip",
        zipped({"inner.zip": inner, "inner.tar": tarred(("a.jpg", good)), "inner.jpg": inner}),
        {"inner.jpg": "This is a zip archive"},
    )
    yield HostileSource("cut.zip", inner[:-40], {"": "This zip archive is damaged or incomplete."})
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8 * 2**30
    yield HostileSource(
        "header.tgz",
        gzip.compress(header.tobuf() + bytes(2_000_000)),
        {"": "This tar archive is damaged or incomplete."},
    )
    yield HostileSource("text.jpg", b"<script>", {"": _NO_PICTURE})
    yield HostileSource("link.jpg", None, {"": _NO_PICTURE})
    yield HostileSource("pipe.jpg", None, {"": "This is not a file."})
    if find_spec("pyarrow"):
        yield from _hostile_tables(good)


def make_hostile_folder(folder: Path) -> dict[str, str | None]:
    """Write them all; the rows that must come of the folder."""
    rows = {}
    for source in hostile_sources():
        path = folder / source.name
        if source.data is not None:
            path.write_bytes(source.data)
        elif source.name.startswith("link"):
            path.symlink_to("/etc/passwd")
        else:
            os.mkfifo(path)
        for name, problem in source.rows.items():
            rows[f"{source.name}/{name}" if name else source.name] = problem
    (folder / "round").symlink_to(folder)
    return rows


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


def tarred(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return file.getvalue()


def odd_members(target: str) -> Iterator[tarfile.TarInfo]:
    """Members of a tar archive that are no files, the links among them to somewhere else."""
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo(f"{kind.decode()}.jpg")
        info.type, info.linkname = kind, target
        yield info


def _hostile_tables(good: bytes) -> Iterator[HostileSource]:
    whole = _parquet(good)
    yield HostileSource("good.parquet", whole, {"0": None})
    yield HostileSource(
        "cut.parquet", whole[:-40], {"": "This Parquet file is damaged or incomplete."}
    )
    yield HostileSource("larger.parquet", _parquet(bytes(_BOMB_BYTES)), {"0": _TOO_LARGE})
    yield HostileSource(
        "bomb.parquet",
        _parquet(bytes(_BOMB_OF_A_ROW)),
        {"": "This Parquet file has rows that are too large to be pictures."},
    )


def _parquet(*pictures: bytes) -> bytes:
    import pyarrow
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"image": list(pictures)}), file, compression="zstd")
    return file.getvalue()
