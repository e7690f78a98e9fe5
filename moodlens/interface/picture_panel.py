"""The first tab: one picture and everything that is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from moodlens.errors import MoodLensError, PictureError
from moodlens.feedback import FeedbackStore
from moodlens.interface.answer import Answer, answer_file
from moodlens.interface.endpoint import CONCURRENCY
from moodlens.interface.feedback_panel import connect_feedback
from moodlens.interface.own_parts import static_part
from moodlens.interface.page_files import EXAMPLE_NAMES, EXAMPLES
from moodlens.interface.picture_input import AS_SENT, build_picture_input, sent_path
from moodlens.interface.result import (
    ResultView,
    build_details,
    build_more,
    build_shares,
    show_first,
    show_rest,
)
from moodlens.interface.share_panel import connect_card
from moodlens.interface.shown_later import show_when_idle
from moodlens.interface.translations import errors_as_toasts, toast, translate, wording_of
from moodlens.serving.service import PredictionService

ANSWER_LIFETIME = 1800.0
"""Seconds after which a session's last answer is forgotten."""

_CAMERA = Path(__file__).with_name("camera.js")

_PICK_EXAMPLE = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-example]');
  if (button) trigger('click', {name: button.dataset.example});
});
"""


def build_picture_panel(service: PredictionService, store: FeedbackStore, page: gr.Blocks) -> None:
    """Lay the tab out and connect it."""
    with gr.Row(elem_classes="ml-stage"):
        with gr.Column(scale=5, min_width=320, elem_classes="ml-input"):
            picture = build_picture_input(
                label=translate("picture.label"), elem_id="picture", height=400, show_label=False
            )
            examples = static_part(
                "part.below_picture", js_on_load=_CAMERA.read_text(encoding="utf-8") + _PICK_EXAMPLE
            )
        with gr.Column(scale=6, min_width=320):
            shares = build_shares()
    details = build_details()
    answer = gr.State(time_to_live=ANSWER_LIFETIME)
    more = build_more()
    connect_feedback(more, answer, store)
    connect_card(more, answer)
    show_when_idle(page, [details, more])
    view = ResultView(answer, shares, details, more)

    def analyse(sent: dict[str, Any] | None, request: gr.Request) -> dict[Any, Any]:
        return answer_for(sent_path(sent), request)

    def answer_for(path: str | None, request: gr.Request) -> dict[Any, Any]:
        wording = wording_of(request)
        values: dict[Any, Any] = {}
        found = None
        try:
            found = answer_file(service, path) if path else None
        except MoodLensError as error:
            toast(error, wording)
            if isinstance(error, PictureError):
                values[picture] = None
        if found is not None and not found.browsers_show_it:
            values[picture] = found.picture
        return {**show_first(view, service, found, wording), **values}

    def analyse_example(request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        name = event._data.get("name")
        if name not in EXAMPLE_NAMES:
            return {picture: gr.skip()}
        # A copy among the uploads: the browser is told where the file lies.
        data = (EXAMPLES / f"{name}.jpg").read_bytes()
        path = save_bytes_to_cache(data, f"{name}.jpg", picture.GRADIO_CACHE)
        return {**answer_for(path, request), picture: path}

    def explain(answer: Answer | None, request: gr.Request) -> dict[Any, Any]:
        wording = wording_of(request)
        values: dict[Any, Any] = {}
        with errors_as_toasts(wording):
            values |= show_rest(view, service, answer, wording)
        return values

    shown_while_running: dict[str, Any] = {
        "show_progress": "minimal",
        "show_progress_on": shares,
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }
    first = [picture, *view.first]
    answered = (
        picture.input(analyse, [picture], first, **AS_SENT, **shown_while_running, **CONCURRENCY),
        examples.click(analyse_example, None, first, **shown_while_running, **CONCURRENCY),
    )
    for event in answered:
        event.then(
            explain,
            [answer],
            view.rest,
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
            queue=False,
        )
