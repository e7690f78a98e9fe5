"""The answers of many pictures as HTML: what they amount to, a gallery, a table, a CSV to keep.

Sorting and filtering happen in the browser (many.js), by the figures that each row carries.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from moodlens.emotions import EMOTIONS, PALETTE
from moodlens.interface.markup import wide_table
from moodlens.prediction import Prediction
from moodlens.telling.batch_table import BatchRow, to_csv
from moodlens.telling.headline import close_emotions
from moodlens.telling.lift import by_lift
from moodlens.telling.overlays import data_uri
from moodlens.telling.wording import Wording, capitalised, colour_emoji

_FIGURES: dict[str, Callable[[Prediction], float | None]] = {
    "neutral": lambda prediction: prediction.neutral,
    "ambiguity": lambda prediction: prediction.ambiguity,
    "certainty": lambda prediction: prediction.certainty,
    "familiarity": lambda prediction: getattr(prediction, "familiarity", None),
}
"""Shares beside the six; a column that no row fills is left out."""
_SORTABLE = ("ambiguity", "familiarity")
_MARKS = ("clear", "disputed", "unfamiliar")
"""What a picture can be looked for by, beside its dominant emotion."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One row with the small picture that the gallery shows; None for a broken file."""

    row: BatchRow
    thumbnail: Image.Image | None


@dataclass(frozen=True, slots=True)
class _Answered:
    """A file that could be read."""

    file: str
    prediction: Prediction
    thumbnail: Image.Image | None

    def figure(self, name: str) -> float | None:
        return _FIGURES[name](self.prediction)


def results(items: Sequence[BatchItem], rates: Mapping[str, float] | None, wording: Wording) -> str:
    """Everything that is said about the files, in the order in which they were chosen.

    Args:
        items: the files.
        rates: the usual share of each emotion; None where it is not known.
        wording: the language.
    """
    answered = [
        _Answered(item.row.file, item.row.prediction, item.thumbnail)
        for item in items
        if item.row.prediction is not None
    ]
    parts = [_problems(items, wording)]
    if answered:
        known = [name for name in _FIGURES if any(item.figure(name) for item in answered)]
        parts += [
            _overview(answered, wording),
            _controls(known, wording, lifts=rates is not None),
            _gallery(answered, wording),
            _table(answered, known, rates, wording),
        ]
    csv = base64.b64encode(to_csv([item.row for item in items])).decode()
    link = (
        f'<a class="ml-primary" id="many-csv" download="moodlens.csv" '
        f'href="data:text/csv;base64,{csv}">{escape(wording("many.csv"))}</a>'
    )
    return f'<div class="ml-card ml-many">{"".join(parts)}<p>{link}</p></div>'


def progress_bar(done: int, total: int, wording: Wording) -> str:
    """How many are done, as HTML."""
    label = escape(wording("many.progress", done=done, total=total))
    return (
        f'<div class="ml-progress"><progress max="{total}" value="{done}" aria-label="{label}">'
        f"</progress><span>{label}</span></div>"
    )


def summary(items: Sequence[BatchItem], wording: Wording) -> str:
    """How many were answered and how many could not be, as HTML."""
    broken = sum(1 for item in items if item.row.prediction is None)
    key = "many.done_with_problems" if broken else "many.done"
    sentence = escape(wording(key, count=len(items) - broken, broken=broken))
    return f'<p class="ml-progress" role="status">{sentence}</p>'


def _problems(items: Sequence[BatchItem], wording: Wording) -> str:
    lines = "".join(
        f"<li><bdi>{escape(item.row.file)}</bdi> {escape(item.row.problem)}</li>"
        for item in items
        if item.row.prediction is None
    )
    if not lines:
        return ""
    title = escape(wording("many.problems"))
    return f'<section id="many-problems"><h2>{title}</h2><ul>{lines}</ul></section>'


