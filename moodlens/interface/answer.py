"""One answer, as a session keeps it in memory until the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from PIL import Image

from moodlens.interface.picture_input import read_file
from moodlens.pictures.kinds import picture_kind
from moodlens.prediction import Prediction
from moodlens.serving.service import PredictionService
from moodlens.telling.overlays import heat_overlays

_SHOWN_SIDE = 720
_UNKNOWN_TO_BROWSERS = ("TIFF", "HEIC")


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction with what the page shows and stores beside it.

    Attributes:
        prediction: what the JSON says.
        picture: at most 720 pixels wide and high, without metadata.
        sha256: of the file that was sent.
        overlays: by emotion, where in the picture its share comes from; None where the network
            cannot tell exactly.
        box: left, top, right, bottom of the overlays, as shares of width and height.
        browsers_show_it: whether a browser can draw the file that was sent.
        felt_is_known: whether the viewer has told what they felt.
    """

    prediction: Prediction
    picture: Image.Image
    sha256: bytes
    overlays: dict[str, Image.Image] | None
    box: tuple[float, float, float, float]
    browsers_show_it: bool
    felt_is_known: bool = False


def answer_file(service: PredictionService, path: str | None) -> Answer:
    """Analyse an uploaded file.

    Raises:
        PictureError: there is no file, or it is no picture that can be read.
        BusyError: too many wait already, or the checkpoint is still loading.
    """
    with service.telemetry.request("page"):
        data = read_file(path, max_bytes=service.settings.limits.max_bytes)
        picture = service.read(data)
        explanation = service.explain(picture)
    left, top, right, bottom = explanation.box
    width, height = picture.size
    shown = picture.copy()
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    return Answer(
        explanation.prediction,
        shown,
        hashlib.sha256(data).digest(),
        heat_overlays(explanation.maps) if explanation.maps is not None else None,
        (left / width, top / height, right / width, bottom / height),
        picture_kind(data) not in _UNKNOWN_TO_BROWSERS,
    )
