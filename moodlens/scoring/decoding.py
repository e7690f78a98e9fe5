"""Picture files -> crops: what the decoding processes do. PyTorch is never imported here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moodlens.errors import MoodLensError
from moodlens.model.crop import PlainCrop, centre_crop
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits, read_picture
from moodlens.scoring.sources.entries import Entry


@dataclass(frozen=True, slots=True)
class Decoder:
    """How pictures are decoded.

    Attributes:
        views: what the network sees of a picture.
        side: short side, in pixels, that a decoded picture should have at least.
        limits: what a picture may cost.
    """

    views: tuple[PlainCrop, ...]
    side: int
    limits: PictureLimits = DEFAULT_LIMITS

    def decode(self, entry: Entry, crops: Sequence[NDArray[np.uint8]]) -> Decoded:
        """Read one picture and cut out what the network sees of it.

        Args:
            entry: which picture.
            crops: for each view [S, S, 3], where to put it; zeros where there is a problem.
        """
        sha256 = None
        try:
            if entry.blob is None:
                return self._refused(crops, None, entry.problem)
            data = entry.blob.read(self.limits.max_bytes + 1)
            if len(data) <= self.limits.max_bytes:
                sha256 = hashlib.sha256(data).hexdigest()
            picture = read_picture(data, limits=self.limits, short_side=self.side)
            for view, crop in zip(self.views, crops, strict=True):
                crop[:] = centre_crop(picture, view)
        except MoodLensError as error:
            return self._refused(crops, sha256, error.message)
        except MemoryError:
            return self._refused(crops, sha256, "This picture needs more memory than there is.")
        return Decoded(sha256, None)

    @staticmethod
    def _refused(crops: Sequence[NDArray[np.uint8]], sha256: str | None, problem: str) -> Decoded:
        for crop in crops:
            crop[:] = 0  # what is in a batch never changes what is said of its neighbours
        return Decoded(sha256, problem)


class Decoded(NamedTuple):
    """What is known of a picture before the network sees it.

    Attributes:
        sha256: of its bytes; None where not all of them were read.
        problem: why it cannot be decoded; None where it was.
    """

    sha256: str | None
    problem: str | None
