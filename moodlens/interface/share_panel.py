"""The result as a PNG card to download."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from moodlens.errors import MissingPictureError
from moodlens.interface.answer import Answer
from moodlens.interface.own_parts import static_part
from moodlens.interface.translations import errors_as_toasts, translate, wording_of
from moodlens.telling.card import draw_card

_FOLLOW_LINK = "() => setTimeout(() => document.querySelector('#card-file').click(), 100)"


def build_share_panel(answer: gr.State) -> None:
    """A button that makes the card, and the hidden link that then hands it over."""
    static_part("part.share")
    with_picture = gr.Checkbox(
        label=translate("share.with_picture"), container=False, elem_id="card-with-picture"
    )
    button = gr.Button(translate("share.button"), elem_id="card-button", size="md")
    file = gr.DownloadButton(translate("share.button"), visible="hidden", elem_id="card-file")

    def make(answer: Answer | None, with_picture: bool, request: gr.Request) -> Any:
        wording = wording_of(request)
        with errors_as_toasts(wording):
            if answer is None:
                raise MissingPictureError(wording("share.nothing_yet"))
            picture = answer.picture if with_picture else None
        card = draw_card(answer.prediction, wording, picture)
        return save_bytes_to_cache(card, "moodlens.png", file.GRADIO_CACHE)

    button.click(
        make,
        [answer, with_picture],
        file,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=4,
    ).success(None, None, None, js=_FOLLOW_LINK, api_visibility="private")
