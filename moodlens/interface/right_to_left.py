"""What a page needs to run from right to left, where its language does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from moodlens.telling.wording import Wording

_SCRIPT = Path(__file__).with_name("right_to_left.js")


def direction_script(words: Wording) -> str:
    """The script that lets Gradio's blocks follow the page; nothing for left to right."""
    return _script() if words.direction == "rtl" else ""


@cache
def _script() -> str:
    return f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>"
