"""A checkpoint is whole or refused, and the refusal says what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from moodlens.errors import CheckpointError
from moodlens.model.certainty import Certainty
from moodlens.model.checkpoint import (
    CONFIG,
    METRICS,
    WEIGHTS,
    load_checkpoint,
    metrics_problem,
    read_metrics,
    save_checkpoint,
    verify_probe,
)
from moodlens.model.checkpoint_files import file_sha256
from moodlens.model.ensemble import members_of
from tests.support.tiny_checkpoint import make_checkpoint, make_network

HEAD = "emotion_head.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "checkpoint", training={"epochs": 3})


def edit_config(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Change the tensors and keep the recorded hash in step, so that nothing else is wrong."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    sha256 = file_sha256(folder / WEIGHTS)
    edit_config(folder, lambda config: config.update(weights_sha256=sha256))


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        verify_probe(load_checkpoint(folder))
    assert str(folder) not in caught.value.message
    return caught.value.message


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    network = make_network()
    certainty = Certainty(intercept=-1, top_share=2, margin=3, ambiguity=-1, neutral=0)
    save_checkpoint(tmp_path, network, name="n", training={"a": 1}, certainty=certainty)
    loaded = load_checkpoint(tmp_path)

    verify_probe(loaded)
    assert (loaded.name, loaded.training, loaded.certainty) == ("n", {"a": 1}, certainty)
    assert loaded.weights_sha256 == file_sha256(tmp_path / WEIGHTS)
    for key, value in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[key], value), key


def test_half_the_digits_half_the_size_and_nearly_the_same_answer(tmp_path: Path) -> None:
    network = make_network()
    for name, storage in (("full", torch.float32), ("half", torch.float16)):
        save_checkpoint(tmp_path / name, network, name=name, training={}, storage=storage)
    full, half = (load_checkpoint(tmp_path / name) for name in ("full", "half"))

    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    assert half.probe == pytest.approx(full.probe, abs=0.01)
    assert next(half.network.parameters()).dtype == torch.float32


def test_new_weights_make_old_metrics_void(folder: Path) -> None:
    (folder / METRICS).write_text("{}")
    save_checkpoint(folder, make_network(1), name="other", training={})
    assert not (folder / METRICS).exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop(HEAD), f"lacks {HEAD!r}"),
        (lambda t: t.update(extra=torch.zeros(1)), "has an unexpected 'extra'"),
        (lambda t: t.update({HEAD: torch.zeros(7, 3)}), "shape [7, 3] instead of"),
        (lambda t: t[HEAD].fill_(torch.nan), "values that are not finite"),
        (lambda t: t.update({HEAD: t[HEAD].int()}), "wrong type of number"),
        (lambda t: t["emotion_head.bias"].add_(torch.arange(7.0)), "known test picture"),
    ],
    ids=["missing key", "extra key", "shape", "nan", "integers", "other answers"],
)
def test_wrong_weights_are_refused(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], Any], sentence: str
) -> None:
    edit_weights(folder, change)
    assert sentence in refusal(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.update(format=2), "format 2"),
        (lambda c: c.pop("name"), "proper 'name'"),
        (lambda c: c.update(probe=["a"] * 9), "proper 'probe'"),
        (lambda c: c.update(probe=[0.1]), "proper 'probe'"),
        (lambda c: c["network"].update(labels=["joy"]), "classes are joy"),
        (lambda c: c["network"].update(backbone=5), "name of a timm model"),
        (lambda c: c["network"].update(backbone="resnet51"), "Did you mean"),
        (lambda c: c["network"].update(backbone="hf-hub:owner/name"), "not the name"),
        (lambda c: c["network"].update(mean=["a", "b", "c"]), "finite numbers"),
        (lambda c: c["network"].update(std=[0.5, 0.0, 0.5]), "std above 0"),
        (lambda c: c["network"].update(input_size=10**6), "input size"),
        (lambda c: c["network"].update(color="red"), "lacks or adds: color"),
        (lambda c: c["network"].update(levels=-1), "levels must be a whole number"),
        (lambda c: c["network"].update(levels="all"), "levels must be a whole number"),
        (lambda c: c["network"].update(levels=9), "cannot build"),
        (lambda c: c["network"].update(crop_pct=None), "finite numbers"),
        (lambda c: c["network"].update(mean=7), "wrong type"),
        (lambda c: c.update(certainty={"intercept": 1}), "certainty"),
    ],
)
def test_a_wrong_config_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    edit_config(folder, change)
    assert sentence in refusal(folder)


def test_a_config_from_before_there_were_levels(folder: Path) -> None:
    edit_config(folder, lambda config: config["network"].pop("levels"))
    loaded = load_checkpoint(folder)

    verify_probe(loaded)
    assert members_of(loaded.network)[0].config.levels == 0


def test_a_giant_network_is_refused_before_it_is_built(folder: Path) -> None:
    giant = "eva_giant_patch14_224"  # a billion parameters
    edit_config(folder, lambda c: c["network"].update(backbone=giant, input_size=224))
    assert "million parameters; the limit is" in refusal(folder)


def test_damaged_files_are_refused(folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-100])
    assert "SHA-256 differs" in refusal(folder)

    sha256 = file_sha256(folder / WEIGHTS)
    edit_config(folder, lambda config: config.update(weights_sha256=sha256))
    assert "truncated or damaged" in refusal(folder)

    (folder / CONFIG).write_text("{")
    assert "cannot be read as JSON" in refusal(folder)
    (folder / CONFIG).write_text("[]")
    assert "not a JSON object" in refusal(folder)
    (folder / CONFIG).unlink()
    assert refusal(folder) == "The checkpoint has no config.json."


def test_links_are_followed_but_not_without_end(folder: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in folder.iterdir():
        (linked / path.name).symlink_to(path)
    verify_probe(load_checkpoint(linked))

    (linked / CONFIG).unlink()
    (linked / CONFIG).symlink_to("/dev/urandom")
    assert refusal(linked) == "The checkpoint's config.json is too large."


def test_pickles_are_never_opened(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")
    assert "pickled weights, which MoodLens never opens" in refusal(folder)


def test_figures_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "model")
    assert metrics_problem(folder) is None
    (folder / METRICS).write_text(
        '{"metrics": {"top1": 1e308, "top2": 0.8, "kl": 1' + "0" * 400 + ', "pearson": NaN},'
        ' "warnings": ["' + "x" * 100_000 + '", "\\ud800", "Few pictures."]}'
    )
    assert read_metrics(folder) == {"metrics": {"top2": 0.8}, "warnings": ["Few pictures."]}
    assert metrics_problem(folder) is not None
    (folder / METRICS).write_text("[" * 100_000)
    assert metrics_problem(folder) is not None


def test_texts_of_a_checkpoint_are_texts(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "model")
    for name, read in (
        ("a\ud800b\n" * 3, "ababab"),
        ("x" * 100_000, "x" * 100),
        ("\ud800", "unnamed"),
    ):
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps({**config, "name": name, "license": name}))
        checkpoint = load_checkpoint(folder)
        assert checkpoint.name == read
        checkpoint.license.encode()


def test_what_is_said_of_a_checkpoint_is_short(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "model")
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, "format": "\ud800" * 1_000_000}))
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(folder)
    assert len(refused.value.message.encode()) < 1000


def test_an_answer_that_is_no_number_is_another_answer(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(make_checkpoint(tmp_path / "model"))
    with pytest.raises(CheckpointError, match="differently"):
        verify_probe(replace(checkpoint, probe=[float("nan")] * 9))


def test_a_giant_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "model")
    with (folder / WEIGHTS).open("wb") as file:
        file.write((90 * 2**20).to_bytes(8, "little"))
        file.truncate(100 * 2**20)
    config = json.loads((folder / CONFIG).read_text())
    config["weights_sha256"] = file_sha256(folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        load_checkpoint(folder)
