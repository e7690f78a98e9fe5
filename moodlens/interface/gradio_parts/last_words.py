"""No event of the page ends without a sentence.

Gradio tells a client ``{"error": null}`` where a function, or Gradio itself, fails in a way that
nobody foresaw, and puts the text of the exception into the stream where the stream fails.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio import queueing, route_utils, routes, utils
from gradio.route_utils import FnIndexInferError
from gradio.server_messages import UnexpectedErrorMessage

from moodlens.errors import DiskFullError, MoodLensError, NotHereError
from moodlens.serving.failures import WENT_WRONG, disk_is_full

_MOST_CHARACTERS = 300
_SESSION_LOST = "This session is not known here any more; please reload the page."

_payload_of = utils.error_payload
_find = route_utils.get_fn


def error_payload(error: BaseException | None, show_error: bool) -> dict[str, Any]:
    """What a client is told of an event that failed; in place of Gradio's function of that name."""
    if isinstance(error, gr.Error):
        told: dict[str, Any] = _payload_of(error, show_error)
        message = str(told["error"] or WENT_WRONG).encode("utf-8", "replace").decode()
        if len(message) > _MOST_CHARACTERS:  # Gradio repeats the value that it refuses
            message = "This request cannot be read."
        return {**told, "error": message}
    if disk_is_full(error):
        error = DiskFullError()
    message = error.message if isinstance(error, MoodLensError) else WENT_WRONG
    return _payload_of(gr.Error(message), show_error)


def get_fn(*args: Any, **settings: Any) -> Any:
    """In place of Gradio's: one of the page's functions.

    Raises:
        NotHereError: it has no such function.
    """
    try:
        return _find(*args, **settings)
    except (KeyError, FnIndexInferError):
        raise NotHereError from None


class StreamBroke(UnexpectedErrorMessage):
    """What a client is told whose stream of events fails."""

    def __init__(self, **values: Any) -> None:
        lost = values.get("session_not_found")
        if values.get("message") != "Server stopped unexpectedly.":
            values["message"] = _SESSION_LOST if lost else WENT_WRONG
        super().__init__(**values)


def have_last_words() -> None:
    """Use these from now on."""
    route_utils.get_fn = get_fn
    queueing.error_payload = error_payload
    utils.error_payload = error_payload
    routes.UnexpectedErrorMessage = StreamBroke
