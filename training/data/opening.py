"""From what ``--data`` says to a data set.

``PATH[@WEIGHT]``, where the path is a folder of Emotion6, a folder of viewers' feedback, a table
beside its pictures (or a folder or zip file that holds one), ``TABLE::PICTURES`` where they lie
elsewhere, or ``hf://datasets/owner/name[@revision]`` for any of these on the Hub.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from moodlens.errors import DatasetError, HubError, SettingsError
from training.data.dataset import Dataset, Member
from training.data.emotion6 import GROUND_TRUTH, Emotion6
from training.data.files import PictureFiles, PictureFolder, PictureZip
from training.data.rated_files import USUALLY, Reading
from training.data.rows import SUFFIXES
from training.data.source import Source
from training.data.table import read_table
from training.data.viewers import read_viewers, records_folder

_WEIGHT = re.compile(r"(.+)@(\d*\.?\d+)")
_HUB = re.compile(r"hf://datasets/([^/@]+/[^/@]+)(?:@([^/@]+))?")


class Wanted(NamedTuple):
    """One ``--data``.

    Attributes:
        path: a local one, or ``hf://...``.
        pictures: where a table's pictures lie, if said.
        weight: of each of its pictures.
    """

    path: str
    pictures: str | None = None
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """``votes.csv::photos.zip@0.5`` -> its three parts.

        Raises:
            SettingsError: a weight of 0.
        """
        weight = 1.0
        if not Path(text).exists() and (match := _WEIGHT.fullmatch(text)):
            text, weight = match[1], float(match[2])
            if not weight:
                raise SettingsError("A weight of 0 would leave the data out; leave out its --data.")
        path, _, pictures = text.partition("::")
        return cls(path, pictures or None, weight)


def open_data(wanted: Sequence[str], reading: Reading = USUALLY) -> Dataset:
    """Read and check all of it, and join it.

    Raises:
        DatasetError: it cannot be used; rows and pictures are named with reasons.
        HubError: the Hub does not have it, or cannot be reached.
        SettingsError: nothing is asked for, or a weight that cannot be.
    """
    members: list[Member] = []
    for text in wanted:
        one = Wanted.parse(text)
        source = _open(one, reading)
        label = _label(one, source, {member.label for member in members})
        if any(member.label == label for member in members):
            raise SettingsError("Emotion6 can be given only once.")
        members.append(Member(label, source, one.weight))
    return Dataset.joined(members)


def _open(wanted: Wanted, reading: Reading) -> Source:
    path = _local(wanted.path)
    if path.is_dir():
        if (path / GROUND_TRUTH).is_file():
            return Emotion6.read(path, missing=reading.missing)
        if records_folder(path):
            return read_viewers(path, reading)
        tables = [p for p in sorted(path.iterdir()) if p.suffix.lower() in SUFFIXES]
        if not tables:
            # The sentence of before there was anything but Emotion6, and what else may lie there.
            raise DatasetError(
                f"The data folder has no readable {GROUND_TRUTH}, no table and no feedback."
            )
        if len(tables) > 1:
            raise DatasetError(
                f"The data folder has {len(tables)} tables: say which, {tables[0].name} or another."
            )
        return read_table(tables[0], _pictures(wanted.pictures, path), reading)
    if not path.is_file():
        raise DatasetError(f"There is no data {path.name!r} here.")
    if path.suffix.lower() == ".zip":
        return _open_zip(path, reading)
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(f"{path.name} is no table: those end in {', '.join(SUFFIXES)}.")
    return read_table(path, _pictures(wanted.pictures, path.parent), reading)


def _open_zip(path: Path, reading: Reading) -> Source:
    """A zip file that holds a table and its pictures."""
    archive = PictureZip(path)
    tables = [n for n in archive.names() if "/" not in n and Path(n).suffix.lower() in SUFFIXES]
    if len(tables) != 1:
        raise DatasetError(f"{path.name} must hold one table at its top; it holds {len(tables)}.")
    with TemporaryDirectory() as scratch, zipfile.ZipFile(path) as packed:
        return read_table(Path(packed.extract(tables[0], scratch)), archive, reading)


def _pictures(said: str | None, beside: Path) -> PictureFiles:
    """Where a table's pictures lie: as said, or beside it."""
    if said is None:
        return PictureFolder(beside)
    path = _local(said)
    if path.is_dir():
        return PictureFolder(path)
    if path.suffix.lower() == ".zip":
        return PictureZip(path)
    raise DatasetError(f"{path.name} is no folder and no zip file of pictures.")


def _local(path: str) -> Path:
    """The path itself, or a copy of what the Hub has."""
    if not path.startswith("hf://"):
        return Path(path)
    match = _HUB.fullmatch(path)
    if match is None:
        raise SettingsError(f"{path!r} is not of the form hf://datasets/owner/name[@revision].")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(match[1], repo_type="dataset", revision=match[2]))
    # The client lets through what its HTTP and file libraries raise.
    except Exception:
        raise HubError(
            f"The data set {match[1]} cannot be had from the Hub: it is not there, is hidden from "
            "this token, or the Hub cannot be reached."
        ) from None


def _label(wanted: Wanted, source: Source, taken: set[str]) -> str:
    """What stands before the names of a source's pictures; nothing for Emotion6."""
    if isinstance(source, Emotion6):
        return ""
    stem = Path(wanted.path.partition("@")[0]).stem or "data"
    return next(
        label
        for n in range(1, len(taken) + 2)
        if (label := stem if n == 1 else f"{stem}{n}") not in taken
    )
