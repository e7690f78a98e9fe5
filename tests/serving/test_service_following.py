"""The service's weights change under it, and nobody who asks it notices more than the answer."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo
from moodlens.serving.service import PredictionService
from moodlens.settings import Settings
from moodlens.weights.hub import locate
from moodlens.weights.pretrained import from_pretrained
from tests.support.hub_server import HubServer
from tests.support.hub_store import Repository
from tests.support.tiny_checkpoint import make_checkpoint
from tests.weights.test_pretrained import STRANGE, put

NAME = "owner/weights"

Serve = Callable[[str], PredictionService]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Checkpoints that give clearly different answers; the first one plays the bundled one."""
    parent = tmp_path_factory.mktemp("checkpoints")
    return [make_checkpoint(parent / f"seed{k}", seed=k, name=f"seed {k}") for k in range(3)]


@pytest.fixture(autouse=True)
def bundled(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("moodlens.weights.reference.BUNDLED", folders[0])
    return folders[0]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the Hub even on a machine that is busy with other things."""
    monkeypatch.setattr("moodlens.serving.service.locate", partial(locate, patience=120))


@pytest.fixture
def repository(hub: HubServer, folders: list[Path]) -> Repository:
    repository = hub.create(NAME)
    put(repository, folders[1])
    return repository


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A service that has loaded its weights and looks for newer ones all the time."""
    services = []

    def start(checkpoint: str) -> PredictionService:
        settings = Settings(checkpoint=checkpoint, follow_seconds=0.05, threads=1)
        service = PredictionService(settings)
        services.append(service)
        service.start()
        service.wait_until_ready(240)
        return service

    yield start
    for service in services:
        service.close()


def eventually(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def picture() -> bytes:
    stream = io.BytesIO()
    probe_picture().save(stream, "PNG")
    return stream.getvalue()


def model(service: PredictionService) -> ModelInfo:
    assert service.status.model
    return service.status.model


def test_newer_weights_are_swapped_in_without_losing_a_request(
    repository: Repository, folders: list[Path], serve: Serve
) -> None:
    service = serve(NAME)
    old = repository.branches["main"]
    assert model(service) == ModelInfo(NAME, old, "hub")
    data = picture()
    answers = []
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(service.predict, data) for _ in range(4)]
        new = put(repository, folders[2])
        enough = 0
        while enough < 20:
            answers.append(running.pop(0).result(timeout=120))
            running.append(pool.submit(service.predict, data))
            enough += answers[-1].model.revision == new
        answers += [future.result(timeout=120) for future in running]
    revisions = [answer.model.revision for answer in answers]
    assert set(revisions) == {old, new}
    for revision in (old, new):
        (expected,) = from_pretrained(NAME, revision=revision).predict([probe_picture()])
        given = [answer for answer in answers if answer.model.revision == revision]
        for answer in given:
            assert answer.distribution == pytest.approx(expected.distribution, abs=1e-5)
    assert service.status.notice is None


def test_late_weights_replace_the_bundled_ones(
    hub: HubServer, repository: Repository, serve: Serve
) -> None:
    hub.stop()
    service = serve(NAME)
    assert model(service).source == "bundled"
    assert "cannot be reached" in (service.status.notice or "")
    assert service.predict(picture()).model.source == "bundled"
    hub.start()
    eventually(lambda: model(service) == ModelInfo(NAME, repository.branches["main"], "hub"))
    assert service.status.notice is None


def test_the_cache_answers_without_the_hub(
    hub: HubServer, repository: Repository, serve: Serve
) -> None:
    commit = model(serve(NAME)).revision
    hub.stop()
    service = serve(NAME)
    assert model(service) == ModelInfo(NAME, commit, "cache")
    assert "The copy in the cache" in (service.status.notice or "")


def test_a_cached_copy_that_was_damaged_is_mended(
    hub: HubServer, repository: Repository, serve: Serve
) -> None:
    commit = repository.branches["main"]
    asked = f"{NAME}@{commit}"
    loaded = serve(asked).loaded
    assert loaded
    (loaded.folder / "model.safetensors").resolve().write_bytes(b"damaged")
    hub.stop()
    service = serve(asked)
    assert model(service).source == "bundled"
    assert "SHA-256 differs" in (service.status.notice or "")
    hub.start()
    eventually(lambda: model(service) == ModelInfo(NAME, commit, "hub"))


@pytest.mark.parametrize("case", STRANGE)
def test_strange_contents_never_replace_what_is_in_use(
    repository: Repository, folders: list[Path], serve: Serve, tmp_path: Path, case: str
) -> None:
    service = serve(NAME)
    good = model(service)
    spoil, _ = STRANGE[case]
    spoiled = make_checkpoint(tmp_path / "spoiled", seed=2)
    spoil(spoiled)
    repository.commit("main", {}, title="Remove all")
    put(repository, spoiled)
    if case not in {"no config", "no weights", "only a pickle"}:  # these are not even downloaded
        eventually(lambda: service.status.notice)
        assert (service.status.notice or "").startswith("Newer weights are there but cannot be")
    else:
        time.sleep(0.3)
    assert model(service) == good
    assert service.predict(picture()).model == good
    better = put(repository, folders[2])
    eventually(lambda: model(service).revision == better)
    assert service.status.notice is None


@pytest.mark.parametrize("case", ["NaN weights", "only a pickle", "gigabytes asked for"])
def test_a_start_on_strange_contents_falls_back_with_the_reason(
    hub: HubServer, serve: Serve, tmp_path: Path, case: str
) -> None:
    spoil, reason = STRANGE[case]
    spoiled = make_checkpoint(tmp_path / "spoiled")
    spoil(spoiled)
    put(hub.create(NAME), spoiled)
    service = serve(NAME)
    assert model(service).source == "bundled"
    assert reason in (service.status.notice or "")


def test_a_setting_that_names_nothing_is_said_on_the_page(serve: Serve) -> None:
    service = serve("no such thing")
    assert model(service).source == "bundled"
    assert "must be owner/name" in (service.status.notice or "")
