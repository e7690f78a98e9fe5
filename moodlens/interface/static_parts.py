"""The HTML that does not change between two pictures, in each language."""

from __future__ import annotations

import json
from html import escape

from moodlens.emotions import PALETTE
from moodlens.interface import markup
from moodlens.interface.film_part import film_part
from moodlens.interface.page_files import thumbnails
from moodlens.telling.wording import Wording, capitalised, colour_emoji

_LIVE_MESSAGES = (
    "running",
    "stopped",
    "minute",
    "hidden",
    "refused",
    "absent",
    "insecure",
    "failed",
)

_DIFFERENCE = """<div class="ml-details"><div id="compare-left-answer"></div>
<div id="compare-right-answer"></div></div><div class="ml-card ml-difference">
<div id="compare-summary"></div><div id="compare-bars" class="ml-plot"><div></div></div></div>"""
"""Below two pictures: what is said of each, and of both."""

_AGREEMENT = """<div class="ml-card"><div id="agreement"></div>
<div id="agreement-bars" class="ml-plot"><div></div></div></div>"""

_LOGO = """<svg class="ml-logo" viewBox="0 0 48 48" aria-hidden="true">{petals}
<circle cx="24" cy="24" r="7" fill="currentColor"/></svg>"""


def static_parts(wording: Wording) -> dict[str, str]:
    """What does not change between two pictures, by the key to translate it with."""
    return {
        "part.header": header(wording),
        "part.below_picture": _below_picture(wording),
        "part.answer": _answer(wording),
        "part.details": _details(wording),
        "part.compare": _compare(wording),
        "part.difference": _DIFFERENCE,
        "part.many": _paragraph("ml-lead", wording("many.lead")) + _folder(wording),
        "part.live": _live(wording),
        "part.film": film_part(wording),
        "part.more": _more(wording),
        "part.about": _about(wording),
        "part.agreement": _AGREEMENT,
    }


def header(wording: Wording) -> str:
    """The logo, the name and what it does."""
    petals = "".join(
        f'<circle cx="24" cy="11.5" r="8.5" fill="{emotion.colour}" fill-opacity="0.82" '
        f'transform="rotate({60 * index} 24 24)"/>'
        for index, emotion in enumerate(PALETTE)
    )
    return (
        f'<header class="ml-header">{_LOGO.format(petals=petals)}<div><h1>MoodLens</h1>'
        f"<p>{escape(wording('header.tagline'))}</p></div></header>"
    )


def bars_waiting(wording: Wording) -> str:
    """The six emotions as a legend, where their bars will stand."""
    rows = "".join(
        f'<li style="--ml-emotion: {emotion.colour}"><span aria-hidden="true">'
        f"{colour_emoji(emotion)}</span> {escape(capitalised(wording.emotion(emotion.name)))}"
        "<i></i></li>"
        for emotion in PALETTE
    )
    legend = escape(wording("chart.legend"))
    return f'<ul class="ml-legend" aria-label="{legend}">{rows}</ul>'


def subjective(wording: Wording) -> str:
    """What the answer is not."""
    return _paragraph("ml-note", wording("result.subjective"))


def _below_picture(wording: Wording) -> str:
    """What becomes of the picture, what the camera says, and others to try."""
    privacy = _paragraph("ml-privacy", wording("picture.privacy"))
    return (
        f'<div id="camera">{privacy}{_camera(wording)}</div>'
        f'<div id="examples">{_examples(wording)}</div>'
    )


def _answer(wording: Wording) -> str:
    """The answer itself: the sentence, the bars, and how to order them."""
    orders = "".join(
        f'<label><input type="radio" name="ml-order" value="{order}"'
        f"{' checked' if order == 'fixed' else ''}>{escape(wording(f'chart.{order}'))}</label>"
        for order in ("fixed", "sorted")
    )
    return (
        '<div class="ml-card ml-answer"><div id="headline">'
        f'<div id="said" class="ml-headline" role="status">{markup.waiting(wording)}</div>'
        '<div id="table"></div></div><div id="bars" class="ml-plot"><div></div></div>'
        f'<div id="bars-waiting">{bars_waiting(wording)}</div>'
        f'<fieldset id="order" class="ml-order"><legend>{escape(wording("chart.order"))}</legend>'
        f'{orders}</fieldset><div id="subjective">{subjective(wording)}</div></div>'
    )


def _details(wording: Wording) -> str:
    """What qualifies the answer: the gauges and the plane."""
    return (
        f'<div class="ml-details"><div class="ml-card">'
        f'<div id="gauges">{markup.gauges(None, wording)}</div>'
        f'<div id="affect">{markup.affect(None, wording)}</div></div>'
        f'<div class="ml-card"><h3>{escape(wording("plane.title"))}</h3>'
        '<div class="ml-one-place"><div id="plane" class="ml-plot"><div></div></div>'
        f'<div id="plane-waiting">{_plane_waiting(wording)}</div></div></div></div>'
    )


