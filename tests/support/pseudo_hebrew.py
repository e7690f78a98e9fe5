"""MoodLens with one more language, from right to left and in another script.

Its sentences are the English ones in Hebrew letters: nobody can read them, and everybody sees what
stands on the wrong side.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from moodlens.telling.wording import wording
from tests.support.running_app import REPOSITORY

CODE = "he"

_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "אבקדהפגחיגכלמנופקרסתוושזיצ")
_PLACEHOLDER = re.compile(r"(\{\w+\})")


def in_hebrew_letters(sentence: str) -> str:
    """The sentence, with its placeholders as they are."""
    parts = _PLACEHOLDER.split(sentence)
    return "".join(
        part if _PLACEHOLDER.fullmatch(part) else part.lower().translate(_LETTERS) for part in parts
    )


def sentences_in_hebrew_letters() -> dict[str, str]:
    """All that MoodLens says, by key."""
    return {key: in_hebrew_letters(text) for key, text in wording("en").sentences.items()}


def copy_with_hebrew(folder: Path) -> Path:
    """The repository's app in a folder, as it is but for one more file; returns its ``app.py``."""
    shutil.copytree(
        REPOSITORY / "moodlens", folder / "moodlens", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(REPOSITORY / "app.py", folder)
    sentences = sentences_in_hebrew_letters()
    file = folder / "moodlens" / "telling" / "languages" / f"{CODE}.json"
    file.write_text(json.dumps(sentences, ensure_ascii=False), encoding="utf-8")
    return folder / "app.py"
