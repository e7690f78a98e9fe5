from dataclasses import replace

import pytest

from moodlens.interface import markup
from moodlens.interface.model_facts import Reliability
from moodlens.telling.wording import wording
from tests.support.predictions import make_prediction

SENTENCES = {
    "en": "This picture is unlike those that MoodLens learned from; take the answer lightly.",
    "de": "Dieses Bild gleicht denen nicht, aus denen MoodLens gelernt hat; nehmen Sie die Antwort",
}


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize(("familiarity", "said"), [(0.0499, True), (0.05, False), (None, False)])
def test_only_an_unfamiliar_picture_is_called_so(
    language: str, familiarity: float | None, said: bool
) -> None:
    prediction = replace(make_prediction(fear=0.6), familiarity=familiarity)
    assert (SENTENCES[language] in markup.answer(prediction, wording(language))) == said


KNOWN = [
    Reliability("surprise", led=115, named=33, right=8, pearson=0.6, pictures=1584),
    Reliability("joy", led=596, named=706, right=486, pearson=0.78, pictures=1584),
    Reliability("anger", led=28, named=None, right=0, pearson=0.47, pictures=1584),
]


@pytest.mark.parametrize(
    ("emotion", "language", "said"),
    [
        ("surprise", "en", "led the votes on 115 of 1,584 pictures; MoodLens put it first on 33,"),
        ("surprise", "de", "Bei 115 von 1.584 Bildern lag dieses Gefühl vorn; MoodLens setzte es"),
        ("anger", "en", "Anger is seldom found: it led the votes on 28 of 1,584 pictures, and"),
        ("joy", "en", None),
        ("fear", "en", None),  # nothing is known of it
    ],
)
def test_an_emotion_that_is_seldom_found_is_named_with_how_seldom(
    emotion: str, language: str, said: str | None
) -> None:
    page = markup.answer(make_prediction(**{emotion: 0.6}), wording(language), KNOWN)
    assert ("ml-seldom" in page) == (said is not None)
    assert said is None or said in page