def _overview(answered: Sequence[_Answered], wording: Wording) -> str:
    """The mean of each share over all pictures, and from where to where the pictures reach."""
    rows = []
    for emotion in PALETTE:
        shares = [item.prediction.distribution[emotion.name] for item in answered]
        mean, low, high = sum(shares) / len(shares), min(shares), max(shares)
        rows.append(
            f'<tr style="--ml-emotion: {emotion.colour}"><th scope="row">'
            f'<span aria-hidden="true">{colour_emoji(emotion)}</span> '
            f"{escape(capitalised(wording.emotion(emotion.name)))}</th>"
            f'<td aria-hidden="true"><i class="ml-reach"><b style="width:{100 * mean:.1f}%"></b>'
            f'<u style="inset-inline-start:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></u>'
            "</i></td>"
            f'<td data-mean="{emotion.name}">{wording.percent(mean)}</td>'
            f"<td>{wording.percent(low)} – {wording.percent(high)}</td></tr>"
        )
    heads = "".join(
        f'<th scope="col">{escape(wording(f"many.{name}"))}</th>' for name in ("mean", "spread")
    )
    return (
        f'<section id="many-overview"><h2>{escape(wording("many.overview"))}</h2>'
        f'<table class="ml-table"><thead><tr><td></td><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def _controls(known: Sequence[str], wording: Wording, *, lifts: bool) -> str:
    orders = ["given", *EMOTIONS, *(name for name in _SORTABLE if name in known)]
    by = "".join(
        f'<option value="{name}">{escape(wording(f"many.by_{name}"))}</option>' for name in orders
    )
    if lifts:
        for name in EMOTIONS:
            title = wording("many.by_lift", emotion=capitalised(wording.emotion(name)))
            by += f'<option value="lift-{name}">{escape(title)}</option>'
    marks = [mark for mark in _MARKS if mark != "unfamiliar" or "familiarity" in known]
    filters = {
        "": wording("many.all"),
        **{name: capitalised(wording.emotion(name)) for name in EMOTIONS},
        **{mark: wording(f"many.only_{mark}") for mark in marks},
    }
    only = "".join(
        f'<option value="{value}">{escape(title)}</option>' for value, title in filters.items()
    )
    return (
        '<div class="ml-controls">'
        f"<label>{escape(wording('many.order'))} "
        f'<select id="many-order">{by}</select></label>'
        f"<label>{escape(wording('many.only'))} "
        f'<select id="many-only">{only}</select></label></div>'
    )


def _gallery(answered: Sequence[_Answered], wording: Wording) -> str:
    figures = []
    for place, item in enumerate(answered):
        if item.thumbnail is None:
            continue
        prediction = item.prediction
        name = prediction.dominant_emotion
        caption = f"{capitalised(wording.emotion(name))} {wording.percent(prediction.confidence)}"
        figures.append(
            f'<figure data-place="{place}"><img src="{data_uri(item.thumbnail)}" alt="">'
            f'<figcaption class="caption-label" title="{escape(item.file)}">'
            f"<b>{escape(caption)}</b> <span><bdi>{escape(item.file)}</bdi></span>"
            "</figcaption></figure>"
        )
    return f'<div id="many-gallery" data-list>{"".join(figures)}</div>'


def _table(
    answered: Sequence[_Answered],
    known: Sequence[str],
    rates: Mapping[str, float] | None,
    wording: Wording,
) -> str:
    columns = ["file", "dominant_emotion", *EMOTIONS, *known, "valence", "arousal"]
    head = "".join(f'<th scope="col">{escape(wording(f"column.{name}"))}</th>' for name in columns)
    body = "".join(_row(place, item, known, rates, wording) for place, item in enumerate(answered))
    rows = f"<thead><tr>{head}</tr></thead><tbody data-list>{body}</tbody>"
    return wide_table(wording("many.all"), rows, elem_id="many-table")


def _row(
    place: int,
    item: _Answered,
    known: Sequence[str],
    rates: Mapping[str, float] | None,
    wording: Wording,
) -> str:
    prediction = item.prediction
    top = prediction.dominant_emotion
    values = {**prediction.distribution, **{name: item.figure(name) for name in known}}
    lifts = {} if rates is None else {f"lift-{n}": -by_lift(n, rates)(prediction) for n in EMOTIONS}
    sortable = {**values, **lifts}
    data = "".join(f' data-{n}="{v:.4f}"' for n, v in sortable.items() if v is not None)
    shares = "".join(
        f'<td data-figure="{emotion.name}" style="--ml-emotion: {emotion.colour};'
        f'--ml-share: {100 * prediction.distribution[emotion.name]:.1f}%">'
        f"{wording.percent(prediction.distribution[emotion.name])}</td>"
        for emotion in PALETTE
    )
    others = "".join(
        f'<td data-figure="{name}">{"–" if value is None else wording.percent(value)}</td>'
        for name, value in ((name, values[name]) for name in known)
    )
    return (
        f'<tr data-place="{place}" data-top="{top}" data-marks="{_marks(prediction)}"{data}>'
        f'<th scope="row"><bdi>{escape(item.file)}</bdi></th>'
        f"<td>{escape(capitalised(wording.emotion(top)))}</td>{shares}{others}"
        f"<td>{wording.number(prediction.valence)}</td>"
        f"<td>{wording.number(prediction.arousal)}</td></tr>"
    )


def _marks(prediction: Prediction) -> str:
    """The dominant emotion and which of ``_MARKS`` fit, with spaces between."""
    leads_clearly = len(close_emotions(prediction)) == 1
    marks = [prediction.dominant_emotion, "clear" if leads_clearly else "disputed"]
    return " ".join([*marks, "unfamiliar"] if prediction.is_unfamiliar else marks)
