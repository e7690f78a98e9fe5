"""The header, and the line below it: waking up, or other weights than those that were asked for."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from moodlens.interface import markup
from moodlens.interface.own_parts import own_html
from moodlens.interface.translations import translate, wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling.wording import Wording

_SCRIPT = Path(__file__).with_name("status.js")


def build_header(service: PredictionService) -> None:
    """Add both; the line asks again each second, but only until the checkpoint is loaded."""
    header = own_html(
        html_template=f'{translate("part.header")}<div id="status">${{value}}</div>',
        js_on_load=_SCRIPT.read_text(encoding="utf-8"),
    )

    def look(request: gr.Request) -> str:
        status, wording = service.status, wording_of(request)
        if status.state == "loading":
            return markup.notice(wording("status.loading"), kind="loading")
        if status.state == "failed":
            return markup.notice(wording.remark(status.notice or ""), kind="failed")
        return markup.notice(other_weights(status.notice, wording))

    header.tick(
        look,
        None,
        header,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=None,
    )


def other_weights(notice: str | None, wording: Wording) -> str:
    """That other weights answer than were asked for, and why; nothing where they do not."""
    return wording("status.notice", reason=notice) if notice else ""
