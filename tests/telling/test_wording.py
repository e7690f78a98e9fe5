"""Each language says everything, with the same placeholders, and writes numbers its own way."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import moodlens
from moodlens.errors import PictureTooLargeError
from moodlens.model.checkpoint import RESEARCH_USE
from moodlens.pictures.kinds import _OTHER_SIGNATURES
from moodlens.pictures.reading import PictureLimits, read_picture
from moodlens.telling.wording import (
    LANGUAGES,
    Wording,
    capitalised,
    languages_in,
    preferred_wording,
    wording,
)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    def placeholders(sentences: object) -> dict[str, set[str | None]]:
        return {
            key: {field for _, field, _, _ in string.Formatter().parse(text) if field}
            for key, text in dict(sentences).items()  # type: ignore[call-overload]
        }

    assert placeholders(wording(language).sentences) == placeholders(wording("en").sentences)


SHOWN_ON_THE_PAGE = (
    "pictures/reading.py",
    "pictures/kinds.py",
    "pictures/budget.py",
    "serving/service.py",
    "serving/batching.py",
    "feedback.py",
)
ERRORS = ("MoodLensError", "BusyError", "FeedbackError", "ForeignFileError")


def sentences_of_errors() -> Iterator[str]:
    """What the errors that a viewer can meet say, as it stands in the code."""
    for name in (*SHOWN_ON_THE_PAGE, "interface/picture_input.py"):
        source = (Path(moodlens.__file__).parent / name).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            if called in ERRORS or called.startswith(("Picture", "MissingPicture", "Unsupported")):
                for part in ast.walk(node.args[0]):
                    assert not isinstance(part, ast.JoinedStr), f"no placeholder: {part.lineno}"
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value
    yield from (kind for _, kind in _OTHER_SIGNATURES)
    yield RESEARCH_USE


WITH_ERRORS = [code for code in LANGUAGES if wording(code).errors]


@pytest.mark.parametrize("language", WITH_ERRORS)
def test_errors_are_translated(language: str) -> None:
    def fields(text: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field}

    assert "de" in WITH_ERRORS
    translations = wording(language).errors
    sentences = set(sentences_of_errors())

    assert len(sentences) > 40
    assert sentences - set(translations) == set()
    assert {t for s, t in translations.items() if fields(s) != fields(t)} == set()


def test_an_error_in_two_languages() -> None:
    with pytest.raises(PictureTooLargeError) as caught:
        read_picture(b"\0" * 1_260_000, limits=PictureLimits(max_bytes=1_000_000))

    assert wording("en").problem(caught.value) == "The file has 1.3 MB; the limit is 1 MB."
    assert wording("de").problem(caught.value) == "Die Datei hat 1,26 MB; erlaubt sind 1 MB."


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_that_nobody_has_translated(language: str) -> None:
    error = PictureTooLargeError("A {thing} in braces.")

    assert wording(language).problem(error) == "A {thing} in braces."


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR,de;q=0.5", "de"),
        ("fr", "en"),
        ("EN-gb", "en"),
        ("*;q=x,,;", "en"),
    ],
)
def test_language_of_a_browser(header: str | None, language: str) -> None:
    assert preferred_wording(header).language == language
    assert preferred_wording(header).direction == "ltr"


def test_numbers_are_localised() -> None:
    assert wording("en").number(1234.56) == "1,234.6"
    assert wording("de").number(1234.56) == "1.234,6"
    assert wording("en").number(-0.04) == "0.0"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0\u00a0%"), (0.004, "under 1\u00a0%"), (0.6538, "65\u00a0%"), (1, "100\u00a0%")],
)
def test_percent(share: float, text: str) -> None:
    assert wording("en").percent(share) == text


def test_a_file_is_all_that_a_language_needs(tmp_path: Path) -> None:
    for name in ("en.json", "he.json", "de.json", "de.errors.json"):
        (tmp_path / name).write_text("{}")

    assert languages_in(tmp_path) == ("en", "de", "he")
    assert Wording("he", wording("en").sentences, {}).direction == "rtl"


def test_listing() -> None:
    english = wording("en")

    assert english.listing(["joy"]) == "joy"
    assert english.listing(["joy", "fear"]) == "joy and fear"
    assert english.listing(["joy", "fear", "anger"]) == "joy, fear and anger"


def test_capitalised_keeps_the_rest() -> None:
    assert capitalised("überraschung und Wut") == "Überraschung und Wut"
