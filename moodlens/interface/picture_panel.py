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
from moodlens.interface.feedback_panel import build_feedback_form, connect_feedback
from moodlens.interface.heat import HEAT_SCRIPT
from moodlens.interface.own_parts import own_html, static_part
from moodlens.interface.page_files import EXAMPLE_NAMES, EXAMPLES
from moodlens.interface.picture_input import AS_SENT, build_picture_input, sent_path
from moodlens.interface.result import (
    ResultView,
    build_details,
    build_headline,
    connect_order,
    show_first,
    show_rest,
)
from moodlens.interface.share_panel import build_share_panel
from moodlens.interface.translations import toast, translate, wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling import charts

ANSWER_LIFETIME = 1800.0
"""Seconds after which a session's last answer is forgotten."""

_CAMERA = Path(__file__).with_name("camera.js")

_PICK_EXAMPLE = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-example]');
  if (button) trigger('click', {name: button.dataset.example});
});
"""


def build_picture_panel(service: PredictionService, store: FeedbackStore) -> None:
    """Lay the tab out and connect it."""
    with gr.Row(elem_classes="ml-stage"):
        with gr.Column(scale=5, min_width=320, elem_classes="ml-input"):
            picture = build_picture_input(
                label=translate("picture.label"), elem_id="picture", height=400, show_label=False
            )
            static_part(
                "part.privacy", elem_id="camera", js_on_load=_CAMERA.read_text(encoding="utf-8")
            )
            examples = static_part("part.examples", elem_id="examples", js_on_load=_PICK_EXAMPLE)
        with gr.Column(scale=6, min_width=320):
            headline, order, bars = build_headline()
    gauges, plane, affect = build_details()
    answer = gr.State(time_to_live=ANSWER_LIFETIME)
    with gr.Column(visible=False, elem_classes="ml-more") as more:
        with gr.Column(elem_classes="ml-card"):
            heat = own_html(elem_id="heat", js_on_load=HEAT_SCRIPT)
        with gr.Row(equal_height=True):
            with gr.Column(scale=3, min_width=300, elem_classes="ml-card"):
                feedback = build_feedback_form()
            with gr.Column(scale=2, min_width=260, elem_classes="ml-card"):
                build_share_panel(answer)
    connect_feedback(feedback, answer, store)
    view = ResultView(answer, headline, order, bars, gauges, plane, affect, more, heat, feedback)

    def analyse(
        sent: dict[str, Any] | None, order: charts.Order, request: gr.Request
    ) -> dict[Any, Any]:
        return answer_for(sent_path(sent), order, request)

    def answer_for(path: str | None, order: charts.Order, request: gr.Request) -> dict[Any, Any]:
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
        return {**show_first(view, service, found, wording, order), **values}

    def analyse_example(
        order: charts.Order, request: gr.Request, event: gr.EventData
    ) -> dict[Any, Any]:
        name = event._data.get("name")
        if name not in EXAMPLE_NAMES:
            return {picture: gr.skip()}
        # A copy among the uploads: the browser is told where the file lies.
        data = (EXAMPLES / f"{name}.jpg").read_bytes()
        path = save_bytes_to_cache(data, f"{name}.jpg", picture.GRADIO_CACHE)
        return {**answer_for(path, order, request), picture: path}

    def explain(answer: Answer | None, request: gr.Request) -> dict[Any, Any]:
        return show_rest(view, service, answer, wording_of(request))

    shown_while_running: dict[str, Any] = {
        "show_progress": "minimal",
        "show_progress_on": headline,
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }
    first = [picture, *view.first]
    answered = (
        picture.input(
            analyse, [picture, order], first, **AS_SENT, **shown_while_running, **CONCURRENCY
        ),
        examples.click(analyse_example, [order], first, **shown_while_running, **CONCURRENCY),
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
    connect_order(view)
