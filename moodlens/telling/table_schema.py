"""The columns of every table of predictions: one number a column, always of the same type.

The page's CSV and ``moodlens score`` both take them from here. A change of what is listed here is
another table, so it raises ``SCHEMA_VERSION``; tables of an older one are never continued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from moodlens.emotions import EMOTIONS, NEUTRAL
from moodlens.prediction import Prediction

SCHEMA_VERSION = 2

Kind = Literal["text", "number"]
Cell = str | float | None
Row = dict[str, Cell]
"""One picture: a cell for each column of ``SCHEMA``; None where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: as it stands in the table's head.
        kind: ``text``, or ``number`` for a 64-bit float.
        meaning: what a cell says, with its range.
    """

    name: str
    kind: Kind
    meaning: str


SCHEMA: tuple[Column, ...] = (
    Column("file", "text", "the picture's name within its source"),
    Column("sha256", "text", "of the picture's bytes, hexadecimal"),
    *(Column(name, "number", f"share of viewers who feel {name}, 0 to 1") for name in EMOTIONS),
    Column(NEUTRAL.name, "number", "share of viewers who feel nothing in particular, 0 to 1"),
    Column("dominant_emotion", "text", "the largest of the six"),
    Column("confidence", "number", "the dominant emotion's share, 0 to 1"),
    Column("ambiguity", "number", "entropy of the six over ln 6; 0 all agree, 1 anything goes"),
    Column("certainty", "number", "chance, 0 to 1, that most viewers name the dominant emotion"),
    Column("familiarity", "number", "how like the training pictures it is, 0 to 1"),
    Column("valence", "number", "1 unpleasant to 9 pleasant"),
    Column("arousal", "number", "1 calm to 9 excited; rough"),
    Column("model", "text", "which network answered"),
    Column("revision", "text", "which weights: a Hub commit, or the start of their SHA-256"),
    Column("problem", "text", "why there is no answer; nothing where there is one"),
)
"""In order. Numbers are rounded as in the JSON answer: shares to four digits, scales to two."""

OF_FILMS: tuple[Column, ...] = (
    Column("seconds", "number", "of a film, from its start"),
    Column("new_shot", "number", "1 for the first moment of a shot, 0 for the others"),
)
"""They stand after ``file`` where films are taken apart."""

COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in SCHEMA)


def schema(*, films: bool = False) -> tuple[Column, ...]:
    """The columns of a table, with ``OF_FILMS`` where it has films."""
    return (SCHEMA[0], *OF_FILMS, *SCHEMA[1:]) if films else SCHEMA


def page_columns(*, films: bool = False) -> tuple[str, ...]:
    """The columns of the page's CSV: all but the hash that only a later run would look for."""
    return tuple(column.name for column in schema(films=films) if column.name != "sha256")


def answered(prediction: Prediction) -> Row:
    """The cells that a prediction fills."""
    answer = prediction.to_json()
    figures = answer["prediction"]
    model = answer["model"]
    cells: Mapping[str, Cell] = {
        **figures["probability_distribution"],
        **{name: value for name, value in figures.items() if name in COLUMN_NAMES},
        "model": model["name"],
        "revision": model["revision"],
    }
    return dict(cells)


def complete(cells: Mapping[str, Cell], columns: Sequence[Column] = SCHEMA) -> Row:
    """All columns in their order; None where the cells say nothing."""
    return {column.name: cells.get(column.name) for column in columns}
