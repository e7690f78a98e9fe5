"""Averaging networks, and what may not be averaged."""

from pathlib import Path

import pytest
import torch

from moodlens.model.checkpoint import METRICS, Checkpoint, load_checkpoint, verify_probe
from moodlens.model.checkpoint_files import read_json
from moodlens.model.ensemble import members_of
from tests.support.emotion6_factory import make_emotion6
from training import crossvalidate, soup, train

TUNED = [
    "--cache", "cache", "--backbone", "test_efficientnet", "--pretrained", "none",
    "--threads", "1", "--set", "input_size=64", "--set", "heads.l2=[0.1]",
    "--set", "heads.affect_l2=[1.0]", "--epochs", "1", "--batch-size", "8",
]  # fmt: skip


def bias_of(checkpoint: Checkpoint) -> torch.Tensor:
    return members_of(checkpoint.network)[0].emotion_head.bias


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return ["--data", str(make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=6))]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "CHECKPOINT_DIR", "CACHE_DIR", "PRETRAINED_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_two_recipes_become_one_network_with_the_figures_of_their_folds(
    data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, lr in (("a", "0.0001"), ("b", "0.001")):
        assert train.main([*data, *TUNED, "--lr", lr, "--out", name]) == 0
        assert crossvalidate.main([*data, *TUNED, "--lr", lr, "--out", f"cv-{name}"]) == 0

    assert soup.main(["--folds", "cv-a", "cv-b", *data, "--out", "cv-soup"]) == 0
    judged = ["--judged-by", "cv-soup", "--name", "tiny"]
    assert soup.main(["a", "b", *data, "--out", "soup", *judged]) == 0

    a, b, mean = (load_checkpoint(Path(n)).network.state_dict() for n in ("a", "b", "soup"))
    for key, value in mean.items():
        assert torch.allclose(value.double(), (a[key].double() + b[key].double()) / 2, atol=1e-6)
    key = "emotion_head.weight"
    assert not torch.equal(a[key], b[key])

    document = read_json(Path("soup", METRICS))
    results = read_json(Path("cv-soup", "results.json"))
    rates = [config["finetune"]["lr"] for config in document["training"]["config"]["soup"]]
    assert rates == [0.0001, 0.001]
    assert len(results["folds"]) == 5
    assert document["cross_validation"]["mean"] == results["mean"]
    assert load_checkpoint(Path("soup")).certainty is not None

    # Another soup's folds say nothing of this one, and a folder belongs to one soup.
    capsys.readouterr()
    assert soup.main(["b", "a", *data, "--out", "other", *judged]) == 2
    assert "judged other hyper-parameters" in capsys.readouterr().err
    assert soup.main(["a", "b", *data, "--out", "soup"]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_temperature_that_suits_the_other_folds(data: list[str]) -> None:
    for name, lr in (("a", "0.0001"), ("b", "0.001")):
        assert train.main([*data, *TUNED, "--lr", lr, "--out", name]) == 0
        assert crossvalidate.main([*data, *TUNED, "--lr", lr, "--out", f"cv-{name}"]) == 0
    folds = ["--folds", "cv-a", "cv-b", *data]
    assert soup.main([*folds, "--out", "raw"]) == 0
    assert soup.main([*folds, "--out", "tempered", "--temperature"]) == 0
    judged = ["--judged-by", "tempered"]
    assert soup.main(["a", "b", *data, "--out", "plain"]) == 0
    assert soup.main(["a", "b", *data, "--out", "soup", *judged]) == 0

    raw, tempered = (read_json(Path(name, "results.json")) for name in ("raw", "tempered"))
    assert tempered["mean"]["top1"] == raw["mean"]["top1"]
    assert tempered["mean"]["kl"] != raw["mean"]["kl"]
    for fold in ("fold0", "fold4"):
        before, after = (load_checkpoint(Path(n, fold)) for n in ("raw", "tempered"))
        ratio = bias_of(before) / bias_of(after)
        expected = torch.full((7,), after.training["temperature"])
        torch.testing.assert_close(ratio, expected, rtol=1e-4, atol=0)

    plain, final = (load_checkpoint(Path(name)) for name in ("plain", "soup"))
    assert final.training["temperature"] == tempered["temperature"]
    ratio = bias_of(plain) / bias_of(final)
    torch.testing.assert_close(ratio, torch.full((7,), tempered["temperature"]))


def test_networks_of_two_kinds_answer_as_one(
    data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"a": ["--set", "levels=2"], "b": ["--set", "input_size=80"]}
    for name, kind in kinds.items():
        assert train.main([*data, *TUNED, *kind, "--out", name]) == 0
        assert crossvalidate.main([*data, *TUNED, *kind, "--out", f"cv-{name}"]) == 0
    ensemble = [*data, "--ensemble", "--weights", "3,1"]
    folds = [*ensemble, "--folds", "cv-a", "cv-b", "--temperature"]
    assert soup.main([*folds, "--out", "cv-pair"]) == 0
    judged = ["--judged-by", "cv-pair", "--storage", "int8"]
    assert soup.main([*ensemble, "a", "b", "--out", "pair", *judged]) == 0

    pair, a, b = (load_checkpoint(Path(name)) for name in ("pair", "a", "b"))
    verify_probe(pair)
    assert pair.config.to_json() == {
        "members": [a.config.to_json(), b.config.to_json()],
        "weights": [0.75, 0.25],
    }
    assert len(pair.training["config"]["ensemble"]) == 2
    temperature = pair.training["temperature"]
    assert temperature == read_json(Path("cv-pair", "results.json"))["temperature"]
    for member, alone in zip(members_of(pair.network), (a, b), strict=True):
        bias = bias_of(alone) / temperature
        torch.testing.assert_close(member.emotion_head.bias, bias)
    assert pair.certainty is not None

    capsys.readouterr()
    assert soup.main([*ensemble, "pair", "a", "--out", "x"]) == 2
    assert "is an ensemble already" in capsys.readouterr().err
    assert soup.main([*ensemble, "a", "b", "a", "--out", "x"]) == 2
    assert "one number above 0 for each member" in capsys.readouterr().err
    assert soup.main([*data, "--weights", "1,1", "a", "b", "--out", "x"]) == 2
    assert "belong to --ensemble" in capsys.readouterr().err


def test_one_fold_alone_has_no_temperature(
    data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be fitted on the very pictures that judge it."""
    for name in ("a", "b"):
        assert crossvalidate.main([*data, *TUNED, "--folds", "3", "--out", f"cv-{name}"]) == 0
    folds = ["--folds", "cv-a", "cv-b", *data]
    assert soup.main([*folds, "--out", "raw"]) == 0
    assert list(read_json(Path("raw", "results.json"))["folds"]) == ["fold3"]
    capsys.readouterr()

    assert soup.main([*folds, "--out", "tempered", "--temperature"]) == 2
    assert "needs two finished folds in common" in capsys.readouterr().err
    assert not Path("tempered").exists()


def test_only_networks_of_a_kind_with_the_same_pictures_mix(
    data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*data, *TUNED, "--out", "all"]) == 0
    assert train.main([*data, *TUNED, "--out", "larger", "--set", "input_size=80"]) == 0
    assert train.main([*data, *TUNED, "--out", "part", "--split", "without_fold0"]) == 0
    capsys.readouterr()

    assert soup.main(["all", "larger", *data, "--out", "x"]) == 2
    assert "networks of different kinds" in capsys.readouterr().err
    assert soup.main(["all", "part", *data, "--out", "y"]) == 2
    assert "learned from different pictures" in capsys.readouterr().err
