"""Every word that people read, in each language, with numbers written as that language does.

The sentences lie in ``languages/<code>.json``, one flat object each; such a file is all that a
language needs. English is complete by definition; a test holds the others to the same keys and
placeholders. What MoodLens refuses stands in English where it is raised, and
``languages/<code>.errors.json`` translates it, sentence by sentence, where there is one; a test
holds that to the sentences in the code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale
from babel.numbers import format_decimal

from moodlens.emotions import Emotion
from moodlens.errors import MoodLensError

NO_BREAK = "\u00a0"
"""A space at which no line ends, as between a number and its unit."""

_FOLDER = Path(__file__).parent / "languages"
_FIRST = "en"


def languages_in(folder: Path) -> tuple[str, ...]:
    """The languages that have a file there, English first, the others by their codes."""
    codes = {file.stem for file in folder.glob("*.json") if file.stem.isalpha()}
    return (_FIRST, *sorted(codes - {_FIRST}))


LANGUAGES = languages_in(_FOLDER)
"""The languages spoken; the first is for everyone whose own is not among them."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: call it with a key to get the sentence.

    Attributes:
        language: its code, such as ``en``.
        sentences: by key; placeholders as in ``str.format``.
        errors: translations of what errors say, by the English sentence or part of it.
    """

    language: str
    sentences: Mapping[str, str]
    errors: Mapping[str, str]

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
        return f"{self.number(100 * share, 0)}{NO_BREAK}%"

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, as HTML calls it."""
        return str(Locale.parse(self.language).text_direction)

    @property
    def separators(self) -> str:
        """The decimal mark and the mark between thousands, as plotly.js takes them."""
        return self.number(1234.5, 1)[-2] + self.number(1234.5, 1)[1]

    def problem(self, error: MoodLensError) -> str:
        """What the error says, in this language; in English where nobody has translated it."""
        sentence = self.errors.get(error.sentence)
        if sentence is None:
            return error.message
        return sentence.format(**{name: self._value(v) for name, v in error.values.items()})

    def remark(self, sentence: str) -> str:
        """What the server or a checkpoint says of itself, in this language where it is known."""
        return self.errors.get(sentence, sentence)

    def listing(self, parts: Sequence[str]) -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        if len(parts) < 2:
            return "".join(parts)
        return self("listing", first=", ".join(parts[:-1]), last=parts[-1])

    def _value(self, value: str | float) -> str:
        """A part of an error's sentence; fractions with three significant digits."""
        if isinstance(value, str):
            return self.errors.get(value, value)
        pattern = "#,##0" if isinstance(value, int) else "@##"
        return str(format_decimal(value, format=pattern, locale=self.language))


@cache
def wording(language: str) -> Wording:
    """One of ``LANGUAGES``."""
    name = f"{language}.errors.json"
    errors = _read(name) if (_FOLDER / name).is_file() else {}
    return Wording(language, _read(f"{language}.json"), errors)


def preferred_wording(accept_language: str | None) -> Wording:
    """The wording for a browser's Accept-Language header: the first that is spoken here."""
    for entry in (accept_language or "").split(","):
        code = entry.split(";")[0].strip().lower().split("-")[0]
        if code in LANGUAGES:
            return wording(code)
    return wording(LANGUAGES[0])


def _read(name: str) -> dict[str, str]:
    sentences: dict[str, str] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return sentences


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def colour_emoji(emotion: Emotion) -> str:
    """The emotion's emoji with the sign that asks for it in colour.

    Some text fonts hold plain outlines of the six, which browsers would take instead.
    """
    return f"{emotion.emoji}\N{VARIATION SELECTOR-16}"
