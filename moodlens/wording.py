"""Every word that people read, in each language, with numbers written as that language does.

The sentences lie in ``languages/<code>.json``, one flat object each. English is complete by
definition; a test holds the others to the same keys and placeholders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.numbers import format_decimal

LANGUAGES: tuple[str, ...] = ("en", "de")
"""The languages spoken; the first is for everyone whose own is not among them."""

_FOLDER = Path(__file__).parent / "languages"


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: call it with a key to get the sentence.

    Attributes:
        language: its code, such as ``en``.
        sentences: by key; placeholders as in ``str.format``.
    """

    language: str
    sentences: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        return self.sentences[key].format(**values)

    def emotion(self, name: str) -> str:
        """The name of one of ``LABELS`` in the middle of a sentence."""
        return self.sentences[f"emotion.{name}"]

    def number(self, value: float, digits: int = 1) -> str:
        """A number with so many digits after the language's decimal mark."""
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        return str(format_decimal(round(value, digits) + 0.0, format=pattern, locale=self.language))

    def percent(self, share: float) -> str:
        """A share, 0 to 1, as whole per cent; "under 1 %" for what would round to nothing."""
        if 0 < share < 0.005:
            return self("percent.under_one")
        return f"{self.number(100 * share, 0)} %"

    def listing(self, parts: Sequence[str]) -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        if len(parts) < 2:
            return "".join(parts)
        return self("listing", first=", ".join(parts[:-1]), last=parts[-1])


@cache
def wording(language: str) -> Wording:
    """One of ``LANGUAGES``."""
    text = (_FOLDER / f"{language}.json").read_text(encoding="utf-8")
    return Wording(language, json.loads(text))


def preferred_wording(accept_language: str | None) -> Wording:
    """The wording for a browser's Accept-Language header: the first that is spoken here."""
    for entry in (accept_language or "").split(","):
        code = entry.split(";")[0].strip().lower().split("-")[0]
        if code in LANGUAGES:
            return wording(code)
    return wording(LANGUAGES[0])


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]
