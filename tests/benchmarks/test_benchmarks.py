from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from moodlens.weights.pretrained import from_pretrained
from moodlens.weights.reference import locate_bundled
from tests.benchmarks import stages, training_speed
from tests.benchmarks.client import Sender, latencies, throughput
from tests.benchmarks.figures import Goal, Row, percentile, table
from tests.benchmarks.guard import Change
from tests.benchmarks.pictures import EXAMPLES, small_jpeg
from tests.benchmarks.services import OURS, REFERENCE, running
from tests.benchmarks.stability import CHANGES, changes
from tests.benchmarks.timing import medians


def test_both_services_answer_and_are_measured() -> None:
    picture = small_jpeg()
    for name in (OURS, REFERENCE):
        with running(name, picture) as service:
            with closing(Sender(service.port, picture)) as sender:
                answer = sender.send()
            shares = answer["prediction"]["probability_distribution"]
            assert math.isclose(sum(shares.values()), 1, abs_tol=1e-5)
            assert service.seconds_to_answer > 0.5
            assert 100 < service.peak_memory() < 5000
            assert min(latencies(service.port, picture, 2)) > 1
            assert throughput(service.port, picture, clients=2, seconds=0.5) > 0
        assert not service.process.is_running()


@pytest.mark.parametrize(
    ("goal", "ours", "verdict"),
    [
        (Goal(0.4), 40, "met"),
        (Goal(0.4), 41, "MISSED"),
        (Goal(4, "higher"), 400, "met"),
        (Goal(4, "higher"), 399, "MISSED"),
        (None, 1, ""),
    ],
)
def test_a_row_is_judged_by_its_ratio(goal: Goal | None, ours: float, verdict: str) -> None:
    row = Row("latency", "ms", ours, 100, goal)
    assert row.ratio == ours / 100
    assert row.verdict == verdict


def test_the_table_tells_both_figures_ratio_and_goal() -> None:
    rows = [Row("latency", "ms", 10, 40, Goal(0.4)), Row("Gradio client", "ms", 30)]
    *_, first, second = table(rows).splitlines()
    assert [cell.strip() for cell in first.strip("|").split("|")] == [
        "latency",
        "10 ms",
        "40 ms",
        "0.25x",
        "<= 0.4x",
        "met",
    ]
    assert second.split("|")[2].strip() == "30 ms"


def test_percentiles_are_numpys() -> None:
    values = list(np.random.default_rng(0).exponential(size=57))
    for percent in (50, 95):
        assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))


def test_works_take_turns() -> None:
    calls: list[str] = []
    times = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 5
    assert set(times) == {"a", "b"}


def test_answers_that_move_too_far_are_refused() -> None:
    viewers = np.array([[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]])
    plain = np.array([[0.4, 0.12, 0.12, 0.12, 0.12, 0.12]])
    assert not Change.between(plain, plain + 1e-5, viewers).is_refused()
    moved = Change.between(plain, np.roll(plain, 1, axis=1), viewers)
    assert moved.kl is not None
    assert moved.kl > 0.1
    assert moved.is_refused()
    assert Change(0.0, 0.02).is_refused(for_one=0.01)
    assert Change(0.0, 0.0, kl=-0.003).is_refused()


def test_learning_is_timed_from_end_to_end() -> None:
    small = {"backbone": "test_efficientnet", "input_size": 64, "heads.l2": [0.3]}
    frozen, fit, tuning = training_speed.measure(1, small)
    assert frozen.ours > fit.ours > 0
    assert frozen.reference is not None
    assert tuning.ours > 0


def test_stages_are_timed_and_drawn(tmp_path: Path) -> None:
    predictor = from_pretrained()
    times = stages.measure_stages(small_jpeg(), predictor, tmp_path, rounds=1)
    assert set(times) == {"read", "decode", "resize", "forward", "JSON"}
    assert times["forward"] > times["JSON"] > 0

    stages.draw({"640x480": times, "again": times}, tmp_path / "stages.png")
    with Image.open(tmp_path / "stages.png") as picture:
        assert picture.width > 300


def test_stability_tells_what_moved_an_answer_from_what_did_not() -> None:
    """Of a picture that is its own mirror image, mirroring moves nothing."""
    checkpoint = load_checkpoint(locate_bundled().folder)
    predictor = Predictor(checkpoint, ModelInfo(checkpoint.name, "", "local"))
    photo = np.asarray(Image.open(EXAMPLES[0]).convert("RGB").resize((160, 240)))
    symmetric = Image.fromarray(np.concatenate([photo, photo[:, ::-1]], axis=1))

    moved = changes(predictor, [symmetric, Image.fromarray(photo)])

    assert moved.keys() == CHANGES.keys()
    assert all(shares.shape == (2, 6) for shares in moved.values())
    assert moved["mirrored"][0].max() < 1e-6
    assert moved["mirrored"][1].max() > 1e-4
