"""The HTML of a film's feelings, which the scripts in ``film/`` bring to life.

They are modules of their own, fetched when the tab is opened. The film stays in the browser: frames
of it go to ``POST /predict`` one after another, and the chart, the strip and the moments grow.
"""

from __future__ import annotations

import json
from html import escape

from moodlens.emotions import EMOTIONS, PALETTE
from moodlens.telling.table_schema import page_columns
from moodlens.telling.wording import Wording, capitalised

_MESSAGES = (
    "opening",
    "running",
    "paused",
    "busy",
    "stopped",
    "done",
    "unplayable",
    "failed",
    "pause",
    "go_on",
    "card",
    "seconds",
)
_BY = ("change", "ambiguity", *EMOTIONS)


def film_part(wording: Wording) -> str:
    """Everything that a film needs, without a film yet."""
    words = {name: wording(f"film.{name}", **_KEPT) for name in _MESSAGES} | {
        "valence": wording("valence.title"),
        "footer": wording("card.footer"),
        "separators": wording.separators,
    }
    emotions = [
        {"name": e.name, "label": capitalised(wording.emotion(e.name)), "colour": e.colour}
        for e in PALETTE
    ]
    return (
        f'<div class="ml-card ml-film" data-state="idle" data-words="{_json(words)}" '
        f'data-emotions="{_json(emotions)}" data-columns="{_json(page_columns(films=True))}">'
        f"<h2>{escape(wording('film.title'))}</h2>"
        f"<p>{escape(wording('film.lead'))}</p>{_controls(wording)}"
        f'<p class="ml-privacy">{escape(wording("film.privacy"))}</p>{_results(wording)}</div>'
    )


_KEPT = {name: f"{{{name}}}" for name in ("now", "all", "count", "name")}
"""Placeholders that the script fills."""


def _controls(wording: Wording) -> str:
    return (
        '<div class="ml-live-controls"><label class="ml-primary ml-file">'
        f'<input type="file" accept="video/*" data-film-file>{escape(wording("film.choose"))}'
        f'</label><button type="button" data-film-pause disabled>{escape(wording("film.pause"))}'
        '</button><button type="button" data-film-stop disabled>'
        f"{escape(wording('film.stop'))}</button></div>"
        f'<p role="status" data-film-message>{escape(wording("film.idle"))}</p>'
    )


def _results(wording: Wording) -> str:
    by = "".join(f'<option value="{name}">{escape(_by(name, wording))}</option>' for name in _BY)
    kinds = "".join(
        f'<option value="{kind}">{escape(wording(f"film.{kind}"))}</option>'
        for kind in ("stacked", "lines")
    )
    return (
        '<div class="ml-film-results"><video controls muted playsinline data-film-player '
        f'aria-label="{escape(wording("film.player"))}"></video>'
        '<p class="ml-film-moment" role="status" data-film-moment></p>'
        '<div class="ml-controls">'
        f"<label>{escape(wording('film.kind'))} <select data-film-kind>{kinds}</select></label>"
        f'<label><input type="checkbox" data-film-smooth checked> '
        f"{escape(wording('film.smooth'))}</label></div>"
        f'<div class="ml-plot" data-film-chart role="img" '
        f'aria-label="{escape(wording("film.chart"))}"></div>'
        f'<div class="ml-strip" data-film-strip role="toolbar" '
        f'aria-label="{escape(wording("film.strip"))}"></div>'
        f"<label>{escape(wording('film.moments'))} <select data-film-by>{by}</select></label>"
        f'<div class="ml-strip" data-film-moments role="toolbar" '
        f'aria-label="{escape(wording("film.moments"))}"></div>'
        '<div class="ml-live-controls"><button type="button" data-film-csv disabled>'
        f"{escape(wording('many.csv'))}</button>"
        '<button type="button" data-film-card disabled>'
        f"{escape(wording('share.button'))}</button></div></div>"
    )


def _by(name: str, wording: Wording) -> str:
    if name in EMOTIONS:
        return capitalised(wording.emotion(name))
    return wording(f"film.by_{name}")


def _json(value: object) -> str:
    return escape(json.dumps(value, ensure_ascii=False))
