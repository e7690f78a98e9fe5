"""The model card: ``model_card.md`` filled in from a checkpoint's config.json and metrics.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from moodlens.emotions import EMOTIONS
from training.data.provenance import LEARNED_FROM
from training.judging.metrics import METRICS, PER_EMOTION

TEMPLATE = Path(__file__).with_suffix(".md")

_TASK = "image-classification"
_DATASET = "emotion6"
_ON_THE_HUB = {"top1": "accuracy", "macro_f1": "f1", "pearson": "pearsonr"}
"""Metrics that the Hub knows by other names."""
_ABSENT = "–"


def make_card(
    repository: str,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    pictures: Sequence[str] = (),
) -> ModelCard:
    """Fill in the template; whatever it asks for and does not get is an error.

    Args:
        repository: ``owner/name``, for the lines that load the weights.
        config: the checkpoint's config.json.
        metrics: its metrics.json.
        pictures: of the evaluation, as paths in the repository.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown, from our own files
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    facts = dict(metrics["training"])
    learned_from = facts.pop(LEARNED_FROM, {})
    cross_validation = metrics.get("cross_validation") or {}
    titles = {name: metric.heading for name, metric in METRICS.items()}
    text = template.render(
        repository=repository,
        name=metrics["name"],
        networks=config["network"].get("members", [config["network"]]),
        license=config["license"],
        recipe=_as_yaml(facts),
        learned_from=learned_from.get("pictures"),
        split=metrics["split"],
        warnings=metrics["warnings"],
        certainty=metrics["certainty"],
        cross_validation=cross_validation,
        folds=[
            (titles[name], f"{mean:.3f}", f"{cross_validation['spread'][name]:.3f}")
            for name, mean in cross_validation.get("mean", {}).items()
        ],
        pictures=[{"path": path, "title": Path(path).stem} for path in pictures],
        model_sha256=metrics["model_sha256"],
        created=metrics["created"],
        command=metrics["command"],
        **_figures(metrics),
        **_emotions(metrics),
    )
    return ModelCard(f"---\n{_metadata(config, metrics).to_yaml()}\n---\n\n{text}")


def _metadata(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> ModelCardData:
    """What the Hub reads; it gets figures only on pictures that were not learned from."""
    card = ModelCardData(
        license="other",
        license_name="research-use-only",
        library_name="moodlens",
        pipeline_tag=_TASK,
        datasets=[_DATASET],
        metrics=sorted(_ON_THE_HUB.values()),
        tags=["emotion", "affective-computing", "label-distribution-learning", "timm"],
    )
    if metrics["split"]["seen_in_training"] is False:
        card.model_name = config["name"]
        card.eval_results = _results(metrics)
    return card


def _results(metrics: Mapping[str, Any]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=_TASK,
            task_name="Evoked emotion distribution",
            dataset_type=_DATASET,
            dataset_name="Emotion6",
            dataset_split=metrics["split"]["name"],
            metric_type=_ON_THE_HUB.get(name, name),
            metric_name=METRICS[name].title,
            metric_value=figure["value"],
            metric_args={"low": figure["low"], "high": figure["high"]},
        )
        for name, figure in metrics["metrics"].items()
        if figure["value"] is not None
    ]


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The table of all metrics, beside the baselines and the human ceiling."""
    columns = {
        name.replace("_", " "): baseline["metrics"]
        for name, baseline in metrics["baselines"].items()
    }
    for voters, comparisons in metrics["human_ceiling"].items():
        for comparison, figures in comparisons.items():
            columns[f"{voters} viewers {comparison.replace('_', ' ')}"] = figures
    rows = [
        {
            "title": metric.heading,
            "value": _with_interval(metrics["metrics"][name]),
            "others": [_value(figures.get(name)) for figures in columns.values()],
            "about": metric.about.replace("||", "‖"),
        }
        for name, metric in METRICS.items()
    ]
    about = {name.replace("_", " "): b["about"] for name, b in metrics["baselines"].items()}
    return {"columns": list(columns), "rows": rows, "baselines": about}


def _emotions(metrics: Mapping[str, Any]) -> dict[str, Any]:
    figures: Mapping[str, Any] = metrics["per_emotion"]
    by_correlation = sorted(figures, key=lambda emotion: figures[emotion]["pearson"]["value"])
    weakest = [f"{name} ({figures[name]['pearson']['value']:.3f})" for name in by_correlation[:2]]
    rarest = min(figures, key=lambda emotion: figures[emotion]["support"])
    found = [
        f"{emotion} {metrics['confusion'][i][i]} of {sum(metrics['confusion'][i])}"
        for i, emotion in enumerate(EMOTIONS)
    ]
    return {
        "emotion_columns": PER_EMOTION,
        "emotions": [
            {
                "name": emotion,
                "support": row["support"],
                "cells": [_with_interval(row[name]) for name in PER_EMOTION],
            }
            for emotion, row in figures.items()
        ],
        "weakest": " and ".join(weakest),
        "found": ", ".join(found),
        "rarest": f"{rarest} ({figures[rarest]['support']} pictures)",
    }


def _value(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return _ABSENT
    return f"{figure['value']:.3f}"


def _with_interval(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None or figure["low"] is None:
        return _value(figure)
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _as_yaml(data: Mapping[str, Any]) -> str:
    if not data:
        return ""
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=96)
    return text.rstrip()
