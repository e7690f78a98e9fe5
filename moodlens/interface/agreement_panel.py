"""The tab, behind a setting, that shows how far viewers and model agree."""

from __future__ import annotations

import gradio as gr

from moodlens.emotions import LABELS, NEUTRAL, PALETTE
from moodlens.feedback import FeedbackStore
from moodlens.interface import markup
from moodlens.interface.own_parts import part_with_places
from moodlens.interface.translations import wording_of
from moodlens.telling import charts
from moodlens.telling.wording import capitalised, colour_emoji


def build_agreement_panel(store: FeedbackStore, tab: gr.Tab) -> None:
    """Lay the tab out; it reads the answers each time it is opened."""
    shown = part_with_places("part.agreement")

    def look(request: gr.Request) -> dict[str, str]:
        wording = wording_of(request)
        found = store.agreement()
        if found is None:
            return {"agreement": markup.heading(wording("agreement.none"))}
        names = [
            f"{colour_emoji(emotion)} {capitalised(wording.emotion(emotion.name))}"
            for emotion in (*PALETTE, NEUTRAL)
        ]
        series = {
            wording("agreement.felt"): [found.felt[name] for name in LABELS],
            wording("agreement.predicted"): [found.predicted[name] for name in LABELS],
        }
        texts = {label: [wording.percent(v) for v in values] for label, values in series.items()}
        sentence = wording(
            "agreement.summary",
            answers=found.answers,
            pictures=found.pictures,
            kl=wording.number(found.mean_kl, 2),
        )
        bars = charts.grouped_bars(names, series, texts, wording)
        return {
            "agreement": markup.heading(
                wording("agreement.title"), sentence, wording("agreement.why")
            ),
            "agreement-bars": bars.to_json(),
        }

    tab.select(look, None, shown, show_progress="hidden", api_visibility="private")
