"""Inputs for pictures that hand over the very files that were sent.

Gradio would open them with Pillow first: orientation, transparency and frames would be lost, and a
broken file would end in a message that helps nobody. ``images.py`` does all of that.

The components' ``preprocess`` is replaced one by one. A subclass would be the usual way, but for
each subclass Gradio writes a stub file beside the module, which type checkers then read instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData, ListFiles

from moodlens.errors import MissingPictureError, PictureError
from moodlens.interface.translations import errors_as_toasts


@dataclass(frozen=True, slots=True)
class SentFile:
    """An uploaded file and what its sender calls it."""

    path: str
    name: str


def build_picture_input(**settings: Any) -> gr.Image:
    """One picture; not mirrored, because a mirrored snapshot is another picture."""
    component = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),
        buttons=["fullscreen"],
        **settings,
    )
    component.preprocess = _path
    return component


def build_files_input(**settings: Any) -> gr.File:
    """Many files; none is refused for its kind, because a refused one would stop the others."""
    component = gr.File(file_count="multiple", **settings)
    component.preprocess = _sent_files
    return component


def read_file(path: str | None, *, max_bytes: int) -> bytes:
    """The bytes of an uploaded file, up to one more than are allowed.

    Raises:
        MissingPictureError: there is no file.
    """
    if path is None:
        raise MissingPictureError("Choose a picture first.")
    with Path(path).open("rb") as file:
        return file.read(max_bytes + 1)


def _path(payload: ImageData | None) -> str | None:
    """Where the upload lies; Gradio has checked that it is one of its own."""
    if payload is None:
        return None
    with errors_as_toasts():
        if not payload.path:
            raise PictureError("Send the picture as a file.")
    return str(payload.path)


def _sent_files(payload: ListFiles | None) -> list[SentFile]:
    files = payload.root if payload is not None else []
    return [SentFile(file.path, file.orig_name or "?") for file in files]
