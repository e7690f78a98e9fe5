"""The tab about the checkpoint that answers now: its figures, its origin, what it is not for."""

from __future__ import annotations

from html import escape

import gradio as gr
import plotly.graph_objects as go

from moodlens.interface import markup
from moodlens.interface.api_card import api_card
from moodlens.interface.model_facts import (
    Reliability,
    Standing,
    reliabilities,
    standings,
    warnings,
)
from moodlens.interface.own_parts import part_with_places
from moodlens.interface.status import other_weights
from moodlens.interface.translations import wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling import charts
from moodlens.telling.wording import Wording, capitalised

_SHOWN_ABOUT = ("top1", "top2", "pearson", "kl")


def build_about_panel(service: PredictionService, page: gr.Blocks, tab: gr.Tab) -> None:
    """Lay the tab out; the checkpoint's facts are read each time it is opened."""
    about = part_with_places("part.about")

    def look(request: gr.Request) -> dict[str, str]:
        wording = wording_of(request)
        found = standings(service)
        shown = {
            "model": _facts(service, wording),
            "figures": _figures(found, warnings(service, wording), wording)
            + _emotions(reliabilities(service), wording),
            "programs": api_card(page, request, wording),
        }
        if found:
            shown["figures-bars"] = _chart(found, wording).to_json()
        return shown

    tab.select(look, None, about, show_progress="hidden", api_visibility="private")


def _facts(service: PredictionService, wording: Wording) -> str:
    title = f"<h2>{escape(wording('about.title'))}</h2>"
    loaded = service.loaded
    if loaded is None:
        return f"{title}<p>{escape(wording('status.loading'))}</p>"
    model = loaded.predictor.model
    rows = {
        "about.name": model.name,
        "about.revision": model.revision,
        "about.source": wording(f"source.{model.source}"),
        "about.backbone": loaded.predictor.config.backbone,
        "about.license": wording.remark(loaded.license),
    }
    cells = "".join(
        f"<dt>{escape(wording(key))}</dt><dd>{escape(value)}</dd>" for key, value in rows.items()
    )
    notice = markup.notice(other_weights(loaded.notice, wording))
    return f'{title}{notice}<dl class="ml-facts">{cells}</dl>'


def _figures(found: list[Standing], notes: list[str], wording: Wording) -> str:
    title = f"<h2>{escape(wording('about.figures'))}</h2>"
    if not found:
        return f"{title}<p>{escape(wording('about.unmeasured'))}</p>"
    names = [name for name in _SHOWN_ABOUT if any(name in s.figures for s in found)]
    head = "".join(f'<th scope="col">{escape(wording(f"metric.{name}"))}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(wording(f"standing.{s.name}"))}</th>'
        + "".join(f"<td>{_figure(name, s.figures.get(name), wording)}</td>" for name in names)
        + "</tr>"
        for s in found
    )
    remarks = "".join(f'<p class="ml-why">{escape(note)}</p>' for note in notes)
    explained = "".join(
        f"<li><b>{escape(wording(f'metric.{name}'))}</b>: "
        f"{escape(wording(f'metric.{name}_why'))}</li>"
        for name in names
    )
    rows = f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    table = markup.wide_table(wording("about.figures"), rows)
    return f'{title}{table}{remarks}<ul class="ml-why">{explained}</ul>'


def _emotions(known: list[Reliability], wording: Wording) -> str:
    """Emotion by emotion: how often it leads, how often the model names it, how often rightly."""
    if not known:
        return ""
    columns = ("led", "named", "right", "pearson")
    head = "".join(f'<th scope="col">{escape(wording(f"reliability.{c}"))}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(capitalised(wording.emotion(one.emotion)))}</th>'
        f"<td>{wording.number(one.led, 0)}</td>"
        f"<td>{'–' if one.named is None else wording.number(one.named, 0)}</td>"
        f"<td>{wording.number(one.right, 0)}</td>"
        f"<td>{_figure('pearson', one.pearson, wording)}</td></tr>"
        for one in known
    )
    seldom = [wording.emotion(one.emotion) for one in known if one.is_seldom_found]
    why = (
        f'<p class="ml-why">'
        f"{escape(wording('reliability.seldom', emotions=wording.listing(seldom)))}</p>"
        if seldom
        else ""
    )
    title = wording("reliability.title")
    rows = f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    return (
        f"<h3>{escape(title)}</h3>{markup.wide_table(title, rows, elem_id='ml-reliability')}{why}"
    )


def _chart(found: list[Standing], wording: Wording) -> go.Figure:
    names = [n for n in ("top1", "pearson", "kl") if any(n in s.figures for s in found)]
    series = {wording(f"standing.{s.name}"): [s.figures.get(name) for name in names] for s in found}
    texts = {
        wording(f"standing.{s.name}"): [
            _figure(name, s.figures.get(name), wording) for name in names
        ]
        for s in found
    }
    labels = [wording(f"metric.{name}") for name in names]
    return charts.grouped_bars(labels, series, texts, wording)


def _figure(name: str, value: float | None, wording: Wording) -> str:
    if value is None:
        return "–"
    return wording.percent(value) if name.startswith("top") else wording.number(value, 2)
