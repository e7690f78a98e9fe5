"""The answers of many pictures as gallery, table and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import gradio as gr
import pandas as pd
from PIL import Image

from moodlens.emotions import EMOTIONS
from moodlens.prediction import Prediction
from moodlens.telling.batch_table import BatchRow, to_table
from moodlens.telling.wording import Wording, capitalised

_FILE_WIDTH, _PROBLEM_WIDTH, _FIGURE_WIDTH = "190px", "340px", "124px"


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One row with the small picture that the gallery shows; None for a broken file."""

    row: BatchRow
    thumbnail: Image.Image | None


def gallery_of(
    items: Sequence[BatchItem], order: str, wording: Wording
) -> list[tuple[Image.Image, str]]:
    """Small pictures with their captions, in the order asked for."""
    shown = [
        (item.row.prediction, item.thumbnail, item.row.file)
        for item in items
        if item.row.prediction is not None and item.thumbnail is not None
    ]
    if order in EMOTIONS:
        shown.sort(key=lambda entry: -entry[0].distribution[order])
    elif order == "ambiguity":
        shown.sort(key=lambda entry: -entry[0].ambiguity)
    return [
        (thumbnail, f"{_caption(prediction, order, wording)} · {file}")
        for prediction, thumbnail, file in shown
    ]


def _caption(prediction: Prediction, order: str, wording: Wording) -> str:
    if order == "ambiguity":
        return f"{wording('gauge.ambiguity')} {wording.percent(prediction.ambiguity)}"
    name = order if order in EMOTIONS else prediction.dominant_emotion
    return f"{capitalised(wording.emotion(name))} {wording.percent(prediction.distribution[name])}"


def table_of(items: Sequence[BatchItem], wording: Wording) -> gr.Dataframe:
    """The table in the viewer's language, with rounded figures."""
    table = to_table([item.row for item in items])
    for column in ("confidence", *EMOTIONS, "neutral", "ambiguity", "certainty"):
        table[column] = table[column].map(lambda v: "" if pd.isna(v) else wording.percent(v))
    for column in ("valence", "arousal"):
        table[column] = table[column].map(lambda v: "" if pd.isna(v) else wording.number(v))
    table["dominant_emotion"] = table["dominant_emotion"].map(
        lambda name: "" if pd.isna(name) else capitalised(wording.emotion(name))
    )
    if not table["certainty"].any():
        table = table.drop(columns="certainty")
    problems = table.pop("problem")
    widths = [_FILE_WIDTH] + [_FIGURE_WIDTH] * (len(table.columns) - 1)
    if problems.any():
        table.insert(1, "problem", problems)
        widths.insert(1, _PROBLEM_WIDTH)
    titles = {name: wording(f"column.{name}") for name in table.columns}
    return gr.Dataframe(table.rename(columns=titles), column_widths=widths)


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
