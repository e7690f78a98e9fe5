"""The commands of training/ on a tiny data set, run as people run them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from moodlens.model.checkpoint import CONFIG, METRICS, WEIGHTS, load_checkpoint
from moodlens.model.checkpoint_files import file_sha256, read_json
from moodlens.model.ensemble import members_of
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from tests.support.emotion6_factory import make_emotion6
from tests.support.learned import largest_difference, weights_in
from tests.support.running_app import REPOSITORY, free_port
from training import crossvalidate, evaluate, train
from training.data.emotion6 import Emotion6
from training.data.ratings_file import read_ratings
from training.judging.metrics import METRICS as FIGURES
from training.learning.backbones import FIRST_CLASS
from training.learning.progress import HISTORY, STATE
from training.learning.run_folder import RUN

TINY = [
    "--backbone", "test_efficientnet", "--pretrained", "none", "--threads", "1",
    "--set", "input_size=64", "--set", "heads.l2=[0.1]", "--set", "heads.affect_l2=[1.0]",
]  # fmt: skip
TUNED = [*TINY, "--epochs", "4", "--set", "finetune.validate_every=2", "--batch-size", "8"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=6)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "CHECKPOINT_DIR", "CACHE_DIR", "PRETRAINED_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def learn(data: Path, out: str, *options: str) -> int:
    return train.main(["--data", str(data), "--out", out, "--cache", "cache", *options])


def command(data: Path, out: str, *options: str) -> list[str]:
    return ["-m", "training.train", "--data", str(data), "--out", out, "--cache", "cache", *options]


def environ() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def test_frozen_heads_learn_and_are_judged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert learn(data, "out", *TINY) == 0

    printed = capsys.readouterr().out
    document = read_json(Path("out", METRICS))
    assert "class prior" in printed
    assert document["split"]["name"] == "out_of_fold"
    assert document["model_sha256"] == file_sha256(Path("out", WEIGHTS))
    assert document["config_sha256"] == file_sha256(Path("out", CONFIG))
    prior = document["baselines"]["class_prior"]["metrics"]["kl"]["value"]
    assert document["metrics"]["kl"]["value"] < prior  # colour tells what was felt
    assert load_checkpoint(Path("out")).certainty is not None


def test_earlier_stages_may_feed_the_heads(data: Path) -> None:
    """Trained, saved, loaded and asked; each level's weights learn."""
    assert learn(data, "out", *TUNED, "--set", "levels=2") == 0

    checkpoint = load_checkpoint(Path("out"))
    (network,), picture = members_of(checkpoint.network), Emotion6.read(data).picture(0)
    assert network.config.levels == 2
    assert len(network.channels) == 3
    for weight in network.emotion_head.weight.split(network.channels, dim=1):
        assert weight.abs().max() > 0
    (explanation,) = Predictor(checkpoint, ModelInfo("", "", "local")).explain([picture])
    assert explanation.maps is not None


def test_the_same_seed_gives_the_same_bytes(data: Path) -> None:
    for out in ("a", "b"):
        assert learn(data, out, *TUNED) == 0
    assert learn(data, "c", *TUNED, "--seed", "1") == 0

    a, b, c = (file_sha256(Path(out, WEIGHTS)) for out in "abc")
    assert a == b
    assert a != c


def test_a_run_that_lost_its_figures_gets_them_back(data: Path) -> None:
    assert learn(data, "out", *TINY) == 0
    first = read_json(Path("out", METRICS))
    Path("out", METRICS).unlink()  # stopped after the checkpoint was written

    assert learn(data, "out", *TINY) == 0
    second = read_json(Path("out", METRICS))
    assert second["metrics"] == first["metrics"]
    assert second["config_sha256"] == first["config_sha256"] == file_sha256(Path("out", CONFIG))


def test_two_runs_may_fill_the_same_cache(data: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, *command(data, out, *TINY)], env=environ())
        for out in ("a", "b")
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    assert file_sha256(Path("a", WEIGHTS)) == file_sha256(Path("b", WEIGHTS))
    assert not list(Path("cache").glob("*.partial"))


