import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from moodlens.emotions import EMOTIONS
from moodlens.model.certainty import Certainty
from moodlens.model.checkpoint import load_checkpoint, save_checkpoint
from moodlens.model.network import NetworkConfig, build_network
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from tests.support.emotion6_factory import edit_ground_truth, make_emotion6
from training import calibrate, evaluate
from training.data.emotion6 import Emotion6
from training.data.provenance import learned_from
from training.data.ratings import Ratings
from training.data.ratings_file import write_ratings
from training.data.split import load_split, reference_val_names
from training.judging.metrics import METRICS, PER_EMOTION, score

CONFIG = NetworkConfig(
    backbone="mobilenetv3_small_050",
    input_size=32,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    interpolation="bilinear",
    crop_pct=0.9,
)
CERTAINTY = Certainty(intercept=-1.0, top_share=1.0, margin=4.0, ambiguity=0.0, neutral=0.0)
PLOTS = {"reliability.png", "confusion.png", "shares.png", "coverage.png"}


def make_checkpoint(
    folder: Path, training: Mapping[str, Any], certainty: Certainty | None = None, seed: int = 0
) -> Path:
    torch.manual_seed(seed)
    network = build_network(CONFIG).eval()
    with torch.no_grad():  # random features hardly differ: spread the answers over the shares
        logits, affect = network(torch.rand(16, 3, 32, 32) * 2 - 1)
        for head, output, middle in (
            (network.emotion_head, logits, 0),
            (network.affect_head, affect, 5),
        ):
            scale = 1.5 / output.std(dim=0)
            head.weight.mul_(scale[:, None])
            head.bias.sub_(output.mean(dim=0)).mul_(scale).add_(middle)
    save_checkpoint(folder, network, name="tiny", training=training, certainty=certainty)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=6)


@pytest.fixture(autouse=True)
def no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "CHECKPOINT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


FACTS = {"recipe": "none", "learned_from": learned_from(["joy/9999.jpg"])}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "checkpoint", FACTS, CERTAINTY)


class Evaluated(NamedTuple):
    checkpoint: Path
    document: dict[str, Any]
    printed: str


