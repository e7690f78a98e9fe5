"""The result as a PNG card to download."""

from __future__ import annotations

import base64

import gradio as gr

from moodlens.errors import MissingPictureError
from moodlens.interface.answer import Answer
from moodlens.interface.translations import errors_as_toasts, wording_of
from moodlens.telling.card import draw_card


def connect_card(panel: gr.HTML, answer: gr.State) -> None:
    """Draw the card when it is asked for, as a link that the browser follows; no disk holds it."""

    def make(answer: Answer | None, request: gr.Request, event: gr.EventData) -> dict[str, str]:
        wording = wording_of(request)
        with errors_as_toasts(wording):
            if answer is None:
                raise MissingPictureError(wording("share.nothing_yet"))
            asked = event._data
            with_picture = isinstance(asked, dict) and asked.get("with_picture") is True
            picture = answer.picture if with_picture else None
        card = base64.b64encode(draw_card(answer.prediction, wording, picture)).decode()
        return {"card": f'<a href="data:image/png;base64,{card}" download="moodlens.png"></a>'}

    panel.card(
        make,
        answer,
        panel,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=4,
    )