def test_fine_tuning_keeps_a_history(data: Path) -> None:
    quarter = ["--set", "finetune.validation_share=0.25"]
    assert learn(data, "out", *TUNED, "--set", "finetune.patience=5", *quarter) == 0

    lines = Path("out", RUN, HISTORY).read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    assert "kl" in history[3]["validation"]
    with Image.open(Path("out", RUN, "curves.png")) as curves:
        assert curves.width > 300
    assert not Path("out", RUN, STATE).exists()


def test_another_run_does_not_get_the_folder(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learn(data, "out", *TINY) == 0
    before = file_sha256(Path("out", WEIGHTS))

    assert learn(data, "out", *TINY, "--seed", "5") == 2
    assert "belongs to another run: backbone, config.seed differ" in capsys.readouterr().err
    assert learn(data, "out", *TINY) == 0  # the same run is simply finished
    assert file_sha256(Path("out", WEIGHTS)) == before

    Path("full").mkdir()
    Path("full", "note.txt").write_text("mine", encoding="utf-8")
    assert learn(data, "full", *TINY) == 2
    assert [path.name for path in Path("full").iterdir()] == ["note.txt"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_stopped_run_goes_on_to_the_same_weights(data: Path, number: signal.Signals) -> None:
    assert learn(data, "whole", *TUNED) == 0

    process = subprocess.Popen(
        [sys.executable, *command(data, "stopped", *TUNED)],
        env=environ(),
        stderr=subprocess.PIPE,
        # A shell's background jobs are deaf to Ctrl-C, and so are the processes they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    history = Path("stopped", RUN, HISTORY)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if history.is_file() and history.read_text(encoding="utf-8"):
            process.send_signal(number)
            break
        time.sleep(0.005)
    process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 130)
    assert not Path("stopped", WEIGHTS).exists()

    assert learn(data, "stopped", *TUNED) == 0
    assert file_sha256(Path("stopped", WEIGHTS)) == file_sha256(Path("whole", WEIGHTS))


def test_two_processes_learn_what_one_learns(data: Path) -> None:
    """The same pictures in the same batches: only the order of additions differs."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    options = [*TUNED, "--set", "finetune.precision=fp32"]
    assert learn(data, "one", *options) == 0

    # `--cpu` would start a single process, whatever --num_processes says.
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--mixed_precision", "no"]
    launch += ["--num_machines", "1", "--num_processes", "2"]
    launch += ["--main_process_port", str(free_port())]
    subprocess.run(
        [sys.executable, *launch, *command(data, "two", *options)],
        env=environ(),
        check=True,
        capture_output=True,
        timeout=120,
    )

    processes = [load_checkpoint(Path(out)).training["processes"] for out in ("one", "two")]
    assert processes == [1, 2]
    assert largest_difference(weights_in(Path("one")), weights_in(Path("two"))) < 1e-5
    one, both = (
        [json.loads(line)["loss"] for line in Path(out, RUN, HISTORY).read_text().splitlines()]
        for out in ("one", "two")
    )
    assert both == pytest.approx(one, abs=1e-3)


@pytest.mark.parametrize("backbone", FIRST_CLASS)
def test_every_first_class_backbone_goes_all_the_way(backbone: str, tmp_path: Path) -> None:
    data = make_emotion6(tmp_path / "few", per_keyword=6)
    options = ["--backbone", backbone, "--pretrained", "none", "--threads", "1", "--epochs", "1"]
    options += ["--set", "input_size=64", "--set", "heads.l2=[1.0]"]

    assert learn(data, "out", *options) == 0
    assert evaluate.main(["--data", str(data), "--checkpoint", "out", "--split", "all"]) == 0
    checkpoint = load_checkpoint(Path("out"))
    predictor = Predictor(checkpoint, ModelInfo("x", "y", "local"))
    prediction = predictor.predict([Image.new("RGB", (80, 60), "orange")])[0]

    assert checkpoint.config.backbone == backbone
    assert sum(prediction.distribution.values()) == pytest.approx(1)
    assert read_json(Path("out", METRICS))["split"]["seen_in_training"] is True


def test_a_pretrained_file_is_used(data: Path) -> None:
    from safetensors.torch import load_file, save_file

    assert learn(data, "first", *TINY) == 0
    weights = load_file(Path("first", WEIGHTS))
    backbone = {
        key.removeprefix("backbone."): value * (1.5 if key.endswith("bn1.weight") else 1)
        for key, value in weights.items()
        if key.startswith("backbone.")
    }
    save_file(backbone, "pretrained.safetensors")
    assert learn(data, "second", *TINY, "--pretrained", "pretrained.safetensors") == 0

    (network,) = members_of(load_checkpoint(Path("second")).network)
    stored = network.backbone.state_dict()
    for key, value in backbone.items():
        assert torch.equal(stored[key], value), key


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--backbone", "resnet51"], "Did you mean"),
        (["--pretrained", "nothing.safetensors"], "nothing.safetensors cannot be read"),
        (["--set", "finetune.epoch=3"], "Did you mean finetune.epochs"),
        (["--recipe", "best"], "Choose from: frozen"),
        (["--teacher", "nobody.csv", "--epochs", "2"], "nobody.csv cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert learn(data, "out", *TINY, *options) == 2
    assert sentence in capsys.readouterr().err


def test_crossvalidation_judges_unseen_pictures_and_the_final_run(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def judge(out: str, *options: str) -> int:
        return crossvalidate.main(
            ["--data", str(data), "--out", out, "--cache", "cache", *TINY, *options]
        )

    assert judge("cv", "--epochs", "1", "--folds", "0,3") == 0
    assert set(read_json(Path("cv", "results.json"))["folds"]) == {"fold0", "fold3"}
    assert not Path("cv", "out_of_fold.csv").exists()
    assert judge("cv", "--epochs", "1") == 0
    results = read_json(Path("cv", "results.json"))
    assert len(results["folds"]) == 5
    assert set(results["mean"]) == set(FIGURES)

    dataset = Emotion6.read(data)
    predicted = read_ratings(Path("cv", "out_of_fold.csv"), dataset.names)
    learned_from = load_checkpoint(Path("cv", "fold1")).training["learned_from"]
    assert learned_from["pictures"] < len(dataset)
    assert len(predicted) == len(dataset)

    assert judge("frozen") == 0
    capsys.readouterr()
    assert crossvalidate.main(["--compare", "cv", "frozen"]) == 0
    assert "B - A" in capsys.readouterr().out

    assert learn(data, "other", *TINY, "--epochs", "2", "--judged-by", "cv") == 2
    assert learn(data, "final", *TINY, "--epochs", "1", "--judged-by", "cv") == 0
    document = read_json(Path("final", METRICS))
    assert document["cross_validation"]["mean"] == results["mean"]
    assert load_checkpoint(Path("final")).certainty is not None


def test_out_of_fold_predictions_can_teach(data: Path) -> None:
    options = ["--data", str(data), "--out", "cv", "--cache", "cache", *TINY]
    assert crossvalidate.main(options) == 0
    teacher = ["--teacher", "cv/out_of_fold.csv"]
    assert learn(data, "taught", *TUNED, *teacher) == 0
    assert learn(data, "alone", *TUNED) == 0

    assert largest_difference(weights_in(Path("taught")), weights_in(Path("alone"))) > 1e-5
    assert load_checkpoint(Path("taught")).training["teachers"] == ["out_of_fold.csv"]


def test_runs_are_logged_to_a_local_mlflow(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd()}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd()}/mlflow.db")
    mlflow.create_experiment("moodlens", artifact_location=(Path.cwd() / "artefacts").as_uri())

    assert learn(data, "out", *TINY, "--track", "mlflow") == 0

    (run,) = mlflow.search_runs(experiment_names=["moodlens"], output_format="list")
    document = read_json(Path("out", METRICS))
    assert run.data.params["backbone"] == "test_efficientnet"
    assert run.data.metrics["kl"] == pytest.approx(document["metrics"]["kl"]["value"])
    assert {path.name for path in Path("artefacts").rglob("*") if path.is_file()} >= {
        WEIGHTS, CONFIG, METRICS,
    }  # fmt: skip


def test_broken_data_is_named_and_can_be_skipped(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(data, broken)
    (broken / "images/joy/1.jpg").write_bytes(b"not a picture")

    assert learn(broken, "out", *TINY) == 2
    assert "joy/1.jpg" in capsys.readouterr().err
    assert learn(broken, "out", *TINY, "--skip-broken") == 0
    assert "joy/1.jpg" in capsys.readouterr().out
