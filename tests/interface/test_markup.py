from dataclasses import replace

import pytest

from moodlens.interface import markup
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
