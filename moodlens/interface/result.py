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
from moodlens.interface.own_parts import own_chart, static_part
from moodlens.interface.translations import translate, wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling import charts
from moodlens.telling.affect_chart import affect_plane
from moodlens.telling.wording import Wording


@dataclass(frozen=True, slots=True)
class ResultView:
    """The components of one result, already laid out.

    Attributes:
        answer: the answer that is shown, or None.
        headline: the sentence.
        order: ``fixed`` or ``sorted``.
        bars: the six shares.
        gauges: neutral, ambiguity, certainty.
        plane: the circumplex.
        affect: valence and arousal in figures.
        more: what only makes sense once there is an answer.
        heat: where in the picture the answer comes from.
        feedback: what the viewer felt.
    """

    answer: gr.State
    headline: gr.HTML
    order: gr.Radio
    bars: gr.HTML
    gauges: gr.HTML
    plane: gr.HTML
    affect: gr.HTML
    more: gr.Column
    heat: gr.HTML
    feedback: gr.HTML

    @property
    def first(self) -> list[gr.blocks.Block]:
        """What :func:`show_first` sets."""
        return [self.answer, self.headline, self.bars]

    @property
    def rest(self) -> list[gr.blocks.Block]:
        """What :func:`show_rest` sets."""
        return [self.gauges, self.plane, self.affect, self.more, self.heat, self.feedback]


def build_headline() -> tuple[gr.HTML, gr.Radio, gr.HTML]:
    """Lay out the answer itself: the sentence, the bars, and how to order them."""
    with gr.Column(elem_classes=["ml-card", "ml-answer"]):
        headline = static_part("part.waiting", elem_id="headline")
        static_part("part.bars_waiting", elem_id="bars-waiting")
        bars = own_chart(elem_id="bars")
        order = gr.Radio(
            [(translate("chart.fixed"), "fixed"), (translate("chart.sorted"), "sorted")],
            value="fixed",
            label=translate("chart.order"),
            elem_id="order",
            elem_classes="ml-order",
            container=False,
        )
        static_part("part.subjective", elem_id="subjective")
    return headline, order, bars


def build_details() -> tuple[gr.HTML, gr.HTML, gr.HTML]:
    """Lay out what qualifies the answer: the gauges and the plane."""
    with gr.Row(elem_classes="ml-details", equal_height=True):
        with gr.Column(min_width=300, elem_classes="ml-card"):
            gauges = static_part("part.gauges", elem_id="gauges")
            affect = static_part("part.affect", elem_id="affect")
        with gr.Column(min_width=300, elem_classes="ml-card"):
            static_part("part.plane_title")
            static_part("part.plane_waiting", elem_id="plane-waiting")
            plane = own_chart(elem_id="plane")
    return gauges, plane, affect


def show_first(
    view: ResultView,
    service: PredictionService,
    answer: Answer | None,
    wording: Wording,
    order: charts.Order,
) -> dict[Any, Any]:
    """The values of ``view.first`` for an answer, or for none yet."""
    prediction = answer.prediction if answer else None
    return {
        view.answer: answer,
        view.headline: markup.answer(prediction, wording, reliabilities(service))
        if prediction
        else markup.waiting(wording),
        view.bars: charts.share_chart(
            prediction.distribution if prediction else None, wording, order
        ).to_json(),
    }


def show_rest(
    view: ResultView, service: PredictionService, answer: Answer | None, wording: Wording
) -> dict[Any, Any]:
    """The values of ``view.rest``: what stands below, and may come a moment later."""
    prediction = answer.prediction if answer else None
    error = affect_error(service)
    return {
        view.gauges: markup.gauges(prediction, wording),
        view.plane: affect_plane(prediction, wording, error).to_json(),
        view.affect: markup.affect(prediction, wording, error),
        view.more: gr.Column(visible=answer is not None),
        view.heat: heat(answer, wording),
        view.feedback: form(wording),
    }


def connect_order(view: ResultView) -> None:
    """Draw the bars anew when another order is chosen; the network is not asked again."""

    def reorder(answer: Answer | None, order: charts.Order, request: gr.Request) -> Any:
        distribution = answer.prediction.distribution if answer else None
        return charts.share_chart(distribution, wording_of(request), order).to_json()

    view.order.input(
        reorder,
        [view.answer, view.order],
        view.bars,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=None,
    )
