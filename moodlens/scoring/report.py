"""A table as one page that works by itself: offline, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import plotly.graph_objects as go
from PIL import Image
from plotly.offline import get_plotlyjs

from moodlens.emotions import EMOTIONS
from moodlens.errors import PictureError
from moodlens.pictures.reading import DEFAULT_LIMITS, read_picture
from moodlens.scoring.collection import Collection
from moodlens.scoring.formats import TableRow
from moodlens.scoring.sources.entries import LocalFile
from moodlens.scoring.top import Ranking
from moodlens.telling.collection_charts import (
    correlation_chart,
    grid_chart,
    histogram,
    leaders_chart,
    spread_chart,
)
from moodlens.telling.overlays import data_uri
from moodlens.telling.wording import Wording, capitalised

_STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
_THUMBNAIL = (220, 220)
_CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}


def report_page(
    collection: Collection, wording: Wording, *, title: str, pictures: Path | None = None
) -> str:
    """The whole page as HTML.

    Args:
        collection: the table, summed up.
        wording: its language.
        title: what the table is called.
        pictures: the folder in which the pictures lie that the table names; without it none are
            shown.
    """
    sections = "\n".join(_sections(collection, wording, pictures))
    heading = escape(wording("report.title", name=title))
    total, broken = collection.pictures, sum(collection.problems.values())
    summary = wording(
        "report.summary",
        pictures=wording.number(total, 0),
        problems=wording.number(broken, 0),
        model="; ".join(sorted(collection.models)),
    )
    return (
        f'<!doctype html>\n<html lang="{wording.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>\n<h1>{heading}</h1>\n"
        f'<p class="summary">{escape(summary)}</p>\n{sections}\n'
        f"<footer>{escape(wording('report.caveat'))}</footer></main></body></html>\n"
    )


def _sections(collection: Collection, wording: Wording, pictures: Path | None) -> Iterator[str]:
    if collection.pictures:
        yield _figure(
            "leaders", leaders_chart(collection.dominant, collection.means, wording), wording
        )
        yield _figure("spread", spread_chart(collection.shares, wording), wording)
        affect, doubt = collection.affect, collection.doubt
        axes = (
            (wording("plane.valence"), affect.x_range),
            (wording("plane.arousal"), affect.y_range),
        )
        yield _figure("affect", grid_chart(affect.counts, axes, wording), wording)
        if doubt.counts.any():
            axes = (
                (wording("column.certainty"), doubt.x_range),
                (wording("column.ambiguity"), doubt.y_range),
            )
            yield _figure("doubt", grid_chart(doubt.counts, axes, wording), wording)
        yield _figure("together", correlation_chart(collection.correlation, wording), wording)
        if collection.familiarity.any():
            counts = collection.familiarity.tolist()
            label = wording("report.familiarity")
            yield _figure("unfamiliar", histogram(counts, label, wording), wording)
        for ranking, rows in collection.ranked.items():
            if rows:
                yield _gallery(ranking, rows, wording, pictures)
    if collection.problems:
        yield _problems(collection, wording)


def _figure(key: str, figure: go.Figure, wording: Wording) -> str:
    chart = figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG)
    title, text = wording(f"report.{key}"), wording(f"report.{key}_text")
    return f"<section><h2>{escape(title)}</h2><p>{escape(text)}</p>{chart}</section>"


def _gallery(
    ranking: Ranking, rows: list[TableRow], wording: Wording, pictures: Path | None
) -> str:
    if ranking.column in EMOTIONS:
        title = wording("report.most", emotion=capitalised(wording.emotion(ranking.column)))
    else:
        title = wording(f"report.by_{ranking.column}")
    figures = []
    for row in rows:
        name = str(row["file"])
        picture = _thumbnail(pictures, name) if pictures else ""
        figures.append(
            f"<figure>{picture}<figcaption><b>{escape(wording.percent(row[ranking.column]))}</b> "
            f"{escape(name)}</figcaption></figure>"
        )
    kind = "gallery" if pictures else "gallery names"
    return (
        f'<section><h2>{escape(title)}</h2><div class="{kind}">{"".join(figures)}</div></section>'
    )


def _thumbnail(folder: Path, name: str) -> str:
    """A small copy within the page; a grey field where there is no such picture."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):  # a table can name any file there is
            raise PictureError("outside of the folder")
        data = LocalFile(str(path)).read(DEFAULT_LIMITS.max_bytes + 1)
        picture = read_picture(data, short_side=_THUMBNAIL[0])
    except (PictureError, OSError, ValueError):
        return '<div class="missing"></div>'
    picture.thumbnail(_THUMBNAIL, Image.Resampling.LANCZOS)
    return f'<img src="{data_uri(picture)}" alt="{escape(name)}">'


def _problems(collection: Collection, wording: Wording) -> str:
    rows = "".join(
        f"<tr><td>{wording.number(count, 0)}</td><td>{escape(wording.remark(sentence))}</td></tr>"
        for sentence, count in collection.problems.most_common(50)
    )
    return (
        f"<section><h2>{escape(wording('report.problems'))}</h2>"
        f'<div class="wide"><table>{rows}</table></div></section>'
    )
