"""The tab that lays two pictures side by side."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.emotions import EMOTIONS
from moodlens.errors import MoodLensError, PictureError
from moodlens.interface import markup
from moodlens.interface.answer import answer_file
from moodlens.interface.endpoint import CONCURRENCY
from moodlens.interface.own_parts import part_with_places, static_part
from moodlens.interface.picture_input import AS_SENT, build_picture_input, sent_path
from moodlens.interface.translations import toast, translate, wording_of
from moodlens.prediction import Prediction
from moodlens.serving.service import PredictionService
from moodlens.telling import charts
from moodlens.telling.wording import Wording, capitalised

_SCRIPT = Path(__file__).with_name("compare.js")
_SAME = 0.05
"""Differences below this are not worth a word."""


def build_compare_panel(service: PredictionService) -> None:
    """Lay the tab out and connect it."""
    static_part("part.compare", js_on_load=_SCRIPT.read_text(encoding="utf-8"))
    sides = {}
    with gr.Row(elem_classes="ml-stage"):
        for side in ("left", "right"):
            with gr.Column(min_width=300):
                picture = build_picture_input(
                    label=translate(f"compare.{side}"), elem_id=f"compare-{side}", height=300
                )
            sides[side] = picture, gr.State(time_to_live=1800.0)
    said = part_with_places("part.difference")
    states = [state for _, state in sides.values()]

    def compare(
        left: Prediction | None, right: Prediction | None, request: gr.Request
    ) -> dict[str, str]:
        wording = wording_of(request)
        shown = {
            f"compare-{side}-answer": _answer(side, prediction, wording)
            for side, prediction in zip(sides, (left, right), strict=True)
        }
        if left is None or right is None:
            return {**shown, "compare-summary": ""}
        bars = charts.difference_chart(left.distribution, right.distribution, wording)
        return {
            **shown,
            "compare-summary": markup.heading(difference_sentence(left, right, wording))
            + difference_table(left, right, wording),
            "compare-bars": bars.to_json(),
        }

    def analyse(sent: dict[str, Any] | None, request: gr.Request) -> tuple[Any, Prediction | None]:
        path = sent_path(sent)
        if path is None:
            return gr.skip(), None
        try:
            answer = answer_file(service, path)
        except MoodLensError as error:
            toast(error, wording_of(request))
            return (None if isinstance(error, PictureError) else gr.skip()), None
        return (gr.skip() if answer.browsers_show_it else answer.picture), answer.prediction

    for picture, state in sides.values():
        picture.input(
            analyse,
            picture,
            [picture, state],
            show_progress="minimal",
            show_progress_on=said,
            trigger_mode="always_last",
            api_visibility="private",
            **AS_SENT,
            **CONCURRENCY,
        ).success(
            compare,
            states,
            said,
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
            concurrency_limit=None,
        )


def _answer(side: str, prediction: Prediction | None, wording: Wording) -> str:
    if prediction is None:
        return ""
    title = f'<p class="ml-why">{escape(wording(f"compare.{side}"))}</p>'
    return title + markup.short_answer(prediction, wording)


def difference_table(left: Prediction, right: Prediction, wording: Wording) -> str:
    """What the chart shows, for screen readers."""
    heads = "".join(
        f'<th scope="col">{escape(wording(f"compare.{name}"))}</th>'
        for name in ("left", "right", "points")
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(capitalised(wording.emotion(name)))}</th>'
        f"<td>{wording.percent(left.distribution[name])}</td>"
        f"<td>{wording.percent(right.distribution[name])}</td><td>"
        f"{charts.signed(100 * (right.distribution[name] - left.distribution[name]), wording)}"
        "</td></tr>"
        for name in EMOTIONS
    )
    caption = escape(wording("chart.caption"))
    return (
        f'<table class="ml-hidden" id="compare-shares"><caption>{caption}</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def difference_sentence(left: Prediction, right: Prediction, wording: Wording) -> str:
    """What the right picture would evoke more and less of than the left."""
    by_difference = sorted(
        EMOTIONS, key=lambda name: right.distribution[name] - left.distribution[name]
    )
    least, most = by_difference[0], by_difference[-1]
    more = right.distribution[most] - left.distribution[most]
    less = right.distribution[least] - left.distribution[least]
    if max(more, -less) < _SAME:
        return wording("compare.same")
    return wording(
        "compare.difference",
        more=wording.emotion(most),
        more_points=charts.signed(100 * more, wording),
        less=wording.emotion(least),
        less_points=charts.signed(100 * less, wording),
    )
