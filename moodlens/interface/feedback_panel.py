"""What did you feel? Six sliders, or one click."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr

from moodlens.emotions import LABELS, NEUTRAL, PALETTE
from moodlens.errors import MoodLensError
from moodlens.feedback import FeedbackError, FeedbackStore, TooManyAnswersError, normalise
from moodlens.interface.answer import Answer
from moodlens.interface.translations import errors_as_toasts, wording_of
from moodlens.serving.once import Once, Rate, client_address
from moodlens.telling.wording import Wording, capitalised, colour_emoji

_AT_ONCE, _SECONDS_EACH = 20, 6.0
"""A client's answers: so many in a row, and then one each few seconds."""


def connect_feedback(panel: gr.HTML, answer: gr.State, store: FeedbackStore) -> None:
    """Store what the form sends, once for each answer."""
    told, rate = Once(), Rate(_AT_ONCE, _SECONDS_EACH)

    def keep(
        answer: Answer | None, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, Answer | None]:
        wording = wording_of(request)
        with errors_as_toasts(wording):
            if answer is None:
                raise FeedbackError(wording("feedback.too_late"))
            if answer.felt_is_known:
                return gr.skip(), answer
            felt, by_click, keep_picture = _read(event._data)
            normalise(felt)  # what cannot be read may be sent again
            answered = request.session_hash, answer.sha256
            if not told.claim(answered):
                return gr.skip(), answer
            try:
                peer = request.client.host if request.client else ""
                if not rate.allows(client_address(peer, request.headers)):
                    raise TooManyAnswersError
                store.add(
                    felt,
                    answer.prediction,
                    way="click" if by_click else "sliders",
                    sha256=answer.sha256,
                    picture=answer.picture if keep_picture else None,
                )
            except MoodLensError:
                told.undo(answered)
                raise
        thanks = _thanks(normalise(felt), answer, wording)
        return {"feedback": thanks}, replace(answer, felt_is_known=True)

    panel.felt(
        keep,
        answer,
        [panel, answer],
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=4,
    )


def form(wording: Wording) -> str:
    """The questions for one answer."""
    clicks = "".join(
        f'<button type="button" data-felt="{emotion.name}"><span aria-hidden="true">'
        f"{colour_emoji(emotion)}</span> "
        f"{escape(capitalised(wording.emotion(emotion.name)))}</button>"
        for emotion in (*PALETTE, NEUTRAL)
    )
    sliders = "".join(
        f'<label style="--ml-emotion: {emotion.colour}"><span>'
        f"{escape(capitalised(wording.emotion(emotion.name)))}</span>"
        f'<input type="range" min="0" max="100" value="0" data-slider="{emotion.name}">'
        f"<output>{wording.percent(0)}</output></label>"
        for emotion in PALETTE
    )
    return (
        f"<h3>{escape(wording('feedback.title'))}</h3>"
        f'<p class="ml-why">{escape(wording("feedback.stored"))}</p>'
        f'<div class="ml-clicks">{clicks}</div>'
        f"<details><summary>{escape(wording('feedback.mixed'))}</summary>"
        f'<div class="ml-sliders">{sliders}</div>'
        f'<button type="button" class="ml-primary" data-send disabled>'
        f"{escape(wording('feedback.send'))}</button></details>"
        '<label class="ml-keep"><input type="checkbox" data-keep> '
        f"{escape(wording('feedback.keep_picture'))}</label>"
    )


def _thanks(felt: dict[str, float], answer: Answer, wording: Wording) -> str:
    own = max(LABELS, key=lambda name: felt[name])
    share = (
        answer.prediction.neutral if own == NEUTRAL.name else answer.prediction.distribution[own]
    )
    sentence = wording(
        "feedback.thanks_neutral" if own == NEUTRAL.name else "feedback.thanks",
        emotion=wording.emotion(own),
        share=wording.percent(share),
    )
    return (
        f'<div role="status"><h3>{escape(wording("feedback.thank_you"))}</h3>'
        f"<p>{escape(sentence)}</p></div>"
    )


def _read(data: Any) -> tuple[dict[str, float], bool, bool]:
    """What the browser sent: weights, whether by one click, whether to keep the picture."""
    felt = data.get("felt") if isinstance(data, dict) else None
    if not isinstance(felt, dict) or len(json.dumps(felt)) > 1000:
        raise FeedbackError("That answer cannot be read.")
    return felt, data.get("click") is True, data.get("keep") is True
