import numpy as np
import pytest
from matplotlib.lines import Line2D

from moodlens.emotions import EMOTIONS
from moodlens.model.certainty import Certainty
from training.data.ratings import Ratings
from training.judging.certainty_fit import reliability
from training.judging.metrics_document import judge
from training.judging.plots import (
    confusion_matrix,
    coverage_curve,
    reliability_diagram,
    share_scatter,
)

RNG = np.random.default_rng(0)
TRUE = Ratings.of(RNG.dirichlet(np.ones(7), 40), *np.full((2, 40), 5.0))
PREDICTED = Ratings.of(RNG.dirichlet(np.ones(7), 40), *np.full((2, 40), 5.0))
NAMES = [str(i) for i in range(40)]
SURE = Certainty(intercept=0, top_share=1, margin=1, ambiguity=0, neutral=0)


def _points(line: Line2D) -> list[tuple[float, float]]:
    return [(x, y) for x, y in np.asarray(line.get_xydata()).tolist()]


def test_scatter_has_predictions_across_and_viewers_up() -> None:
    document = judge(PREDICTED, TRUE, NAMES, known=None, certainty=None)
    panels = share_scatter(document["per_emotion"], PREDICTED, TRUE).axes
    for index, (panel, emotion) in enumerate(zip(panels, EMOTIONS, strict=True)):
        points = np.asarray(panel.collections[0].get_offsets())
        assert points[:, 0] == pytest.approx(PREDICTED.distribution[:, index])
        assert points[:, 1] == pytest.approx(TRUE.distribution[:, index])
        r = np.corrcoef(points.T)[0, 1]
        assert panel.get_title() == f"{emotion}, r = {r:.2f}"


def test_confusion_writes_every_count_in_its_place() -> None:
    counts = np.arange(36).reshape(6, 6)
    axes = confusion_matrix(counts.tolist()).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(c, r): str(counts[r, c]) for r in range(6) for c in range(6)}
    assert "viewers" in axes.get_ylabel()
    assert [label.get_text() for label in axes.get_xticklabels()] == list(EMOTIONS)


@pytest.mark.parametrize(("certainty", "panels"), [(None, 1), (SURE, 2)])
def test_reliability_shows_certainty_where_there_is_one(
    certainty: Certainty | None, panels: int
) -> None:
    document = judge(PREDICTED, TRUE, NAMES, known=None, certainty=certainty)
    figure = reliability_diagram(document, PREDICTED, TRUE)
    assert len(figure.axes) == panels
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    pooled = document["reliability"]
    assert _points(lines["all six"]) == [(row["stated"], row["observed"]) for row in pooled]
    for index, emotion in enumerate(EMOTIONS):
        bins = reliability(PREDICTED.distribution[:, index], TRUE.distribution[:, index])
        assert _points(lines[emotion]) == [(b.stated, b.observed) for b in bins]


def test_coverage_falls_to_the_right() -> None:
    document = judge(PREDICTED, TRUE, NAMES, known=None, certainty=SURE)
    axes = coverage_curve(document["coverage"], len(TRUE)).axes[0]
    rows = document["coverage"]["rows"]
    assert _points(axes.lines[0]) == [(row["coverage"], row["accuracy"]) for row in rows]
    assert axes.get_xlim()[0] > axes.get_xlim()[1]
    assert "certainty" in axes.get_xlabel()
