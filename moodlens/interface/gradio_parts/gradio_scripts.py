"""The files of Gradio's that a page of certain components makes a browser fetch.

They find each other one behind the other, and ask for all of a page's at once, in one long task.
Who knows them before can ask for them sooner and in peace. Their names hold hashes, and stand in
them as Vite has written them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import gradio as gr

ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"

_NAMES = re.compile(r"m\.f=(\[.*?\])")
_IMPORT = re.compile(
    r"import\(`\./([^`]+)`\)(?:(?!import\().){0,60}?,__vite__mapDeps\(\[([\d,]*)\]\)"
)
_COMPONENT = re.compile(r"(\w+):\{(?=\w+:\(\)=>)")


def chart_file() -> str:
    """The script that draws Plotly's figures, Plotly itself within it.

    Raises:
        RuntimeError: this Gradio has none.
    """
    for file in ASSETS.glob("PlotlyPlot-*.js"):
        return file.name
    raise RuntimeError("This Gradio draws no charts: install the version in requirements.txt.")


class Files(NamedTuple):
    """Scripts and style sheets, each in the order in which they are asked for.

    Attributes:
        first: without them Gradio's element cannot begin.
        then: for the page that it builds, and the page's components.
    """

    first: tuple[str, ...]
    then: tuple[str, ...]


@cache
def files_for(started: str, types: frozenset[str]) -> Files:
    """What the script of the name ``started`` asks for, for components of these types.

    Empty where another Gradio writes its scripts in another way: they find them all the same.
    """
    first: dict[str, None] = {}
    then: dict[str, None] = {}
    for page, files in _imports(started).items():
        first |= dict.fromkeys(files)
        for name, more in _imports(page).items():
            if name.startswith("Blocks-"):
                then |= dict.fromkeys(more)
        if page.startswith("core-"):
            then |= dict.fromkeys(_files_of_components(page, types))
    first.pop(started, None)
    return Files(tuple(first), tuple(name for name in then if name not in {started, *first}))


def _files_of_components(script: str, types: Iterable[str]) -> Iterator[str]:
    text, names = _read(script)
    starts = [(match.start(), match[1]) for match in _COMPONENT.finditer(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    for (start, kind), end in zip(starts, ends, strict=True):
        component = text.find("component:", start, end)
        if kind in types and component >= 0 and (match := _IMPORT.search(text, component, end)):
            yield from _named(match[2], names)


def _imports(script: str) -> dict[str, list[str]]:
    """Each script that this one may import later, with all that has to be there for it."""
    text, names = _read(script)
    return {match[1]: _named(match[2], names) for match in _IMPORT.finditer(text)}


def _named(numbers: str, names: list[str]) -> list[str]:
    return [names[int(number)] for number in numbers.split(",") if number]


@cache
def _read(script: str) -> tuple[str, list[str]]:
    path = ASSETS / script
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = _NAMES.search(text)
    return text, [name.removeprefix("./") for name in json.loads(found[1])] if found else []
