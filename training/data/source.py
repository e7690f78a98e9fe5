"""The protocol behind which every source of labelled pictures stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.problems import Problem
from training.data.ratings import Floats, Ratings

Indices = NDArray[np.int64]

NO_FOLD = -1
"""In ``folds``: the source does not say which fold the picture belongs to."""


class Source(Protocol):
    """N pictures and what their viewers said.

    Attributes:
        names: of the pictures, each once.
        ratings: shares, valence and arousal; NaN where a scale was not asked for.
        weights: [N] how much each picture counts in the loss; 1 is usual.
        folds: [N] the fold that the source itself puts each picture in, or ``NO_FOLD``.
        skipped: rows and pictures that were left out, and why.
    """

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def ratings(self) -> Ratings: ...
    @property
    def weights(self) -> Floats: ...
    @property
    def folds(self) -> Indices: ...
    @property
    def skipped(self) -> tuple[Problem, ...]: ...

    def __len__(self) -> int: ...

    def picture(self, index: int, *, short_side: int | None = None) -> Image.Image:
        """Decode a picture as the app does: upright, mode RGB.

        Args:
            index: into ``names``.
            short_side: in pixels; a large JPEG may be decoded at a reduced scale that still has it.

        Raises:
            PictureError: it cannot be decoded.
        """
        ...

    def digest(self, index: int) -> bytes:
        """SHA-256 of a picture's file."""
        ...


class LabelledPictures(Source, Protocol):
    """What learning and judging take: a source that can be cut, and that knows its duplicates.

    Attributes:
        groups: [N] pictures with the same number show the same thing; they must never be learned
            from and judged by at once.
    """

    @property
    def groups(self) -> Indices: ...

    def subset(self, indices: Sequence[int] | NDArray[np.integer]) -> LabelledPictures:
        """Some of the pictures, in the order asked for."""
        ...

    def describe_skipped(self) -> str:
        """What was left out, in a sentence; empty where nothing was."""
        ...
