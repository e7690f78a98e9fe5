"""Where each emotion's share comes from, laid over the picture.

All six overlays reach the browser with the answer; choosing one and its strength needs no request.
"""

from __future__ import annotations

from html import escape

from moodlens.emotions import PALETTE
from moodlens.interface.answer import Answer
from moodlens.telling.overlays import data_uri
from moodlens.telling.wording import Wording, capitalised, colour_emoji

CHANGE_STRENGTH = """
element.addEventListener('input', (event) => {
  if (event.target.type === 'range') {
    element.style.setProperty('--ml-strength', event.target.value / 100);
  }
});
"""
"""The script of the component that shows :func:`heat`."""


def heat(answer: Answer | None, wording: Wording) -> str:
    """The picture with its overlays and controls; nothing where there is no answer."""
    if answer is None:
        return ""
    title = f"<h3>{escape(wording('heat.title'))}</h3>"
    if answer.overlays is None:
        return f'{title}<p class="ml-why">{escape(wording("heat.unavailable"))}</p>'
    left, top, right, bottom = (100 * edge for edge in answer.box)
    place = f"left:{left:.3f}%;top:{top:.3f}%;width:{right - left:.3f}%;height:{bottom - top:.3f}%"
    overlays = "".join(
        f'<img data-emotion="{name}" src="{data_uri(overlay)}" '
        f'alt="{escape(wording("heat.alt", emotion=wording.emotion(name)))}">'
        for name, overlay in answer.overlays.items()
    )
    return (
        f'{title}<div class="ml-heat"><div class="ml-heat-picture">'
        f'<img src="{data_uri(answer.picture)}" alt="{escape(wording("heat.picture_alt"))}">'
        f'<div class="ml-heat-box" style="{place}">{overlays}</div></div>'
        f"<div>{_choices(answer, wording)}{_strength(wording)}"
        f'<p class="ml-why">{escape(wording("heat.meaning"))}</p>'
        f'<p class="ml-why">{escape(wording("heat.limits"))}</p></div></div>'
    )


def _choices(answer: Answer, wording: Wording) -> str:
    dominant = answer.prediction.dominant_emotion
    choices = "".join(
        f'<label style="--ml-emotion: {emotion.colour}"><input type="radio" name="ml-heat" '
        f'value="{emotion.name}"{" checked" if emotion.name == dominant else ""}>'
        f'<span aria-hidden="true">{colour_emoji(emotion)}</span> '
        f"{escape(capitalised(wording.emotion(emotion.name)))}</label>"
        for emotion in PALETTE
    )
    legend = escape(wording("heat.choose"))
    return f'<fieldset class="ml-choices"><legend>{legend}</legend>{choices}</fieldset>'


def _strength(wording: Wording) -> str:
    return (
        f'<label class="ml-strength"><span>{escape(wording("heat.strength"))}</span>'
        '<input type="range" min="0" max="100" value="90"></label>'
    )