def _more(wording: Wording) -> str:
    """What only makes sense once there is an answer."""
    return (
        '<div class="ml-more"><div id="heat" class="ml-card"></div><div class="ml-wide-and-narrow">'
        f'<div id="feedback" class="ml-card"></div><div class="ml-card">{_share(wording)}</div>'
        "</div></div>"
    )


def _share(wording: Wording) -> str:
    return (
        f"<h3>{escape(wording('share.title'))}</h3>"
        '<label id="card-with-picture" class="ml-keep"><input type="checkbox"> '
        f'{escape(wording("share.with_picture"))}</label><div class="ml-live-controls">'
        f'<button type="button" id="card-button">{escape(wording("share.button"))}</button></div>'
        '<div id="card" hidden></div>'
    )


def _plane_waiting(wording: Wording) -> str:
    """The four corners of the plane, where the picture's point will stand."""
    corners = "".join(
        f"<span>{escape(wording(f'plane.{corner}'))}</span>"
        for corner in ("tense", "excited", "gloomy", "calm")
    )
    return f'<div class="ml-corners">{corners}<p>{escape(wording("plane.waiting"))}</p></div>'


def _compare(wording: Wording) -> str:
    """What the tab does, with the names of its two inputs for compare.js."""
    names = "".join(
        f' data-{side}="{escape(wording(f"compare.{side}"))}"' for side in ("left", "right")
    )
    return f'<p class="ml-lead"{names}>{escape(wording("compare.lead"))}</p>'


def _folder(wording: Wording) -> str:
    """A button for folder.js: Gradio's own input takes either files or folders."""
    return (
        '<div class="ml-live-controls"><button type="button" data-folder>'
        f"{escape(wording('many.folder'))}</button></div>"
    )


def _camera(wording: Wording) -> str:
    """An empty line that camera.js writes into."""
    return (
        f'<p class="ml-camera" role="alert" '
        f'data-refused="{escape(wording("picture.camera_refused"))}" '
        f'data-absent="{escape(wording("picture.camera_absent"))}"></p>'
    )


def _examples(wording: Wording) -> str:
    buttons = []
    for name, (address, _) in thumbnails().items():
        title = escape(wording(f"example.{name}"))
        buttons.append(
            f'<button type="button" class="ml-example" data-example="{name}">'
            f'<img src="{address}" alt="" width="88" height="66"><span>{title}</span></button>'
        )
    return (
        f'<section class="ml-examples" aria-label="{escape(wording("example.title"))}">'
        f"<h2>{escape(wording('example.title'))}</h2><div>{''.join(buttons)}</div>"
        f"<p>{escape(wording('example.credits'))}</p></section>"
    )


def _paragraph(css_class: str, sentence: str) -> str:
    return f'<p class="{css_class}">{escape(sentence)}</p>'


def _live(wording: Wording) -> str:
    """What live.js brings to life."""
    bars = "".join(
        f'<div class="ml-live-bar" data-emotion="{emotion.name}" '
        f'style="--ml-emotion: {emotion.colour}"><span>'
        f'<span aria-hidden="true">{colour_emoji(emotion)}</span> '
        f"{escape(capitalised(wording.emotion(emotion.name)))}</span>"
        "<i><b></b></i><output>–</output></div>"
        for emotion in PALETTE
    )
    messages = json.dumps({name: wording(f"live.{name}") for name in _LIVE_MESSAGES})
    return (
        f'<div class="ml-card ml-live" data-messages="{escape(messages)}">'
        f"<div><h2>{escape(wording('live.title'))}</h2><p>{escape(wording('live.lead'))}</p>"
        '<div class="ml-live-controls">'
        f'<button type="button" class="ml-primary" data-start>{escape(wording("live.start"))}'
        f'</button><button type="button" data-stop disabled>{escape(wording("live.stop"))}</button>'
        f'</div><p role="status" data-message>{escape(wording("live.idle"))}</p>'
        '<div class="ml-live-view"><video muted playsinline '
        f'aria-label="{escape(wording("live.video"))}"></video></div>'
        f'<p class="ml-privacy">{escape(wording("live.privacy"))}</p></div>'
        f'<div class="ml-live-bars"><h3>{escape(wording("chart.caption"))}</h3>{bars}</div>'
        "</div>"
    )


def _about(wording: Wording) -> str:
    """The checkpoint, what it must not be used for, its figures, and how programs ask it."""
    return (
        '<div class="ml-about"><div class="ml-details"><div id="model" class="ml-card"></div>'
        f'<div class="ml-card">{_not_for(wording)}</div></div>'
        '<div class="ml-card"><div id="figures"></div>'
        '<div id="figures-bars" class="ml-plot"><div></div></div></div>'
        '<div id="programs" class="ml-card"></div></div>'
    )


def _not_for(wording: Wording) -> str:
    """What the model must not be used for, and what it was learnt from."""
    items = "".join(f"<li>{escape(wording(f'about.not_{n}'))}</li>" for n in (1, 2, 3, 4))
    return (
        f'<div class="ml-not-for"><h2>{escape(wording("about.not_title"))}</h2><ul>{items}</ul>'
        f"<h2>{escape(wording('about.data_title'))}</h2><p>{escape(wording('about.data'))}</p></div>"
    )
