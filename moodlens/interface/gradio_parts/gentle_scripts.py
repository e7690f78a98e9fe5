"""Gradio's scripts that start a page, with pauses in which the browser answers who touches it.

Where a page's scripts are all there, as on every second visit and since ``start.js`` brings them,
Gradio builds the whole page in one task. What it waited for the network in between did before, a
few words in its scripts do here: places that another version writes in another way stay as it has
them.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moodlens.interface.gradio_parts.gradio_scripts import ASSETS
from moodlens.serving.caching import FOR_A_DAY

_PAUSE = "await(globalThis.scheduler?.yield?.()??new Promise(go=>setTimeout(go)))"


class _Change(NamedTuple):
    """What is written in one place of one script.

    Attributes:
        script: the beginning of its name.
        place: found once in it.
        words: what stands there then.
    """

    script: str
    place: re.Pattern[str]
    words: str


CHANGES = (
    # The page's element is there; what it shows is asked for next.
    _Change(
        "Index-",
        re.compile(r"await (\w+)\.Client\.connect\("),
        rf"await({_PAUSE},\1.Client).connect(",
    ),
    # A page is prepared when it is made, and once more for each time it is reloaded. There was one
    # time more: when it had been reloaded no times.
    _Change(
        "Blocks-",
        re.compile(r"(\w+\(\(\)=>\{\w+\(\)),(\w+\(\(\)=>\{\w+\.reload\(\w+\.components,)"),
        r"\1&&\2",
    ),
    # A component's script is there; the component is built next.
    _Change(
        "Blocks-",
        re.compile(r"(Promise\.resolve\((\w+)\))(?=\.then\(\w+=>\{\w+===\w+&&)"),
        rf"\1.then(async script=>({_PAUSE},script))",
    ),
)


def gentle_routes() -> list[Route]:
    """The routes that have to stand before Gradio's own."""
    scripts = changed_scripts(ASSETS)
    return [Route(f"/assets/{name}", partial(_answer, script)) for name, script in scripts.items()]


def changed_scripts(folder: Path) -> dict[str, str]:
    """Name and content of the scripts in a folder of Gradio's that are other ones here."""
    changed: dict[str, str] = {}
    for change in CHANGES:
        for file in folder.glob(f"{change.script}*.js"):
            script = changed.get(file.name) or file.read_text(encoding="utf-8")
            script, places = change.place.subn(change.words, script)
            if places == 1:
                changed[file.name] = script
    return changed


async def _answer(script: str, _: Request) -> Response:
    # The file's name tells of Gradio's version alone, so nobody may keep ours for ever.
    headers = {"cache-control": FOR_A_DAY}
    return Response(script, media_type="text/javascript", headers=headers)
