"""The card says what metrics.json says, all of it, and nothing of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData

from tests.support.emotion6_factory import make_emotion6
from tests.support.tiny_checkpoint import make_checkpoint
from training import evaluate
from training.data.provenance import learned_from
from training.judging.metrics import METRICS, PER_EMOTION
from training.publishing.model_card import make_card

FACTS = {"config": {"epochs": 3}, "learned_from": learned_from(["anger/100.jpg"])}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"), name="tiny 1", training=FACTS)
    data = make_emotion6(tmp_path_factory.mktemp("data"), per_keyword=4)
    arguments = ["--data", str(data), "--checkpoint", str(folder), "--split", "all"]
    assert evaluate.main(arguments) == 0
    return folder


@pytest.fixture
def config(checkpoint: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((checkpoint / "config.json").read_text())
    return data


@pytest.fixture
def metrics(checkpoint: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((checkpoint / "metrics.json").read_text())
    return data


def card(config: dict[str, Any], metrics: dict[str, Any]) -> ModelCard:
    return make_card("owner/weights", config, metrics, ["evaluation/shares.png"])


def test_every_network_of_an_ensemble_is_named(
    config: dict[str, Any], metrics: dict[str, Any]
) -> None:
    alone = config["network"]
    other = {**alone, "backbone": "resnet50", "input_size": 256}
    together = {**config, "network": {"members": [alone, other], "weights": [0.5, 0.5]}}

    assert (
        f"network is timm's `{alone['backbone']}` with linear heads" in card(config, metrics).text
    )
    text = card(together, metrics).text
    assert "2 networks answer as one" in text
    assert f"timm's `{alone['backbone']}` at 64 × 64 pixels," in text
    assert "timm's `resnet50` at 256 × 256 pixels." in text


def test_every_metric_stands_there_with_its_interval_baselines_and_ceiling(
    config: dict[str, Any], metrics: dict[str, Any]
) -> None:
    text = card(config, metrics).text
    for name, metric in METRICS.items():
        figure = metrics["metrics"][name]
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {metric.title} ")]
        assert f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]" in row
        for others in (metrics["baselines"]["class_prior"]["metrics"],):
            assert f"| {others[name]['value']:.3f} |" in row
    ceiling = metrics["human_ceiling"]["15"]["against_truth"]["kl"]["value"]
    (row,) = [line for line in text.splitlines() if line.startswith("| KL ")]
    assert f"| {ceiling:.3f} |" in row
    assert "15 viewers against truth" in text


def test_tables_have_as_many_cells_as_headings(
    config: dict[str, Any], metrics: dict[str, Any]
) -> None:
    metrics["cross_validation"] = _cross_validation()
    widths: list[set[int]] = [set()]
    for line in card(config, metrics).text.splitlines():
        if line.startswith("|"):
            widths[-1].add(line.count("|"))
        elif widths[-1]:
            widths.append(set())
    assert [len(width) for width in widths if width] == [1, 1, 1]


def test_every_emotion_and_the_weakest(config: dict[str, Any], metrics: dict[str, Any]) -> None:
    text = card(config, metrics).text
    for emotion, figures in metrics["per_emotion"].items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {emotion} |")]
        for name in PER_EMOTION:
            assert f"{figures[name]['value']:.3f}" in row
    worst = min(metrics["per_emotion"].items(), key=lambda item: item[1]["pearson"]["value"])
    assert f"Weakest by correlation:\n{worst[0]} (" in text
    for i, emotion in enumerate(metrics["per_emotion"]):
        hits, support = metrics["confusion"][i][i], metrics["per_emotion"][emotion]["support"]
        assert f"{emotion} {hits} of {support}" in text


@pytest.mark.parametrize(
    "said",
    [
        "# tiny 1",
        "not for",
        "Judging a person's feelings",
        "Hiring, policing",
        "Children",
        "academic research only",
        "epochs: 3",
        "It learned from 1 pictures",
        "## Where it was not tested",
        "![shares](evaluation/shares.png)",
        "@inproceedings{peng2015mixed",
    ],
)
def test_what_a_card_has_to_say(config: dict[str, Any], metrics: dict[str, Any], said: str) -> None:
    assert said in card(config, metrics).text


def test_it_loads_in_three_lines(config: dict[str, Any], metrics: dict[str, Any]) -> None:
    code = card(config, metrics).text.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line]) == 3


def test_the_terms_are_the_checkpoints_own(config: dict[str, Any], metrics: dict[str, Any]) -> None:
    config["license"] = "Ask the owner."
    assert "The terms of these weights: Ask the owner." in card(config, metrics).text


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (False, "none of which it learned from"),
        (None, "whether it learned from any of them is not known"),
        (True, "**3 of which it learned from**"),
    ],
)
def test_figures_reach_the_hubs_tables_only_where_they_are_honest(
    config: dict[str, Any], metrics: dict[str, Any], seen: bool | None, said: str
) -> None:
    metrics["split"] |= {"seen_in_training": seen, "seen": 3}
    metrics["warnings"] = ["Beware of these."]
    made = card(config, metrics)
    assert said in made.text
    assert "> **Warning.** Beware of these." in made.text
    assert isinstance(made.data, ModelCardData)
    assert bool(made.data.eval_results) is (seen is False)
    if made.data.eval_results:
        results = {result.metric_name: result for result in made.data.eval_results}
        assert results["KL"].metric_value == metrics["metrics"]["kl"]["value"]
        assert results["KL"].dataset_split == "all"
        assert len(results) == len(METRICS)


def test_out_of_fold_figures_say_so(config: dict[str, Any], metrics: dict[str, Any]) -> None:
    metrics["split"] |= {"name": "out_of_fold", "seen_in_training": False}
    metrics["cross_validation"] = _cross_validation()
    text = card(config, metrics).text
    assert "Out of fold: each of the 24 pictures" in text
    assert "learned 5 times" in text
    assert "| KL ↓ | 0.341 | 0.012 |" in text


def test_the_metadata_is_what_the_hub_knows(
    config: dict[str, Any], metrics: dict[str, Any]
) -> None:
    data = yaml.safe_load(str(card(config, metrics)).split("---")[1])
    assert data["pipeline_tag"] == "image-classification"
    assert data["library_name"] == "moodlens"
    assert data["datasets"] == ["emotion6"]
    assert data["license"] == "other"
    assert data["license_name"] == "research-use-only"


def test_a_missing_fact_is_an_error_and_no_gap(
    config: dict[str, Any], metrics: dict[str, Any]
) -> None:
    del metrics["split"]["size"]
    with pytest.raises(Exception, match="size"):
        card(config, metrics)


def _cross_validation() -> dict[str, Any]:
    return {
        "pictures": 24,
        "folds": {f"fold{k}": {} for k in range(5)},
        "mean": {"kl": 0.3412},
        "spread": {"kl": 0.0123},
    }
