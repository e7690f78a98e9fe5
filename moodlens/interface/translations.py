"""The wording, handed to Gradio: labels are translated in the browser, by its own language."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import gradio as gr

from moodlens.errors import MoodLensError
from moodlens.interface.static_parts import static_parts
from moodlens.telling.wording import LANGUAGES, Wording, preferred_wording, wording

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def sentences_of(language: str) -> dict[str, str]:
    """All sentences, and the static parts of the page that hold more than one."""
    words = wording(language)
    return {**words.sentences, **static_parts(words)}


translate = gr.I18n(**{code: sentences_of(code) for code in LANGUAGES})
"""``translate(key)`` is a label in the language of whoever looks at the page."""


def wording_of(request: gr.Request) -> Wording:
    """The wording for what the server writes: the language that the browser asks for."""
    return preferred_wording(request.headers.get("accept-language"))


def toast(error: MoodLensError, wording: Wording) -> None:
    """Tell the viewer what went wrong, and let the event go on.

    As a warning, because Gradio's errors end the event, and leave the outputs as they were under a
    mark that says "Error".
    """
    gr.Warning(wording.problem(error))


@contextmanager
def errors_as_toasts(wording: Wording) -> Iterator[None]:
    """Tell the viewer what MoodLens refuses, and end the event without another word."""
    try:
        yield
    except MoodLensError as error:
        toast(error, wording)
        raise gr.Error(visible=False, print_exception=False) from None
