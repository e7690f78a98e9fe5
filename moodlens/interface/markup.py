"""The parts of the page that are HTML. Whatever was not written here is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from moodlens.emotions import PALETTE
from moodlens.interface.model_facts import Reliability
from moodlens.prediction import Prediction
from moodlens.telling.affect_chart import AffectError
from moodlens.telling.headline import dominant_sentence, emotions_named, headline
from moodlens.telling.wording import Wording, capitalised, colour_emoji


def waiting(wording: Wording) -> str:
    """In place of the headline before there is a picture."""
    title = escape(wording("result.waiting"))
    return f'<h2 class="ml-empty">{title}</h2><p>{escape(wording("result.waiting_more"))}</p>'


def answer(prediction: Prediction, wording: Wording, known: Sequence[Reliability] = ()) -> str:
    """The headline and the dominant emotion.

    Args:
        prediction: the answer.
        wording: the language.
        known: how far each emotion can be trusted.
    """
    named = [e for e in PALETTE if e.name in emotions_named(prediction)]
    colour = f' style="--ml-emotion: {named[0].colour}"' if len(named) == 1 else ""
    emoji = "".join(map(colour_emoji, named))
    return (
        f"<h2>{escape(headline(prediction, wording))}</h2>"
        f'<p class="ml-dominant"{colour}><span aria-hidden="true">{emoji}</span> '
        f"{escape(dominant_sentence(prediction, wording))}</p>{_unfamiliar(prediction, wording)}"
        f"{_seldom_found(prediction, wording, known)}"
    )


def _unfamiliar(prediction: Prediction, wording: Wording) -> str:
    if not prediction.is_unfamiliar:
        return ""
    return f'<p class="ml-why" id="ml-unfamiliar">{escape(wording("result.unfamiliar"))}</p>'


def _seldom_found(prediction: Prediction, wording: Wording, known: Sequence[Reliability]) -> str:
    """How often the dominant emotion was rightly named, where that is seldom."""
    for one in known:
        if one.emotion == prediction.dominant_emotion and one.is_seldom_found:
            sentence = seldom_found(one, wording)
            return f'<p class="ml-why" id="ml-seldom">{escape(sentence)}</p>'
    return ""


def seldom_found(one: Reliability, wording: Wording) -> str:
    """What was measured of an emotion that is seldom found, as a sentence."""
    values = {
        "emotion": capitalised(wording.emotion(one.emotion)),
        "led": wording.number(one.led, 0),
        "pictures": wording.number(one.pictures, 0),
        "right": wording.number(one.right, 0),
    }
    if one.named is None:
        return wording("result.never_found", **values)
    return wording("result.seldom_found", named=wording.number(one.named, 0), **values)


def shares(prediction: Prediction, wording: Wording) -> str:
    """The shares as a table, for screen readers."""
    rows = "".join(
        f'<tr><th scope="row">{escape(capitalised(wording.emotion(name)))}</th>'
        f'<td data-emotion="{name}" data-share="{share:.4f}">{wording.percent(share)}</td></tr>'
        for name, share in prediction.to_json()["prediction"]["probability_distribution"].items()
    )
    return (
        f'<table class="ml-hidden" id="ml-shares"><caption>{escape(wording("chart.caption"))}'
        f"</caption><tbody>{rows}</tbody></table>"
    )


def gauges(prediction: Prediction | None, wording: Wording) -> str:
    """Neutral, ambiguity and certainty; a dash for what is not known."""
    values = {
        name: getattr(prediction, name) if prediction else None
        for name in ("neutral", "ambiguity", "certainty")
    }
    cards = "".join(_gauge(name, value, wording) for name, value in values.items())
    return f'<div class="ml-gauges">{cards}</div>'


def affect(
    prediction: Prediction | None, wording: Wording, error: AffectError | None = None
) -> str:
    """Valence and arousal as figures with a word for each, and how far off they usually are."""
    rows = []
    for scale in ("valence", "arousal"):
        value = getattr(prediction, scale) if prediction else None
        figure = wording.number(value) if value is not None else "–"
        word = wording(f"{scale}.{_level(value)}") if value is not None else ""
        rows.append(
            f"<div><dt>{escape(wording(f'{scale}.title'))}</dt>"
            f'<dd><b id="ml-{scale}">{figure}</b> {escape(wording("scale.of_nine"))}'
            f"<span>{escape(word)}</span></dd>"
            f"<dd class='ml-why'>{escape(wording(f'{scale}.why'))}</dd></div>"
        )
    table = f'<dl class="ml-affect">{"".join(rows)}</dl>'
    if prediction is None or error is None:
        return table
    oval = wording(
        "plane.oval", valence=wording.number(error.valence), arousal=wording.number(error.arousal)
    )
    return f'{table}<p class="ml-why">{escape(oval)}</p>'


def notice(sentence: str | None, *, kind: str = "warning") -> str:
    """A line above everything else; nothing at all where there is nothing to say."""
    if not sentence:
        return ""
    return f'<div class="ml-notice ml-{kind}" role="status">{escape(sentence)}</div>'


def heading(title: str, *sentences: str) -> str:
    """A title with its sentences."""
    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<div class="ml-heading" role="status"><h2>{escape(title)}</h2>{body}</div>'


def wide_table(name: str, inside: str, *, elem_id: str = "") -> str:
    """A table that scrolls by itself where it is wider than the page.

    Args:
        name: what it is called for those who come to it by keyboard.
        inside: its rows, as HTML.
        elem_id: of the table.
    """
    marked = f' id="{elem_id}"' if elem_id else ""
    return (
        f'<div class="ml-scroll" tabindex="0" role="group" aria-label="{escape(name)}">'
        f'<table class="ml-table"{marked}>{inside}</table></div>'
    )


def short_answer(prediction: Prediction, wording: Wording) -> str:
    """The headline and the dominant emotion alone."""
    return (
        f'<div class="ml-short" role="status"><b>{escape(headline(prediction, wording))}</b>'
        f"<p>{escape(dominant_sentence(prediction, wording))}</p></div>"
    )


def _level(value: float) -> str:
    return "low" if value < 4 else "high" if value > 6 else "middle"


def _gauge(name: str, value: float | None, wording: Wording) -> str:
    title = escape(wording(f"gauge.{name}"))
    figure = wording.percent(value) if value is not None else "–"
    now = round(100 * value) if value is not None else 0
    return (
        f'<div class="ml-gauge" id="ml-{name}"><div class="ml-gauge-top"><span>{title}</span>'
        f"<b>{figure}</b></div>"
        f'<div class="ml-meter" role="meter" aria-label="{title}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{now}" aria-valuetext="{figure}">'
        f'<i style="width: {now}%"></i></div>'
        f"<p>{escape(wording(f'gauge.{name}_why'))}</p></div>"
    )
