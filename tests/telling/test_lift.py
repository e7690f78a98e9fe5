import pytest

from moodlens.telling.lift import by_lift, lift, outstanding
from tests.support.predictions import make_prediction

USUAL = {
    "anger": 0.03,
    "disgust": 0.12,
    "fear": 0.17,
    "joy": 0.34,
    "sadness": 0.2,
    "surprise": 0.14,
}


def test_a_rare_emotion_stands_out_before_it_leads() -> None:
    angry = make_prediction(anger=0.25, joy=0.4)
    assert angry.dominant_emotion == "joy"
    assert outstanding(angry, USUAL) == "anger"
    assert lift(angry, "anger", USUAL) == pytest.approx(0.25 / 0.03)


def test_the_most_surprising_is_not_merely_surprising_too() -> None:
    """The same share of surprise, beside joy at its usual share or beside a burst of disgust."""
    first = make_prediction(surprise=0.3, joy=0.5, disgust=0.05)
    second = make_prediction(surprise=0.3, joy=0.1, disgust=0.45)
    third = make_prediction(surprise=0.1, joy=0.6)
    order = sorted([third, second, first], key=by_lift("surprise", USUAL))
    assert order == [first, second, third]


def test_an_emotion_that_nobody_ever_felt_divides_by_nothing_of_zero() -> None:
    assert lift(make_prediction(anger=0.5), "anger", {**USUAL, "anger": 0.0}) < 1000
