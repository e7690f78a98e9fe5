"""The picture input, and the way from its file to a decoded picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from moodlens.errors import MissingPictureError, PictureError
from moodlens.interface.translations import errors_as_toasts


class PictureInput(gr.Image):
    """A gr.Image that hands over the very file that was sent.

    Gradio would open it with Pillow first: orientation, transparency and frames would be lost, and
    a broken file would end in a message that helps nobody. ``images.py`` does all of that.
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The path of the uploaded file; Gradio has checked that it is one of its own."""
        if payload is None:
            return None
        with errors_as_toasts():
            if not payload.path:
                raise PictureError("Send the picture as a file.")
        return payload.path


def build_picture_input(**settings: Any) -> PictureInput:
    """A picture input; without mirroring, because a mirrored snapshot is another picture."""
    return PictureInput(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),
        buttons=["fullscreen"],
        **settings,
    )


def read_file(path: str | None, *, max_bytes: int) -> bytes:
    """The bytes of an uploaded file, up to one more than are allowed.

    Raises:
        MissingPictureError: there is no file.
    """
    if path is None:
        raise MissingPictureError("Choose a picture first.")
    with Path(path).open("rb") as file:
        return file.read(max_bytes + 1)
