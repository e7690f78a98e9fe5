"""The document that a browser gets for ``/``: one language, and what links and searches show.

Gradio's template carries every language's sentences, describes itself as Gradio, and leaves the
style sheet to a script. All of it is put right here, once for each language, in what leaves.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from moodlens.interface.first_sight import first_sight
from moodlens.interface.gradio_parts.gradio_scripts import files_for
from moodlens.interface.gradio_parts.gradio_words import keyed_words, words_script
from moodlens.interface.page_files import PREVIEW_ADDRESS
from moodlens.interface.right_to_left import direction_script
from moodlens.interface.translations import sentences_of
from moodlens.serving.whole_answers import WholeAnswers, path_of
from moodlens.telling.wording import Wording, preferred_wording, wording

_CONFIG = re.compile(r"(<script>window\.gradio_config = )(.*?)(;</script>)", re.DOTALL)
_STARTED = re.compile(r'<script type="module" crossorigin src="([^"]+)"></script>')
_SHARING = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>', re.DOTALL)
_MARK = re.compile(r'__i18n__\{"__type__": "translation_metadata", "key": "([\w.]+)"\}')
_START = Path(__file__).with_name("start.js").read_text(encoding="utf-8")
_REMEMBERED = 16


class OneLanguage:
    """ASGI middleware: ``/`` and ``/config`` in the language that the browser asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = WholeAnswers(app, _is_page, _translate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def translated_config(config: dict[str, Any], words: Wording) -> dict[str, Any]:
    """Gradio's config with each mark of ``gr.I18n`` replaced by its sentence, and no other left."""
    sentences = sentences_of(words.language)

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return (
                _MARK.sub(lambda mark: sentences[mark[1]], value) if "__i18n__" in value else value
            )
        if isinstance(value, list):
            return [put(part) for part in value]
        if isinstance(value, dict):
            if value.get("__type__") == "translation_metadata":
                return sentences[value["key"]]
            return {name: put(part) for name, part in value.items()}
        return value

    rest = {name: part for name, part in config.items() if name != "i18n_translations"}
    return {**put(rest), "i18n_translations": {words.language: keyed_words(words)}}


def translated_document(document: str, words: Wording) -> str:
    """The whole page: its config translated, its head made ours, its first sight put in."""
    found = _CONFIG.search(document)
    if found is None:
        return document
    config = translated_config(json.loads(found[2]), words)
    head = config.pop("head", None) or ""
    config["head"] = None
    script = json.dumps(config, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&'\u2028\u2029":
        script = script.replace(sign, f"\\u{ord(sign):04x}")
    before, after = document[: found.start(2)], document[found.end(2) :]
    before = _SHARING.sub("", before).replace(
        'lang="en"', f'lang="{words.language}" dir="{words.direction}"', 1
    )
    scripts = words_script(words.language) + direction_script(words)
    before = before.replace("</style>", "</style>" + _described(config, words) + head + scripts, 1)
    if started := _STARTED.search(document):
        after = after.replace(started[0], _started_later(started[1], _types(config)), 1)
    after = after.replace("<gradio-app", first_sight(words) + "<gradio-app", 1)
    return before + script + after


def _started_later(address: str, types: frozenset[str]) -> str:
    """Gradio's scripts, asked for at once, but run only when the first sight is painted."""
    folder, _, name = address.rpartition("/")
    first, then = (
        json.dumps([f"{folder}/{file}" for file in files]) for files in files_for(name, types)
    )
    script = _START.replace("{first}", first).replace("{then}", then).replace("{address}", address)
    return f'<link rel="modulepreload" crossorigin href="{address}"><script>{script}</script>'


def _types(config: dict[str, Any]) -> frozenset[str]:
    """The types of the components that Gradio asks for, be they behind a tab."""
    return frozenset(
        part["type"] for part in config["components"] if part["props"].get("visible") is not False
    )


def _described(config: dict[str, Any], words: Wording) -> str:
    """What search engines and the previews of links show."""
    root = str(config.get("root", "")).rstrip("/")
    title = f"MoodLens: {words('header.tagline')}"
    description = words("page.description")
    properties = {
        "og:type": "website",
        "og:site_name": "MoodLens",
        "og:title": title,
        "og:description": description,
        "og:url": f"{root}/",
        "og:image": f"{root}{PREVIEW_ADDRESS}",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": words("page.preview"),
    }
    tags = [
        f"<title>{escape(title)}</title>",
        f'<meta name="description" content="{escape(description)}">',
        '<meta name="twitter:card" content="summary_large_image">',
        *(f'<meta property="{n}" content="{escape(v)}">' for n, v in properties.items()),
    ]
    return "".join(tags)


def _is_page(scope: Scope) -> bool:
    return path_of(scope).rstrip("/") in {"", "/config"}


async def _translate(scope: Scope, headers: MutableHeaders, body: bytes) -> bytes:
    words = preferred_wording(Headers(scope=scope).get("accept-language"))
    headers.add_vary_header("accept-language")
    return await run_in_threadpool(_translated, body, words.language)


@lru_cache(_REMEMBERED)
def _translated(body: bytes, language: str) -> bytes:
    words = wording(language)
    if body.startswith(b"{"):
        return json.dumps(translated_config(json.loads(body), words)).encode()
    return translated_document(body.decode("utf-8"), words).encode()
