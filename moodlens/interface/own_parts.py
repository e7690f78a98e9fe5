"""Places for HTML and charts, which style.css alone dresses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.interface.translations import sentences_of, translate
from moodlens.telling.wording import LANGUAGES

_REPLACED = re.compile(r"`|\\|\$\{|\{\{")
_PLACES = Path(__file__).with_name("places.js").read_text(encoding="utf-8")


def own_html(value: Any = "", **settings: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styles for buttons, tables and the like."""
    return gr.HTML(value, apply_default_css=False, **settings)


def static_part(key: str, **settings: Any) -> gr.HTML:
    """One of ``static_parts``, in the language of whoever looks at the page."""
    return own_html(translate(key), **settings)


def part_with_places(key: str, *scripts: str) -> gr.HTML:
    """One of ``static_parts`` with elements that its value fills: by id their HTML or figure.

    What the value does not name stays as it is. An element of the class ``ml-plot`` takes the JSON
    of a figure: gr.Plot would make a new element for each, and lay it out twice. A browser takes as
    long for one of these parts as for any gr.HTML, even behind a tab, so that one stands for many.

    Args:
        key: of the part.
        scripts: names of files that bring it to life.

    Raises:
        ValueError: in some language the part has something in it that Gradio's templates replace.
    """
    for language in LANGUAGES:
        if found := _REPLACED.search(sentences_of(language)[key]):
            raise ValueError(f"{key} in {language!r} is a template, which cannot hold {found[0]!r}")
    files = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in scripts]
    return own_html(
        html_template=str(translate(key)),
        js_on_load="".join((_PLACES, *(f"\n{{\n{script}}}\n" for script in files))),
    )
