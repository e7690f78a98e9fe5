"""The sentence follows the distribution, and never says more than it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodlens.emotions import EMOTIONS
from moodlens.prediction import Prediction
from moodlens.telling.headline import close_emotions, dominant_sentence, headline
from moodlens.telling.wording import LANGUAGES, wording
from tests.support.predictions import MODEL, make_prediction

ENGLISH = wording("en")


@pytest.mark.parametrize(
    ("prediction", "sentence"),
    [
        (
            make_prediction(0.08, fear=0.6538, disgust=0.1874),
            "Most people would feel fear; about one in five would feel disgust.",
        ),
        (make_prediction(0.02, joy=0.9), "Nearly everyone would feel joy."),
        (
            make_prediction(0.1, joy=0.41, surprise=0.38),
            "People would disagree: joy and surprise are close.",
        ),
        (
            make_prediction(0.1, joy=0.3, surprise=0.28, fear=0.25),
            "People would disagree: joy, surprise and fear are close.",
        ),
        (make_prediction(0.1), "People would disagree widely: no feeling stands out."),
        (
            make_prediction(0.6, joy=0.8),
            "Most would feel nothing in particular; the others mainly joy.",
        ),
        (make_prediction(0.6, joy=0.4, fear=0.38), "Most would feel nothing in particular."),
        (
            make_prediction(0.34, sadness=0.6),
            "Most of those who feel something would feel sadness. "
            "About one in three would feel nothing in particular.",
        ),
        (
            make_prediction(0.05, anger=0.4, fear=0.25),
            "People would feel anger more than anything else; about one in four would feel fear.",
        ),
    ],
)
def test_headline_in_english(prediction: Prediction, sentence: str) -> None:
    assert headline(prediction, ENGLISH) == sentence


def test_headline_in_german() -> None:
    prediction = make_prediction(0.08, fear=0.6538, disgust=0.1874)

    assert headline(prediction, wording("de")) == (
        "Die meisten würden Angst empfinden; etwa ein Fünftel Ekel."
    )


@pytest.mark.parametrize(
    ("prediction", "english", "german"),
    [
        (
            make_prediction(fear=0.6538),
            "Fear, for 65\u00a0% of viewers",
            "Angst, bei 65\u00a0% der Betrachtenden",
        ),
        (
            make_prediction(joy=0.41, surprise=0.38),
            "Joy 41\u00a0% and surprise 38\u00a0%",
            "Freude 41\u00a0% und Überraschung 38\u00a0%",
        ),
        (
            make_prediction(joy=0.21),
            "Most often joy, but only for 21\u00a0% of viewers",
            "Am ehesten Freude, aber nur bei 21\u00a0% der Betrachtenden",
        ),
    ],
)
def test_dominant_sentence(prediction: Prediction, english: str, german: str) -> None:
    assert dominant_sentence(prediction, ENGLISH) == english
    assert dominant_sentence(prediction, wording("de")) == german


weights = st.lists(st.floats(0.001, 1), min_size=7, max_size=7)


@given(weights)
def test_no_single_label_where_shares_are_close(shares: list[float]) -> None:
    prediction = Prediction.from_shares(_normalised(shares), valence=5, arousal=5, model=MODEL)
    close = close_emotions(prediction)
    sentence = headline(prediction, ENGLISH)
    named = [name for name in EMOTIONS if name in sentence]

    assert close[0] == prediction.dominant_emotion
    if len(close) > 1:
        dominant = dominant_sentence(prediction, ENGLISH)
        assert "but only" in dominant or all(name in dominant.lower() for name in close)
        assert "would feel " + close[0] not in sentence
        assert len(named) != 1
    if "Most people" in sentence or "Nearly everyone" in sentence:
        assert prediction.confidence * (1 - prediction.neutral) >= 0.5
    if prediction.neutral >= 0.5:
        assert "nothing in particular" in sentence


@pytest.mark.parametrize("language", LANGUAGES)
@given(shares=weights)
def test_every_language_has_a_sentence_for_everything(language: str, shares: list[float]) -> None:
    prediction = Prediction.from_shares(_normalised(shares), valence=5, arousal=5, model=MODEL)

    sentence = headline(prediction, wording(language))

    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "{" not in sentence


def _normalised(shares: list[float]) -> list[float]:
    return [share / sum(shares) for share in shares]
