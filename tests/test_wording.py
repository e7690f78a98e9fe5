"""Each language says everything, with the same placeholders, and writes numbers its own way."""

import string

import pytest

from moodlens.wording import LANGUAGES, capitalised, preferred_wording, wording


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    def placeholders(sentences: object) -> dict[str, set[str | None]]:
        return {
            key: {field for _, field, _, _ in string.Formatter().parse(text) if field}
            for key, text in dict(sentences).items()  # type: ignore[call-overload]
        }

    assert placeholders(wording(language).sentences) == placeholders(wording("en").sentences)


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


def test_numbers_are_localised() -> None:
    assert wording("en").number(1234.56) == "1,234.6"
    assert wording("de").number(1234.56) == "1.234,6"
    assert wording("en").number(-0.04) == "0.0"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.004, "under 1 %"), (0.6538, "65 %"), (1, "100 %")]
)
def test_percent(share: float, text: str) -> None:
    assert wording("en").percent(share) == text


def test_listing() -> None:
    english = wording("en")

    assert english.listing(["joy"]) == "joy"
    assert english.listing(["joy", "fear"]) == "joy and fear"
    assert english.listing(["joy", "fear", "anger"]) == "joy, fear and anger"


def test_capitalised_keeps_the_rest() -> None:
    assert capitalised("überraschung und Wut") == "Überraschung und Wut"
