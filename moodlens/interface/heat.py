"""Where each emotion's share comes from, laid over the picture and said in words.

All six overlays reach the browser with the answer; choosing one and its strength needs no request.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from moodlens.emotions import PALETTE
from moodlens.interface.answer import Answer
from moodlens.telling.overlays import Heat, data_uri, jpeg_uri
from moodlens.telling.wording import Wording, capitalised, colour_emoji

_PLACES = (
    ("upper_left", "top", "upper_right"),
    ("left", "middle", "right"),
    ("lower_left", "bottom", "lower_right"),
)


def heat(answer: Answer | None, wording: Wording) -> str:
    """The picture with its overlays and controls; nothing where there is no answer."""
    if answer is None:
        return ""
    title = f"<h3>{escape(wording('heat.title'))}</h3>"
    heats = answer.heats
    if heats is None:
        return f'{title}<p class="ml-why">{escape(wording("heat.unavailable"))}</p>'
    left, top, right, bottom = (100 * edge for edge in answer.box)
    place = f"left:{left:.3f}%;top:{top:.3f}%;width:{right - left:.3f}%;height:{bottom - top:.3f}%"
    told = {name: told_heat(name, heat, wording) for name, heat in heats.items()}
    overlays = "".join(
        f'<img data-emotion="{name}" src="{data_uri(heat.overlay)}" '
        f'alt="{escape(wording("heat.alt", emotion=wording.emotion(name)))}">'
        for name, heat in heats.items()
    )
    dominant = answer.prediction.dominant_emotion
    return (
        f'{title}<div class="ml-heat"><div class="ml-heat-picture">'
        f'<img src="{jpeg_uri(answer.kept.jpeg())}" alt="{escape(wording("heat.picture_alt"))}">'
        f'<div class="ml-heat-box" style="{place}">{overlays}</div></div>'
        f"<div>{_choices(dominant, told, wording)}"
        f'<p class="ml-heat-told" role="status">{escape(told[dominant])}</p>'
        f"{_legend(wording)}{_strength(wording)}"
        f'<p class="ml-why">{escape(wording("heat.meaning"))}</p>'
        f'<p class="ml-why">{escape(wording("heat.limits"))}</p></div></div>'
    )


def told_heat(name: str, heat: Heat, wording: Wording) -> str:
    """Where an emotion comes from, as a sentence."""
    emotion = capitalised(wording.emotion(name))
    if heat.is_flat:
        return wording("heat.nowhere", emotion=emotion)
    row, column = heat.place
    return wording("heat.told", emotion=emotion, place=wording(f"place.{_PLACES[row][column]}"))


def _choices(dominant: str, told: Mapping[str, str], wording: Wording) -> str:
    choices = "".join(
        f'<label style="--ml-emotion: {emotion.colour}"><input type="radio" name="ml-heat" '
        f'value="{emotion.name}" data-told="{escape(told[emotion.name])}"'
        f"{' checked' if emotion.name == dominant else ''}>"
        f'<span aria-hidden="true">{colour_emoji(emotion)}</span> '
        f"{escape(capitalised(wording.emotion(emotion.name)))}</label>"
        for emotion in PALETTE
    )
    legend = escape(wording("heat.choose"))
    return f'<fieldset class="ml-choices"><legend>{legend}</legend>{choices}</fieldset>'


def _legend(wording: Wording) -> str:
    """What clear and coloured mean, in the chosen emotion's colour."""
    scales = "".join(
        f'<i data-emotion="{emotion.name}" style="--ml-emotion: {emotion.colour}"></i>'
        for emotion in PALETTE
    )
    return (
        f'<div class="ml-heat-legend"><span>{escape(wording("heat.least"))}</span>{scales}'
        f"<span>{escape(wording('heat.most'))}</span></div>"
    )


def _strength(wording: Wording) -> str:
    return (
        f'<label class="ml-strength"><span>{escape(wording("heat.strength"))}</span>'
        '<input type="range" min="0" max="100" value="90"></label>'
    )
