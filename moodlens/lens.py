"""MoodLens from Python, without a server: whatever holds a picture in, a prediction out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.errors import PictureError, SettingsError
from moodlens.model.backends import Backend, parse_backend, parse_device
from moodlens.model.devices import is_there
from moodlens.model.predictor import Explanation, Predictor
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits, read_picture, upright_rgb
from moodlens.prediction import ModelInfo, Prediction
from moodlens.scoring.answering import Weights
from moodlens.telling.table_schema import Row
from moodlens.weights.hub import locate_exactly
from moodlens.weights.pretrained import load_located
from moodlens.weights.reference import CheckpointReference

if TYPE_CHECKING:
    from typing_extensions import TypeIs

PictureLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image"
    " | NDArray[np.uint8]"
)
"""A path, the bytes of a picture file or an open one, a Pillow picture, or pixels [H, W, 3]."""

_BATCH = 16
"""Pictures that are in memory at the same time."""


class MoodLens:
    """Tells which emotions pictures evoke. Safe to call from several threads.

        lens = MoodLens.from_pretrained()
        lens("photo.jpg").dominant_emotion

    Args:
        predictor: a loaded checkpoint; :meth:`from_pretrained` finds and loads one.
        limits: what a picture file may cost.
    """

    def __init__(self, predictor: Predictor, *, limits: PictureLimits = DEFAULT_LIMITS) -> None:
        self._predictor = predictor
        self._limits = limits
        self._weights: Weights | None = None

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | os.PathLike[str] = "",
        *,
        revision: str | None = None,
        device: str = "auto",
        backend: Backend = "torch",
        limits: PictureLimits = DEFAULT_LIMITS,
    ) -> MoodLens:
        """Load a checkpoint and check it; see :func:`moodlens.weights.pretrained.from_pretrained`.

        Args:
            checkpoint: ``owner/name`` or ``owner/name@revision`` on the Hub, a folder, or nothing
                for the checkpoint that comes with MoodLens.
            revision: a branch, tag or commit id on the Hub; ``main`` by default.
            device: where PyTorch computes, such as ``cpu`` or ``cuda:1``; ``auto`` for what suits
                the network.
            backend: what runs the network on a processor, ``torch`` or ``openvino``.
            limits: what a picture file may cost.

        Raises:
            SettingsError: ``checkpoint`` is none of these, the back end is not installed, or the
                device is not there.
            HubError: the Hub does not have it or cannot be reached, nor has the cache.
            CheckpointError: the weights are not usable.
        """
        name = os.fspath(checkpoint)
        parse_backend(backend)
        kind = parse_device(device.partition(":")[0])
        if kind != "auto" and not is_there(kind):
            raise SettingsError(f"The device {kind} is not there.")
        asked = name if revision is None else f"{name}@{revision}"
        located = locate_exactly(CheckpointReference.parse(asked))
        predictor, _ = load_located(located, device=device, backend=backend)
        lens = cls(predictor, limits=limits)
        lens._weights = Weights(located, device, backend)
        return lens

    @property
    def model(self) -> ModelInfo:
        """Which weights answer."""
        return self._predictor.model

    @overload
    def __call__(self, pictures: PictureLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, pictures: Iterable[PictureLike]) -> list[Prediction]: ...
    def __call__(
        self, pictures: PictureLike | Iterable[PictureLike]
    ) -> Prediction | list[Prediction]:
        """How viewers would feel about one picture, or about each of several, in their order.

        Args:
            pictures: see ``PictureLike``; or a list or any other iterable of such, of which no more
                than a batch is in memory at once.

        Raises:
            PictureError: not a picture, too large, or of a kind that is not read; among several,
                the sentence says which.
            OSError: a path or a file that cannot be read.
        """
        if _is_one(pictures):
            return self._explain_one(pictures).prediction
        return [explanation.prediction for explanation in self._explain_each(pictures)]

    @overload
    def explain(self, pictures: PictureLike) -> Explanation: ...  # type: ignore[overload-overlap]
    @overload
    def explain(self, pictures: Iterable[PictureLike]) -> list[Explanation]: ...
    def explain(
        self, pictures: PictureLike | Iterable[PictureLike]
    ) -> Explanation | list[Explanation]:
        """The prediction with the maps, [7, h, w], of where in the picture it comes from.

        Takes and raises what a call does.
        """
        if _is_one(pictures):
            return self._explain_one(pictures)
        return list(self._explain_each(pictures))

    def score(self, pictures: Iterable[str | os.PathLike[str] | bytes]) -> Iterator[Row]:
        """One row of the table of ``moodlens score`` for each picture, in order, broken ones too.

        The same engine: pictures are decoded by processes of their own and answered by as many
        networks as there are cores, in bounded memory, however many there are.

        Args:
            pictures: paths, or the bytes of picture files; any iterable, taken a few at a time.

        Raises:
            ValueError: this object was made of a predictor, and not by :meth:`from_pretrained`.
        """
        if self._weights is None:
            raise ValueError("score() needs a MoodLens made by from_pretrained().")
        from moodlens.scoring.stream import stream_rows

        return stream_rows(pictures, self._weights, self._limits)

    def __repr__(self) -> str:
        return f"<MoodLens {self.model.name}@{self.model.revision[:12]}>"

    def _explain_one(self, picture: PictureLike) -> Explanation:
        return self._predictor.explain([self._read(picture)])[0]

    def _explain_each(self, pictures: Iterable[PictureLike]) -> Iterator[Explanation]:
        numbered = enumerate(pictures, start=1)
        while batch := [self._read_numbered(*pair) for pair in islice(numbered, _BATCH)]:
            yield from self._predictor.explain(batch)

    def _read_numbered(self, number: int, picture: PictureLike) -> Image.Image:
        try:
            return self._read(picture)
        except PictureError as error:
            name = f" ({picture})" if isinstance(picture, str | os.PathLike) else ""
            raise type(error)(f"Picture {number}{name}: {error.message}") from error

    def _read(self, picture: PictureLike) -> Image.Image:
        side = self._predictor.decode_side
        if isinstance(picture, Image.Image):
            try:
                return upright_rgb(picture, short_side=side)
            except OSError:  # Pillow decodes at the first look at the pixels
                raise PictureError("This picture is damaged or incomplete.") from None
        if isinstance(picture, np.ndarray):
            return upright_rgb(_from_pixels(picture), short_side=side)
        return read_picture(self._file(picture), limits=self._limits, short_side=side)

    def _file(self, picture: PictureLike) -> bytes:
        """The bytes of a picture file, up to one more than are allowed."""
        if isinstance(picture, bytes | bytearray | memoryview):
            return bytes(picture)
        if isinstance(picture, str | os.PathLike):
            with Path(picture).open("rb") as file:
                return file.read(self._limits.max_bytes + 1)
        if hasattr(picture, "read"):
            data = picture.read(self._limits.max_bytes + 1)
            if isinstance(data, bytes):
                return data
        raise TypeError(
            "A picture is a path, bytes, a file opened in binary mode, a Pillow picture or an "
            f"array of pixels, not {type(picture).__name__}."
        )


def _is_one(pictures: object) -> TypeIs[PictureLike]:
    """Files and arrays can be iterated over, too; each is one picture all the same."""
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image, np.ndarray)
    return isinstance(pictures, kinds) or hasattr(pictures, "read")


def _from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise PictureError(
            f"Pixels must be uint8 of shape [height, width, 3], not {pixels.dtype} of shape "
            f"{list(pixels.shape)}."
        )
    return Image.fromarray(np.ascontiguousarray(pixels))
