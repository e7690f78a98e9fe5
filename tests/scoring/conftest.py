"""A small checkpoint, an engine of few processes, and the command as a shell calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Crew, Engine
from moodlens.weights.reference import Located
from tests.support.tiny_checkpoint import make_checkpoint


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint's folder."""
    return make_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_weights(tiny: Path) -> Weights:
    return Weights(Located(tiny, None, None, "local"))


@pytest.fixture(scope="session")
def engine(tiny_weights: Weights) -> Iterator[Engine]:
    """Two decoding and two answering processes, that every test may ask."""
    engine = Engine(tiny_weights, crew=Crew(2, 2))
    yield engine
    engine.close()
