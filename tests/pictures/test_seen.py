"""What is kept of a picture gives the very answer that the whole would."""

from __future__ import annotations

import pytest
from PIL import Image

from moodlens.model.predictor import Predictor
from moodlens.pictures.seen import see
from moodlens.weights.pretrained import from_pretrained
from tests.support.picture_corpus import scene


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return from_pretrained()


@pytest.mark.parametrize("size", [(1500, 300), (301, 1500), (1501, 300), (400, 300)])
def test_the_centre_is_all_that_is_looked_at(predictor: Predictor, size: tuple[int, int]) -> None:
    picture = scene().resize(size)
    seen = see(picture)
    (whole,), (part,) = predictor.explain([picture]), predictor.explain([seen.centre])
    assert part.prediction.distribution == pytest.approx(whole.prediction.distribution, abs=1e-6)
    moved = [edge + seen.offset[i % 2] for i, edge in enumerate(part.box)]
    assert moved == pytest.approx(whole.box)
    assert seen.size == picture.size
    assert max(seen.centre.size) <= 2 * min(seen.centre.size)


@pytest.mark.parametrize(
    ("size", "small"), [((1440, 720), (720, 360)), ((65_535, 20), (720, 1)), ((30, 20), (30, 20))]
)
def test_the_whole_is_shown_small(size: tuple[int, int], small: tuple[int, int]) -> None:
    shown = see(Image.new("RGB", size), 720).shown
    assert shown is not None
    assert shown.size == small
