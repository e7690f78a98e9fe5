"""On ZeroGPU the batches go through ``spaces.GPU``; on other hardware nobody asks for it."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from moodlens.model.probe import probe_picture
from moodlens.serving.service import PredictionService
from moodlens.settings import Settings
from moodlens.weights.reference import Located
from tests.support.tiny_checkpoint import make_checkpoint


class LentGpu:
    """In the place of ``spaces``: hands everything over by pickle, as its other process needs it.

    The real one refuses to be imported without ZeroGPU's own services.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.is_out_of_time = False

    def gpu(self, task: Callable[..., Any], *, duration: int) -> Callable[..., Any]:
        assert 0 < duration <= 60

        def run(*arguments: Any) -> Any:
            if self.is_out_of_time:
                raise RuntimeError("GPU task aborted")
            self.calls.append(arguments)
            return pickle.loads(pickle.dumps(task(*pickle.loads(pickle.dumps(arguments)))))

        return run


@pytest.fixture
def zero_gpu(monkeypatch: pytest.MonkeyPatch) -> LentGpu:
    lent = LentGpu()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=lent.gpu))
    return lent


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    parent = tmp_path_factory.mktemp("checkpoints")
    return [make_checkpoint(parent / f"seed{k}", seed=k) for k in range(2)]


@pytest.fixture
def service(zero_gpu: LentGpu, folders: list[Path]) -> Iterator[PredictionService]:
    running = PredictionService(Settings(checkpoint=str(folders[0]), threads=1))
    running.start()
    running.wait_until_ready(240)
    yield running
    running.close()


def picture() -> bytes:
    stream = io.BytesIO()
    probe_picture().save(stream, "PNG")
    return stream.getvalue()


def test_the_lent_processor_answers_as_the_own_one(
    zero_gpu: LentGpu, service: PredictionService
) -> None:
    lent = service.predict(picture())
    assert len(zero_gpu.calls) == 1
    zero_gpu.is_out_of_time = True
    own = service.predict(picture())
    assert len(zero_gpu.calls) == 1
    assert lent == own


def test_newer_weights_reach_the_process_that_is_there_already(
    zero_gpu: LentGpu, service: PredictionService, folders: list[Path]
) -> None:
    old = service.predict(picture())
    service.use(Located(folders[1], None, None, "local"))
    new = service.predict(picture())
    assert len(zero_gpu.calls) == 2
    assert new.model.revision != old.model.revision
    assert new.distribution != pytest.approx(old.distribution, abs=0.01)


def test_other_hardware_does_without() -> None:
    code = (
        "import sys; from moodlens.serving.service import PredictionService;"
        "from moodlens.settings import Settings; PredictionService(Settings()).close();"
        "assert 'spaces' not in sys.modules and 'gradio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
