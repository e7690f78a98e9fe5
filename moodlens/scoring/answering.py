"""Pixels -> cells of the table: what the answering processes do."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.prediction import ModelInfo
from moodlens.scoring.decoding import Decoded
from moodlens.scoring.slots import BATCH
from moodlens.telling.overlays import heats
from moodlens.telling.table_schema import Row, answered
from moodlens.weights.reference import Located

if TYPE_CHECKING:
    from moodlens.model.crop import PlainCrop
    from moodlens.model.predictor import CropAnswer, Predictor


@dataclass(frozen=True, slots=True)
class Weights:
    """Which network answers, and what it runs on; can be sent to another process.

    Attributes:
        located: the checkpoint's folder, with the commit that it holds.
        device: where PyTorch computes.
        backend: what runs the network on a processor.
        threads: of the processor, for one forward pass.
    """

    located: Located
    device: str = "cpu"
    backend: str = "torch"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Introduction:
    """What an answering process says of its network.

    Attributes:
        model: how its answers name it.
        side: short side, in pixels, that a decoded picture should have at least.
        features: how many pooled features it has.
        device: what it runs on.
    """

    model: ModelInfo
    side: int
    features: int
    device: str


class Answerer:
    """Answers for batches of crops.

    Args:
        predictor: the network.
        maps: a folder for pictures of where each answer comes from, or None.
    """

    def __init__(self, predictor: Predictor, maps: Path | None = None) -> None:
        self._predictor = predictor
        self._maps = maps

    @classmethod
    def load(cls, weights: Weights, maps: Path | None = None) -> Answerer:
        """Load the weights; PyTorch is imported here.

        Raises:
            CheckpointError: they are not usable.
        """
        from moodlens.model.backends import parse_backend
        from moodlens.model.devices import use_threads
        from moodlens.weights.pretrained import load_located

        use_threads(weights.threads)
        predictor, _ = load_located(
            weights.located, device=weights.device, backend=parse_backend(weights.backend)
        )
        return cls(predictor, maps)

    def introduction(self) -> Introduction:
        """What the others need to know, found out on a black picture."""
        views = self._predictor.views
        black = {v: np.zeros((1, v.input_size, v.input_size, 3), np.uint8) for v in views}
        (seen,) = self._predictor.answer_crops(black, maps=False)
        side = self._predictor.decode_side
        device = self._predictor.device
        return Introduction(self._predictor.model, side, len(seen.features), device)

    def answer(
        self,
        pictures: Sequence[NDArray[np.uint8] | None],
        decoded: Sequence[Decoded | None],
        features: NDArray[np.float32] | None = None,
    ) -> list[Row]:
        """Cells for each picture of a batch, none for those that could not be decoded.

        Args:
            pictures: at most ``BATCH``, the middle of each [H, W, 3]; None for those that could not
                be decoded.
            decoded: what is known of each, None for those that nobody asks about.
            features: [BATCH, F], where to put the pooled features, if they are wanted.
        """
        asked = [picture is not None and picture.problem is None for picture in decoded]
        if not any(asked):
            return [{} for _ in decoded]
        crops = {view: _cut_alike(pictures, view) for view in self._predictor.views}
        looked = self._predictor.answer_crops(crops, maps=self._maps is not None)
        first, *_ = crops.values()
        rows: list[Row] = []
        for place, (picture, seen) in enumerate(zip(decoded, looked, strict=False)):
            rows.append(answered(seen.prediction) if asked[place] else {})
            if features is not None:
                features[place] = seen.features if asked[place] else np.nan
            if asked[place] and self._maps is not None and picture and picture.sha256:
                _draw(self._maps, picture.sha256, first[place], seen)
        return rows


def _cut_alike(pictures: Sequence[NDArray[np.uint8] | None], view: PlainCrop) -> NDArray[np.uint8]:
    """[BATCH, S, S, 3], black where there is no picture.

    Always so many, since another number may round the last digits otherwise, and always black,
    since what is in a batch must not change what is said of its neighbours.
    """
    from moodlens.model.preprocess import cut

    crops = np.zeros((BATCH, view.input_size, view.input_size, 3), np.uint8)
    for crop, picture in zip(crops, pictures, strict=False):
        if picture is not None:
            crop[:] = cut(picture, view)
    return crops


def map_path(folder: Path, sha256: str) -> Path:
    """Where the map of a picture lies; names of strangers are no part of it."""
    return folder / sha256[:2] / f"{sha256}.jpg"


def _draw(folder: Path, sha256: str, crop: NDArray[np.uint8], seen: CropAnswer) -> None:
    """What the network saw, and on it where the dominant emotion comes from."""
    if seen.maps is None:
        return
    picture = Image.fromarray(crop).convert("L").convert("RGBA")
    heat = heats(seen.maps)[seen.prediction.dominant_emotion].overlay
    picture.alpha_composite(heat.resize(picture.size, Image.Resampling.BICUBIC))
    path = map_path(folder, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=88)
    partial = path.with_suffix(".partial")
    with suppress(FileNotFoundError):  # another process has just drawn the same picture
        partial.write_bytes(data.getvalue())
        partial.replace(path)
