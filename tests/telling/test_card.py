"""The card shows the result, and the picture only where it is asked for."""

import io

import numpy as np
import pytest
from PIL import Image

from moodlens.emotions import EMOTIONS, PALETTE
from moodlens.telling.card import HEIGHT, WIDTH, draw_card
from moodlens.telling.wording import LANGUAGES, Wording, wording
from tests.support.predictions import make_prediction
from tests.support.pseudo_hebrew import sentences_in_hebrew_letters

PREDICTION = make_prediction(fear=0.6, disgust=0.2)


def pixels(card: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(card)) as image:
        assert image.format == "PNG"
        assert image.size == (WIDTH, HEIGHT)
        assert not image.info
        return np.asarray(image.convert("RGB"))


def count(image: np.ndarray, colour: str) -> int:
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((image == channels).all(axis=-1).sum())


@pytest.mark.parametrize("language", LANGUAGES)
def test_bars_are_as_long_as_the_shares(language: str) -> None:
    image = pixels(draw_card(PREDICTION, wording(language)))
    areas = {emotion.name: count(image, emotion.colour) for emotion in PALETTE}

    for name in EMOTIONS:
        expected = PREDICTION.distribution[name] / PREDICTION.distribution["fear"]
        assert areas[name] / areas["fear"] == pytest.approx(expected, abs=0.02)


def test_picture_is_on_the_card_only_where_it_is_asked_for() -> None:
    picture = Image.new("RGB", (300, 200), "#123456")

    assert count(pixels(draw_card(PREDICTION, wording("en"))), "#123456") == 0
    assert count(pixels(draw_card(PREDICTION, wording("en"), picture)), "#123456") > 200_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_runs_off_the_card(language: str) -> None:
    long = make_prediction(0.3, surprise=0.3, sadness=0.28, disgust=0.25)
    image = pixels(draw_card(long, wording(language), Image.new("RGB", (9, 9))))

    assert (image[:, -20:] == 255).all()
    assert (image[-20:] == 255).all()


def test_letters_that_the_font_lacks_leave_the_card_in_english() -> None:
    hebrew = Wording("he", sentences_in_hebrew_letters(), {})

    assert draw_card(PREDICTION, hebrew) == draw_card(PREDICTION, wording("en"))
    assert draw_card(PREDICTION, wording("de")) != draw_card(PREDICTION, wording("en"))
