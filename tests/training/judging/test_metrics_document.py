import numpy as np
import pytest

from moodlens.emotions import EMOTIONS
from training.data.ratings import Ratings
from training.judging.metrics import kl_divergence
from training.judging.metrics_document import confusion, judge, worst


def _dominated_by(*emotions: str) -> Ratings:
    rows = [[0.6 if name == emotion else 0.05 for name in EMOTIONS] for emotion in emotions]
    return Ratings.of([[*row, 0.15] for row in rows], *np.full((2, len(rows)), 5.0))


def test_confusion_has_viewers_in_rows() -> None:
    true = _dominated_by("anger", "anger", "joy", "surprise")
    predicted = _dominated_by("fear", "fear", "joy", "anger")
    table = np.array(confusion(predicted, true))
    expected = np.zeros((6, 6), dtype=int)
    expected[0, 2], expected[3, 3], expected[5, 0] = 2, 1, 1
    assert table.tolist() == expected.tolist()


def test_worst_are_the_furthest_off_first() -> None:
    true = _dominated_by("joy", "joy", "joy")
    predicted = Ratings.of(
        [[0.1, 0, 0.1, 0.6, 0.1, 0.1, 0], [0.9, 0.02, 0.02, 0.02, 0.02, 0.02, 0], true.shares[2]],
        *np.full((2, 3), 5.0),
    )
    rows = worst(predicted, true, ["a", "b", "c"], count=2)
    assert [row["name"] for row in rows] == ["b", "a"]
    expected = kl_divergence(true.distribution, predicted.distribution)
    assert [row["kl"] for row in rows] == pytest.approx([expected[1], expected[0]], abs=1e-4)
    assert rows[0]["viewers"]["joy"] == pytest.approx(0.6 / 0.85, abs=1e-4)
    assert rows[0]["predicted"]["anger"] == 0.9


def test_the_class_prior_comes_from_the_known_pictures() -> None:
    true, known = _dominated_by(*["joy"] * 5), _dominated_by(*["fear"] * 5, "joy")
    names = [str(i) for i in range(5)]

    def prior(known: Ratings | None) -> dict[str, float]:
        document = judge(true, true, names, known=known, certainty=None)
        figures = document["baselines"]["class_prior"]["metrics"]
        return {name: figure["value"] for name, figure in figures.items()}

    assert prior(known)["top1"] == 0
    assert prior(None)["top1"] == 1
    assert prior(None)["kl"] == pytest.approx(0, abs=1e-6)
