"""One answer, as a session keeps it in memory until the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.interface.kept_pictures import KeptPicture
from moodlens.interface.picture_input import read_file
from moodlens.pictures.kinds import picture_kind
from moodlens.prediction import Prediction
from moodlens.serving.service import PredictionService
from moodlens.telling.overlays import Heat, heats

_SHOWN_SIDE = 720
_UNKNOWN_TO_BROWSERS = ("TIFF", "HEIC")


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction with what the page shows and stores beside it.

    Attributes:
        prediction: what the JSON says.
        kept: the picture, at most 720 pixels wide and high, without metadata.
        sha256: of the file that was sent.
        maps: where in the picture its share comes from, see ``Explanation``; None where the network
            cannot tell exactly.
        box: left, top, right, bottom of the overlays, as shares of width and height.
        browsers_show_it: whether a browser can draw the file that was sent.
        felt_is_known: whether the viewer has told what they felt.
    """

    prediction: Prediction
    kept: KeptPicture
    sha256: bytes
    maps: NDArray[np.float32] | None
    box: tuple[float, float, float, float]
    browsers_show_it: bool
    felt_is_known: bool = False

    @property
    def picture(self) -> Image.Image:
        """At most 720 pixels wide and high.

        Raises:
            ForgottenError: others needed its place in memory.
        """
        return self.kept.open()

    @property
    def heats(self) -> dict[str, Heat] | None:
        """By emotion, where in the picture its share comes from; None where that is not known."""
        return heats(self.maps) if self.maps is not None else None


def answer_file(service: PredictionService, path: str | None) -> Answer:
    """Analyse an uploaded file.

    Raises:
        PictureError: there is no file, or it is no picture that can be read.
        BusyError: too many wait already, or the checkpoint is still loading.
    """
    with service.telemetry.request("page"):
        data = read_file(path, max_bytes=service.settings.limits.max_bytes)
        seen = service.look_at(data, shown_side=_SHOWN_SIDE)
        sha256, kind = hashlib.sha256(data).digest(), picture_kind(data)
        del data  # others need the memory while this one waits for its turn
        explanation = service.explain(seen)
    left, top, right, bottom = explanation.box
    width, height = seen.size
    assert seen.shown is not None  # noqa: S101 - asked for above
    return Answer(
        explanation.prediction,
        KeptPicture(seen.shown),
        sha256,
        explanation.maps,
        (left / width, top / height, right / width, bottom / height),
        kind not in _UNKNOWN_TO_BROWSERS,
    )
