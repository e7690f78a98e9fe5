"""The processes: what they say, and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from moodlens.errors import MoodLensError
from moodlens.lens import MoodLens
from moodlens.model.predictor import Predictor
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Answered, Crew, Engine, in_batches
from moodlens.scoring.slots import BATCH
from moodlens.scoring.sources.entries import Entry, InMemory
from moodlens.telling.table_schema import Row
from moodlens.weights.pretrained import load_located
from moodlens.weights.reference import Located
from tests.support.deadly_blob import Deadly
from tests.support.pictures_folder import small_jpeg


def rows(answers: Sequence[Answered]) -> list[Row]:
    ordered = sorted(answers, key=lambda answered: answered.batch.first)
    return [row for answered in ordered for row in answered.rows if row is not None]


def entries(*data: bytes) -> list[Entry]:
    return [Entry(f"{number}.jpg", InMemory(d)) for number, d in enumerate(data)]


def run(engine: Engine, *data: bytes) -> list[Row]:
    return rows(list(engine.run(in_batches(enumerate(entries(*data))))))


def test_rows_are_what_the_app_answers(engine: Engine, tiny_weights: Weights) -> None:
    pictures = [small_jpeg(number, (120 + number, 90)) for number in range(11)]
    predictor, _ = load_located(tiny_weights.located)
    lens = MoodLens(predictor)

    for row, data in zip(run(engine, *pictures), pictures, strict=True):
        said = lens(data).to_json()["prediction"]
        for name, share in said["probability_distribution"].items():
            assert row[name] == pytest.approx(share, abs=2e-4)
        assert row["problem"] is None
        assert row["model"] == "tiny"


def test_bad_pictures_keep_their_row_and_change_no_other(engine: Engine) -> None:
    good = [small_jpeg(number) for number in range(6)]
    mixed = [*good[:2], b"", good[3][:200], *good[4:]]

    alone, beside = run(engine, *good), run(engine, *mixed)
    assert [row["problem"] is None for row in beside] == [True, True, False, False, True, True]
    assert beside[2]["problem"] == "The file is empty."
    assert [beside[n] for n in (0, 1, 4, 5)] == [alone[n] for n in (0, 1, 4, 5)]


def test_what_is_said_does_not_depend_on_the_place_in_a_batch(tiny_weights: Weights) -> None:
    """Bit for bit; otherwise asking again about a single picture could change its row."""
    predictor, _ = load_located(Located(tiny_weights.located.folder, None, None, "local"))
    _places_are_equal(predictor)


def _places_are_equal(predictor: Predictor) -> None:
    (view,) = predictor.views
    side = view.input_size
    generator = np.random.default_rng(0)
    crops = generator.integers(0, 256, (BATCH, side, side, 3), np.uint8)
    there = predictor.answer_crops({view: crops})
    for place in range(BATCH):
        blank = np.zeros_like(crops)
        blank[place] = crops[place]
        assert predictor.answer_crops({view: blank})[place].prediction == there[place].prediction


def test_a_decoder_that_is_killed_loses_nothing(tiny_weights: Weights) -> None:
    engine = Engine(tiny_weights, crew=Crew(1, 1))
    try:
        pictures = [small_jpeg(number) for number in range(40)]
        expected = run(engine, *pictures)
        found = []
        for number, answered in enumerate(engine.run(in_batches(enumerate(entries(*pictures))))):
            found.append(answered)
            if number in (1, 4):
                os.kill(engine._decoders[0].worker.pid, signal.SIGKILL)
            if number == 6:
                os.kill(engine._answerers[0].worker.pid, signal.SIGKILL)
        assert rows(found) == expected
    finally:
        engine.close()


def test_a_picture_that_kills_costs_its_own_row(engine: Engine) -> None:
    data = [small_jpeg(number) for number in range(8)]
    expected = run(engine, *data)
    listed = entries(*data)
    listed[5] = Entry("5.jpg", Deadly())

    found = rows(list(engine.run(in_batches(enumerate(listed)))))
    assert found[5]["problem"] == "It ended its process with signal 11."
    assert [*found[:5], *found[6:]] == [*expected[:5], *expected[6:]]


def test_no_code_is_taken_from_the_folder_that_one_is_in(
    tiny_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("numpy", "torch", "hashlib", "moodlens"):
        (tmp_path / f"{module}.py").write_text("open('taken', 'w'); raise SystemExit")
    monkeypatch.chdir(tmp_path)
    engine = Engine(tiny_weights, crew=Crew(1, 1))
    try:
        (row,) = run(engine, small_jpeg(0))
    finally:
        engine.close()

    assert row["problem"] is None
    assert not Path("taken").exists()


def test_unusable_weights_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MoodLensError, match=r"has no config\.json"):
        Engine(Weights(Located(tmp_path, None, None, "local")), crew=Crew(1, 1))


def test_numbers_may_be_missing() -> None:
    entry = entries(b"x")[0]
    found = list(in_batches((number, entry) for number in (1, 2, 9, 11)))
    assert [batch.first for batch in found] == [0, 8]
    assert [e is not None for e in found[0].entries] == [False, True, True]
    assert [e is not None for e in found[1].entries] == [False, True, False, True]
