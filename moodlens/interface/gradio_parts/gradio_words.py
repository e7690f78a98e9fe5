"""What Gradio's own buttons and marks say, in each language.

Most of it Gradio translates by keys, of which it lacks some. The rest stands in its code in English
alone, and is put right in the browser, wherever exactly that is said.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from moodlens.telling.wording import LANGUAGES, Wording, wording

_KEYS, _ATTRIBUTES = "gradio.", "attribute."
_SCRIPT = Path(__file__).with_name("gradio_words.js")


def keyed_words(words: Wording) -> dict[str, str]:
    """By Gradio's keys; they go before its own translation."""
    return _named(words, _KEYS)


@cache
def words_script(words_language: str) -> str:
    """The script that translates the rest; nothing in English."""
    if words_language == LANGUAGES[0]:
        return ""
    english, theirs = (
        _named(wording(code), _ATTRIBUTES) for code in (LANGUAGES[0], words_language)
    )
    said = {english[name]: theirs[name] for name in english}
    words = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
    return f"<script>{_SCRIPT.read_text(encoding='utf-8').replace('{words}', words)}</script>"


def _named(words: Wording, group: str) -> dict[str, str]:
    return {
        key.removeprefix(group): sentence
        for key, sentence in words.sentences.items()
        if key.startswith(group)
    }
