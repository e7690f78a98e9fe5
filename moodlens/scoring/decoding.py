"""Picture files -> pixels: what the decoding processes do. PyTorch is never imported here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moodlens.errors import MoodLensError
from moodlens.model.crop import middle
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits, read_picture
from moodlens.scoring.sources.entries import Entry
from moodlens.scoring.sources.films import FilmFrame

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decoder:
    """How pictures are decoded.

    Attributes:
        side: short side, in pixels, that a decoded picture should have at least; it has less than
            twice as many.
        limits: what a picture may cost.
    """

    side: int
    limits: PictureLimits = DEFAULT_LIMITS

    def decode(self, entry: Entry, room: Callable[[Size], NDArray[np.uint8]]) -> Decoded:
        """Read one picture.

        Args:
            entry: which picture.
            room: gives the array [H, W, 3] where to put its middle, which is all that counts.
        """
        sha256 = None
        try:
            if entry.blob is None:
                return Decoded(None, entry.problem)
            # First, since a film is walked through from one moment to the next.
            new_shot = entry.blob.begins_shot() if isinstance(entry.blob, FilmFrame) else None
            data = entry.blob.read(self.limits.max_bytes + 1)
            if len(data) > self.limits.max_bytes:  # how many more nobody has counted
                limit = self.limits.max_bytes / 1e6
                return Decoded(None, f"The file is larger than {limit:g} MB.")
            sha256 = hashlib.sha256(data).hexdigest()
            picture = read_picture(data, limits=self.limits, short_side=self.side)
            part = middle(picture)
            size = part.height, part.width
            room(size)[:] = np.asarray(part)
        except MoodLensError as error:
            return Decoded(sha256, error.message)
        except MemoryError:
            return Decoded(sha256, "This picture needs more memory than there is.")
        return Decoded(sha256, None, size, new_shot)


class Decoded(NamedTuple):
    """What is known of a picture before the network sees it.

    Attributes:
        sha256: of its bytes; None where not all of them were read.
        problem: why it cannot be decoded; None where it was.
        size: height and width of its middle; None where there is a problem.
        new_shot: whether it begins a shot of a film; None for what is no film.
    """

    sha256: str | None
    problem: str | None
    size: Size | None = None
    new_shot: bool | None = None