@pytest.fixture(scope="module")
def evaluated(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder = make_checkpoint(tmp_path_factory.mktemp("evaluated"), FACTS, CERTAINTY)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        document = run(data, folder)
    return Evaluated(folder, document, printed.getvalue())


def run(data: Path, checkpoint: Path, *more: str) -> dict[str, Any]:
    status = evaluate.main(["--data", str(data), "--checkpoint", str(checkpoint), *more])
    assert status == 0
    document: dict[str, Any] = json.loads((checkpoint / "metrics.json").read_text())
    return document


def ask_the_app(checkpoint: Path, dataset: Emotion6) -> Ratings:
    """One picture at a time, through the predictor that serves the page."""
    predictor = Predictor(load_checkpoint(checkpoint), ModelInfo("tiny", "0", "local"))
    answers = [predictor.predict([dataset.picture(i)])[0] for i in range(len(dataset))]
    six = np.array([[answer.distribution[name] for name in EMOTIONS] for answer in answers])
    neutral = np.array([[answer.neutral] for answer in answers])
    return Ratings.of(
        np.hstack([six * (1 - neutral), neutral]),
        [answer.valence for answer in answers],
        [answer.arousal for answer in answers],
    )


def test_metrics_are_those_of_what_the_app_answers(data: Path, evaluated: Evaluated) -> None:
    document = evaluated.document
    dataset = Emotion6.read(data)
    expected = score(ask_the_app(evaluated.checkpoint, dataset), dataset.ratings)
    for name in METRICS:
        assert document["metrics"][name]["value"] == pytest.approx(expected[name], abs=1e-4), name
        assert document["metrics"][name]["low"] <= document["metrics"][name]["high"]
    assert document["metrics"]["kl"]["low"] < expected["kl"] < document["metrics"]["kl"]["high"]
    assert list(document["per_emotion"]) == list(EMOTIONS)
    assert set(document["per_emotion"]["anger"]) == {"support", *PER_EMOTION}


def test_metrics_json_holds_what_it_promises(evaluated: Evaluated) -> None:
    document = evaluated.document
    assert document["format"] == 1
    assert document["split"] == {
        "name": "all", "size": 36, "absent": 0, "skipped": 0, "seen_in_training": False, "seen": 0
    }  # fmt: skip
    assert document["warnings"] == []
    for key, file in (("model_sha256", "model.safetensors"), ("config_sha256", "config.json")):
        assert (
            document[key] == hashlib.sha256((evaluated.checkpoint / file).read_bytes()).hexdigest()
        )
    assert set(document["baselines"]) == {"uniform", "class_prior", "reference"}
    assert document["baselines"]["reference"]["metrics"]["kl"]["value"] == 0.412
    assert set(document["human_ceiling"]) == {"15", "30"}
    assert set(document["human_ceiling"]["15"]) == {"against_truth", "against_panel"}
    assert np.sum(document["confusion"]) == 36
    assert sum(row["size"] for row in document["reliability"]) == 36 * 6
    assert document["coverage"]["by"] == "certainty"
    assert document["coverage"]["rows"][0]["accuracy"] == pytest.approx(
        document["metrics"]["top1"]["value"], abs=1e-4
    )
    assert document["training"]["learned_from"] == {"pictures": 1, "reference_val": 0}
    divergences = [row["kl"] for row in document["worst"]]
    assert len(divergences) == 10
    assert divergences == sorted(divergences, reverse=True)
    assert divergences[-1] > document["metrics"]["kl"]["value"]


def test_nothing_written_names_a_folder_of_this_machine(data: Path, evaluated: Evaluated) -> None:
    text = (evaluated.checkpoint / "metrics.json").read_text()
    assert str(data) not in text
    assert str(evaluated.checkpoint) not in text
    assert "--data DIR --checkpoint DIR --split all" in text


def test_plots_are_small_pictures(evaluated: Evaluated) -> None:
    folder = evaluated.checkpoint / "evaluation"
    assert {path.name for path in folder.iterdir()} == PLOTS
    for path in folder.iterdir():
        assert path.stat().st_size < 80_000
        with Image.open(path) as picture:
            assert min(picture.size) >= 400
            colours = picture.convert("RGB").getcolors(100_000)
            assert colours is not None
            assert len(colours) > 5


def test_plots_can_go_elsewhere(data: Path, checkpoint: Path, tmp_path: Path) -> None:
    run(data, checkpoint, "--out", str(tmp_path / "elsewhere"))
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == PLOTS
    assert not (checkpoint / "evaluation").exists()


def test_the_table_is_for_people(evaluated: Evaluated) -> None:
    document, printed = evaluated.document, evaluated.printed
    for metric in METRICS.values():
        assert metric.title in printed
    kl = document["metrics"]["kl"]
    assert f"{kl['value']:.3f} [{kl['low']:.3f}, {kl['high']:.3f}]" in printed
    for word in ("class prior", "uniform", "reference", "15 viewers", "to panel", *EMOTIONS):
        assert word in printed
    assert all(row["name"] in printed for row in document["worst"])
    assert "…" not in printed
    assert "WARNING" not in printed


def test_the_same_checkpoint_gives_the_same_figures(data: Path, evaluated: Evaluated) -> None:
    first, again = dict(evaluated.document), run(data, evaluated.checkpoint)
    assert first.pop("created") <= again.pop("created")
    assert first == again


def test_a_network_judged_on_its_own_lessons_says_so(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = Emotion6.read(data).names
    folder = make_checkpoint(tmp_path / "learned", {"learned_from": learned_from(names[:7])})
    document = run(data, folder)
    assert document["split"]["seen_in_training"] is True
    assert document["split"]["seen"] == 7
    assert "learned from 7 of these 36 pictures" in document["warnings"][0]
    overlap = document["training"]["learned_from"]["reference_val"]
    assert overlap > 0
    assert f"learned from {overlap} pictures of reference_val" in document["warnings"][1]
    printed = capsys.readouterr().out
    assert printed.index("WARNING: The network learned from 7") < printed.index("Top-1")


def test_what_nobody_knows_is_called_unknown(data: Path, tmp_path: Path) -> None:
    document = run(data, make_checkpoint(tmp_path / "unknown", {}))
    assert document["split"]["seen_in_training"] is None
    assert "does not say" in document["warnings"][0]
    assert document["certainty"] is None
    assert document["coverage"]["by"] == "confidence"


def test_a_split_is_judged_alone_and_the_rest_gives_the_prior(data: Path, checkpoint: Path) -> None:
    document = run(data, checkpoint, "--split", "reference_val")
    dataset = Emotion6.read(data)
    split = load_split("reference_val", dataset)
    assert 0 < document["split"]["size"] == len(split) < 36
    assert document["split"]["absent"] == 396 - len(split)
    assert "not whole" in document["warnings"][0]
    others = dataset.subset(np.setdiff1d(np.arange(36), split.indices))
    prior = document["baselines"]["class_prior"]
    assert "outside the split" in prior["about"]
    expected = np.abs(dataset.valence[split.indices] - others.valence.mean()).mean()
    assert prior["metrics"]["valence_mae"]["value"] == pytest.approx(expected, abs=1e-4)


def test_the_default_split_is_the_references_where_it_is_whole(data: Path) -> None:
    dataset = Emotion6.read(data)
    assert evaluate.default_split(dataset) == "all"
    whole = sorted(reference_val_names())
    ratings = dataset.ratings[np.zeros(len(whole), dtype=int)]
    assert evaluate.default_split(Emotion6(whole, [Path()] * 396, ratings)) == "reference_val"


def test_cross_validation_stays_with_its_weights(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    document = run(data, checkpoint)
    document["cross_validation"] = {"kl": 0.3}
    (checkpoint / "metrics.json").write_text(json.dumps(document))
    assert run(data, checkpoint)["cross_validation"] == {"kl": 0.3}
    other = make_checkpoint(tmp_path / "other", {}, seed=1)
    shutil.copy(checkpoint / "metrics.json", other)
    assert "cross_validation" not in run(data, other)


def test_broken_data_is_refused_or_skipped(
    data: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = shutil.copytree(data, tmp_path / "broken")
    (broken / "images" / "joy" / "2.jpg").write_bytes(b"gone")
    edit_ground_truth(broken, r"fear/1.jpg\t[^\t]*", "fear/1.jpg\t99")
    arguments = ["--data", str(broken), "--checkpoint", str(checkpoint)]
    assert evaluate.main(arguments) == 2
    complaint = capsys.readouterr().err
    assert "fear/1.jpg" in complaint
    assert "joy/2.jpg" in complaint
    assert not (checkpoint / "metrics.json").exists()
    document = run(broken, checkpoint, "--skip-broken")
    assert document["split"]["size"] == 34
    assert document["split"]["skipped"] == 2
    assert "joy/2.jpg" in document["warnings"][0]


def test_altered_weights_are_refused(
    data: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert evaluate.main(["--data", str(data), "--checkpoint", str(checkpoint)]) == 2
    assert "damaged" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(
    data: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkpoint / "evaluation").write_text("a file in the way")
    assert evaluate.main(["--data", str(data), "--checkpoint", str(checkpoint)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert not (checkpoint / "metrics.json").exists()


def test_as_a_command_with_folders_from_the_environment(data: Path, tmp_path: Path) -> None:
    root = Path(evaluate.__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-m", "training.evaluate"],
        cwd=root,
        env=os.environ | {"DATA_DIR": str(data), "CHECKPOINT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.strip() == "The checkpoint has no config.json."


def test_calibrate_gives_a_checkpoint_its_certainty(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_checkpoint(tmp_path / "plain", {})
    run(data, folder)
    weights = (folder / "model.safetensors").read_bytes()
    dataset = Emotion6.read(data)
    predictions = tmp_path / "out_of_fold.csv"
    write_ratings(predictions, dataset.names, ask_the_app(folder, dataset))
    status = calibrate.main(
        ["--data", str(data), "--predictions", str(predictions), "--checkpoint", str(folder)]
    )
    assert status == 0
    assert "certainty fitted on 36 pictures" in capsys.readouterr().out
    assert (folder / "model.safetensors").read_bytes() == weights
    assert not (folder / "metrics.json").exists()
    assert load_checkpoint(folder).certainty is not None
    document = run(data, folder)
    assert document["coverage"]["by"] == "certainty"
    assert document["certainty"]["brier"] <= document["certainty"]["brier_of_constant"] + 0.01


def test_calibrate_refuses_predictions_of_other_pictures(
    data: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = tmp_path / "few.csv"
    dataset = Emotion6.read(data).subset([0, 1])
    write_ratings(predictions, dataset.names, dataset.ratings)
    config = (checkpoint / "config.json").read_bytes()
    status = calibrate.main(
        ["--data", str(data), "--predictions", str(predictions), "--checkpoint", str(checkpoint)]
    )
    assert status == 2
    assert "lacks 34 of 36 pictures" in capsys.readouterr().err
    assert (checkpoint / "config.json").read_bytes() == config
