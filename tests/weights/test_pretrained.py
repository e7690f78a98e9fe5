"""``from_pretrained``: the weights that were asked for, or the reason why not."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from moodlens.errors import CheckpointError, HubError, MoodLensError, SettingsError
from moodlens.model.checkpoint_files import file_sha256
from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.pretrained import from_pretrained
from tests.support.hub_server import HubServer
from tests.support.hub_store import Repository
from tests.support.tiny_checkpoint import make_checkpoint

NAME = "owner/weights"

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def repository(hub: HubServer, checkpoint: Path) -> Repository:
    repository = hub.create(NAME)
    put(repository, checkpoint)
    return repository


def put(repository: Repository, folder: Path) -> str:
    """Upload whatever a folder holds, past every check of ``training.publish``."""
    return repository.put({path.name: path.read_bytes() for path in folder.iterdir()}).sha


def edit_config(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


def edit_weights(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the tensors, and the hash in the config with them."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    edit_config(folder, lambda config: config.update(weights_sha256=file_sha256(path)))


def only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": [1.0]}))


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    edit_config(folder, lambda config: config.update(weights_sha256=file_sha256(path)))


STRANGE: dict[str, tuple[Spoil, str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
    "only a pickle": (only_a_pickle, "pickled weights, which MoodLens never opens"),
    "an extra head": (
        lambda f: edit_weights(
            f, lambda t: t.update({"third_head.weight": np.zeros((2, 2), "f4")})
        ),
        "unexpected 'third_head.weight'",
    ),
    "a head missing": (
        lambda f: edit_weights(f, lambda t: t.pop("affect_head.weight")),
        "lacks 'affect_head.weight'",
    ),
    "another shape": (
        lambda f: edit_weights(
            f, lambda t: t.update({"emotion_head.bias": np.zeros(6, np.float32)})
        ),
        r"'emotion_head.bias' has shape \[6\] instead of \[7\]",
    ),
    "NaN weights": (
        lambda f: edit_weights(f, lambda t: t["emotion_head.weight"].fill(np.nan)),
        "not finite",
    ),
    "other classes": (
        lambda f: edit_config(f, lambda c: c["network"].update(labels=["cat", "dog"])),
        "classes are cat, dog",
    ),
    "gigabytes asked for": (
        lambda f: edit_config(f, lambda c: c["network"].update(backbone="vit_giant_patch14_224")),
        "million parameters",
    ),
    "a path for a backbone": (
        lambda f: edit_config(f, lambda c: c["network"].update(backbone="local-dir:../../etc")),
        "is not the name of a timm model",
    ),
    "other weights than the config's": (
        lambda f: edit_config(f, lambda c: c.update(weights_sha256="0" * 64)),
        "SHA-256 differs",
    ),
    "truncated weights": (truncated, "truncated or damaged"),
    "weights that answer otherwise": (
        lambda f: edit_weights(f, lambda t: t["emotion_head.bias"].__imul__(-1)),
        "answers the known test picture differently",
    ),
    "a config that is no JSON": (
        lambda f: (f / "config.json").write_text("not: json"),
        "cannot be read as JSON",
    ),
    "a config of another format": (
        lambda f: edit_config(f, lambda c: c.update(format=2)),
        "this MoodLens reads format 1",
    ),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_contents_are_refused_with_the_reason(
    hub: HubServer, checkpoint: Path, tmp_path: Path, case: str
) -> None:
    spoil, reason = STRANGE[case]
    folder = tmp_path / "spoiled"
    shutil.copytree(checkpoint, folder)
    spoil(folder)
    put(hub.create(NAME), folder)
    with pytest.raises(CheckpointError, match=reason) as caught:
        from_pretrained(NAME)
    assert str(tmp_path) not in caught.value.message


def test_a_branch_is_named_by_its_commit(repository: Repository) -> None:
    predictor = from_pretrained(NAME)
    assert predictor.model == ModelInfo(NAME, repository.branches["main"], "hub")
    (prediction,) = predictor.predict([probe_picture()])
    assert prediction.to_json()["model"]["revision"] == repository.branches["main"]


def test_a_revision_by_either_way(hub: HubServer, repository: Repository, checkpoint: Path) -> None:
    old = repository.branches["main"]
    put(repository, make_checkpoint(checkpoint.parent / "newer", seed=1))
    assert from_pretrained(NAME, revision=old).model == ModelInfo(NAME, old, "hub")
    hub.forget_requests()
    assert from_pretrained(f"{NAME}@{old}").model == ModelInfo(NAME, old, "cache")
    assert not hub.requests


def test_a_folder(hub: HubServer, checkpoint: Path) -> None:
    predictor = from_pretrained(str(checkpoint))
    assert predictor.model.name == "tiny"
    assert predictor.model.source == "local"
    assert not hub.requests


def test_without_the_hub_the_cache_answers(hub: HubServer, repository: Repository) -> None:
    online = from_pretrained(NAME)
    hub.stop()
    offline = from_pretrained(NAME)
    assert offline.model == ModelInfo(NAME, online.model.revision, "cache")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (f"{NAME}@missing", HubError),
        ("owner/missing", HubError),
        ("owner/../weights", SettingsError),
        (f"{NAME}@../main", SettingsError),
    ],
)
def test_never_other_weights_than_were_asked_for(
    repository: Repository, name: str, error: type[MoodLensError]
) -> None:
    from_pretrained(NAME)
    with pytest.raises(error):
        from_pretrained(name)


def test_a_revision_that_leads_out_of_the_cache(repository: Repository) -> None:
    with pytest.raises(SettingsError):
        from_pretrained(NAME, revision="../../main")
