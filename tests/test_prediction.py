import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodlens.emotions import EMOTIONS
from moodlens.prediction import ModelInfo, Prediction

MODEL = ModelInfo("name", "revision", "local")


def predict(*shares: float) -> Prediction:
    return Prediction.from_shares(shares, valence=2.904, arousal=6.1, model=MODEL)


def test_the_published_contract() -> None:
    prediction = predict(0.05, 0.19, 0.6, 0.02, 0.05, 0.04, 0.05)
    assert prediction.to_json() == {
        "status": "success",
        "prediction": {
            "dominant_emotion": "fear",
            "confidence": 0.6316,
            "probability_distribution": {
                "anger": 0.0526,
                "disgust": 0.2,
                "fear": 0.6316,
                "joy": 0.0211,
                "sadness": 0.0526,
                "surprise": 0.0421,
            },
            "neutral": 0.05,
            "ambiguity": pytest.approx(0.6382, abs=0.02),
            "valence": 2.9,
            "arousal": 6.1,
        },
        "all_emotions": list(EMOTIONS),
        "model": {"name": "name", "revision": "revision", "source": "local"},
    }


def test_the_first_wins_an_exact_tie() -> None:
    assert predict(0.0, 0.4, 0.4, 0.2, 0.0, 0.0, 0.0).dominant_emotion == "disgust"


def test_ambiguity_runs_from_agreement_to_anything_goes() -> None:
    assert predict(1, 0, 0, 0, 0, 0, 0).ambiguity == 0
    assert predict(1, 1, 1, 1, 1, 1, 0).ambiguity == pytest.approx(1)
    assert predict(1, 1, 0, 0, 0, 0, 0).ambiguity == pytest.approx(math.log(2) / math.log(6))


@given(st.lists(st.floats(1e-6, 1), min_size=7, max_size=7))
def test_rounded_shares_sum_to_one_and_stay_near(shares: list[float]) -> None:
    prediction = predict(*shares)
    rounded = prediction.to_json()["prediction"]["probability_distribution"]

    assert round(sum(round(10_000 * share) for share in rounded.values())) == 10_000
    exact = np.array([prediction.distribution[name] for name in EMOTIONS])
    assert np.abs(np.array(list(rounded.values())) - exact).max() <= 1.0001e-4


@pytest.mark.parametrize("shares", [(0.5,) * 6, (0, 0, 0, 0, 0, 0, 1)])
def test_what_is_no_distribution_is_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"seven|shares"):
        predict(*shares)
