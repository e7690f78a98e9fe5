"""What the page shows for one answer: headline, bars, gauges, the plane of valence and arousal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from moodlens.interface import markup
from moodlens.interface.answer import Answer
from moodlens.interface.feedback_panel import form
from moodlens.interface.heat import heat
from moodlens.interface.model_facts import affect_error, reliabilities
from moodlens.interface.own_parts import part_with_places
from moodlens.serving.service import PredictionService
from moodlens.telling import charts
from moodlens.telling.affect_chart import affect_plane
from moodlens.telling.wording import Wording


@dataclass(frozen=True, slots=True)
class ResultView:
    """The components of one result, already laid out.

    Attributes:
        answer: the answer that is shown, or None.
        shares: the sentence and the six bars.
        details: neutral, ambiguity, certainty; valence and arousal, in figures and as a point.
        more: where in the picture it comes from; what the viewer felt; a card to keep.
    """

    answer: gr.State
    shares: gr.HTML
    details: gr.HTML
    more: gr.HTML

    @property
    def first(self) -> list[gr.blocks.Block]:
        """What :func:`show_first` sets."""
        return [self.answer, self.shares]

    @property
    def rest(self) -> list[gr.blocks.Block]:
        """What :func:`show_rest` sets."""
        return [self.details, self.more]


def build_shares() -> gr.HTML:
    """The answer itself: the sentence, the bars, and how to order them."""
    return part_with_places("part.answer", "answer.js")


def build_details() -> gr.HTML:
    """What qualifies the answer: the gauges and the plane."""
    return part_with_places("part.details")


def build_more() -> gr.HTML:
    """What only makes sense once there is an answer; nothing is seen of it before."""
    return part_with_places("part.more", "heat.js", "feedback.js", "share.js")


def show_first(
    view: ResultView, service: PredictionService, answer: Answer | None, wording: Wording
) -> dict[Any, Any]:
    """The values of ``view.first`` for an answer, or for none yet."""
    prediction = answer.prediction if answer else None
    bars = charts.share_chart(prediction.distribution if prediction else None, wording)
    return {
        view.answer: answer,
        view.shares: {
            "said": markup.answer(prediction, wording, reliabilities(service))
            if prediction
            else markup.waiting(wording),
            "table": markup.shares(prediction, wording) if prediction else "",
            "bars": bars.to_json(),
        },
    }


def show_rest(
    view: ResultView, service: PredictionService, answer: Answer | None, wording: Wording
) -> dict[Any, Any]:
    """The values of ``view.rest``: what stands below, and may come a moment later."""
    prediction = answer.prediction if answer else None
    error = affect_error(service)
    return {
        view.details: {
            "gauges": markup.gauges(prediction, wording),
            "affect": markup.affect(prediction, wording, error),
            "plane": affect_plane(prediction, wording, error).to_json(),
        },
        view.more: {"heat": heat(answer, wording), "feedback": form(wording)},
    }
