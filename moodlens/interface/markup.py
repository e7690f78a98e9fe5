"""The parts of the page that are HTML. Whatever was not written here is escaped here."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PIL import Image

from moodlens.charts import data_uri
from moodlens.emotions import PALETTE
from moodlens.headline import dominant_sentence, headline
from moodlens.prediction import Prediction
from moodlens.wording import Wording, capitalised

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE_NAMES = ("astronaut", "cat", "coffee", "hubble_deep_field", "retina", "rocket")

_EXAMPLE_THUMBNAIL = (176, 176)

_LOGO = """<svg class="ml-logo" viewBox="0 0 48 48" aria-hidden="true">{petals}
<circle cx="24" cy="24" r="7" fill="currentColor"/></svg>"""


def static_parts(wording: Wording) -> dict[str, str]:
    """What does not change between two pictures, by the key to translate it with."""
    return {
        "part.header": _header(wording),
        "part.privacy": _paragraph("ml-privacy", wording("picture.privacy")),
        "part.subjective": _paragraph("ml-note", wording("result.subjective")),
        "part.examples": _examples(wording),
        "part.waiting": waiting(wording),
        "part.gauges": gauges(None, wording),
        "part.affect": affect(None, wording),
        "part.plane_title": f"<h3>{escape(wording('plane.title'))}</h3>",
    }


def waiting(wording: Wording) -> str:
    """The place of the headline before there is a picture."""
    return (
        f'<div class="ml-headline ml-empty" role="status"><h2>{escape(wording("result.waiting"))}</h2>'
        f"<p>{escape(wording('result.waiting_more'))}</p></div>"
    )


def answer(prediction: Prediction, wording: Wording) -> str:
    """The headline, the dominant emotion, and the shares as a table for screen readers."""
    emotion = next(e for e in PALETTE if e.name == prediction.dominant_emotion)
    return (
        f'<div class="ml-headline" role="status" style="--ml-emotion: {emotion.colour}">'
        f"<h2>{escape(headline(prediction, wording))}</h2>"
        f'<p class="ml-dominant"><span aria-hidden="true">{emotion.emoji}</span> '
        f"{escape(dominant_sentence(prediction, wording))}</p></div>" + _table(prediction, wording)
    )


def gauges(prediction: Prediction | None, wording: Wording) -> str:
    """Neutral, ambiguity and, where the checkpoint has a calibrator, certainty."""
    values = {
        "neutral": prediction.neutral if prediction else None,
        "ambiguity": prediction.ambiguity if prediction else None,
    }
    if prediction and prediction.certainty is not None:
        values["certainty"] = prediction.certainty
    cards = "".join(_gauge(name, value, wording) for name, value in values.items())
    return f'<div class="ml-gauges">{cards}</div>'


def affect(prediction: Prediction | None, wording: Wording) -> str:
    """Valence and arousal as figures with a word for each."""
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
    return f'<dl class="ml-affect">{"".join(rows)}</dl>'


def notice(sentence: str | None, *, kind: str = "warning") -> str:
    """A line above everything else; nothing at all where there is nothing to say."""
    if not sentence:
        return ""
    return f'<div class="ml-notice ml-{kind}" role="status">{escape(sentence)}</div>'


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


def _table(prediction: Prediction, wording: Wording) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(capitalised(wording.emotion(name)))}</th>'
        f'<td data-emotion="{name}" data-share="{share:.4f}">{wording.percent(share)}</td></tr>'
        for name, share in prediction.to_json()["prediction"]["probability_distribution"].items()
    )
    return (
        f'<table class="ml-hidden" id="ml-shares"><caption>{escape(wording("chart.caption"))}'
        f"</caption><tbody>{rows}</tbody></table>"
    )


def _header(wording: Wording) -> str:
    petals = "".join(
        f'<circle cx="24" cy="11.5" r="8.5" fill="{emotion.colour}" fill-opacity="0.82" '
        f'transform="rotate({60 * index} 24 24)"/>'
        for index, emotion in enumerate(PALETTE)
    )
    return (
        f'<header class="ml-header">{_LOGO.format(petals=petals)}<div><h1>MoodLens</h1>'
        f"<p>{escape(wording('header.tagline'))}</p></div></header>"
    )


def _examples(wording: Wording) -> str:
    buttons = []
    for name in EXAMPLE_NAMES:
        with Image.open(EXAMPLES / f"{name}.jpg") as photo:
            photo.thumbnail(_EXAMPLE_THUMBNAIL)
            source = data_uri(photo.convert("RGB"))
        title = escape(wording(f"example.{name}"))
        buttons.append(
            f'<button type="button" class="ml-example" data-example="{name}">'
            f'<img src="{source}" alt="" width="88" height="66"><span>{title}</span></button>'
        )
    return (
        f'<section class="ml-examples" aria-label="{escape(wording("example.title"))}">'
        f"<h3>{escape(wording('example.title'))}</h3><div>{''.join(buttons)}</div>"
        f"<p>{escape(wording('example.credits'))}</p></section>"
    )


def _paragraph(css_class: str, sentence: str) -> str:
    return f'<p class="{css_class}">{escape(sentence)}</p>'
