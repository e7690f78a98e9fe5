"""Inputs for pictures that hand over the very files that were sent.

Gradio would open them with Pillow first: orientation, transparency and frames would be lost, and a
broken file would end in a message that helps nobody. ``pictures/reading.py`` does all of that.

So every event that reads one of these inputs is connected with ``AS_SENT``. A ``preprocess`` of our
own would not last: Gradio builds a component anew, from its class, as soon as an event updates it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.errors import MissingPictureError

AS_SENT: dict[str, Any] = {"preprocess": False}
"""For an event: its function gets what the browser sent, for ``sent_path`` or ``sent_files``."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """An uploaded file and what its sender calls it."""

    path: str
    name: str


def build_picture_input(**settings: Any) -> gr.Image:
    """One picture; not mirrored, because a mirrored snapshot is another picture."""
    return gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),
        buttons=["fullscreen"],
        **settings,
    )


def build_files_input(**settings: Any) -> gr.File:
    """Many files; none is refused for its kind, because a refused one would stop the others."""
    return gr.File(file_count="multiple", **settings)


def read_file(path: str | None, *, max_bytes: int) -> bytes:
    """The bytes of an uploaded file, up to one more than are allowed.

    Raises:
        MissingPictureError: there is no file.
    """
    if path is None:
        raise MissingPictureError("Choose a picture first.")
    with Path(path).open("rb") as file:
        return file.read(max_bytes + 1)


def sent_path(sent: Mapping[str, Any] | None) -> str | None:
    """Where the picture lies; Gradio has checked that it is an upload, and what the fields are."""
    if sent is None:
        return None
    if not sent["path"]:  # only programs can do that
        raise gr.Error("Send the picture as a file.", print_exception=False)
    return str(sent["path"])


def sent_files(sent: Sequence[Mapping[str, Any]] | None) -> list[SentFile]:
    """Where many files lie, and what they are called."""
    return [SentFile(file["path"], file["orig_name"] or "?") for file in sent or []]
