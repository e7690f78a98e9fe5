"""One run of learning, from a data set to a checkpoint: what train and crossvalidate share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from moodlens.model.checkpoint import CONFIG, METRICS, Checkpoint, load_checkpoint, save_checkpoint
from moodlens.model.network import EmotionNetwork
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from training.data.provenance import LEARNED_FROM, learned_from_all
from training.data.ratings import Floats, Ratings
from training.data.source import LabelledPictures
from training.data.split import make_folds
from training.judging.answers import answers
from training.judging.metrics import score
from training.learning.backbones import fingerprint, pretrained_network
from training.learning.config import Config
from training.learning.curves import draw_curves
from training.learning.decoding import ROOM, DecodedPictures
from training.learning.engine import Engine
from training.learning.features import frozen_features
from training.learning.fit import Examples, Validate, fine_tune
from training.learning.heads import ChosenHeads, choose_heads
from training.learning.run_folder import close_run, describe, open_run
from training.learning.targets import targets

STORAGE = {"float32": torch.float32, "float16": torch.float16, "int8": torch.int8}
_ROOM_FOR_CROPS = 2
"""Short sides of the eval preset: a crop of a quarter of the picture is not enlarged."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a run leaves behind.

    Attributes:
        checkpoint: as loaded from where it was written.
        heads: the fitted heads, with what cross-validation said of the frozen features; None where
            the run had ended before and needs no more judging by them.
        history: of fine-tuning, one entry per epoch.
    """

    checkpoint: Checkpoint
    heads: ChosenHeads | None
    history: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Loading:
    """How pictures are decoded.

    Attributes:
        workers: processes that do it beside the one that learns; 0 for none.
        room: bytes of decoded pictures that may be kept.
    """

    workers: int = 0
    room: int = ROOM


def learn(
    dataset: LabelledPictures,
    numbers: Sequence[int],
    config: Config,
    *,
    out: Path,
    cache: Path,
    name: str,
    teachers: Sequence[Path] = (),
    keep_views: bool = False,
    facts: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
    loading: Loading = Loading(),
) -> Learned:
    """Learn from some of a data set's pictures and write the checkpoint.

    A run that was stopped goes on where it was; one that is finished is loaded.

    Args:
        dataset: the whole data set.
        numbers: which of its pictures to learn from.
        config: all hyper-parameters.
        out: folder for the checkpoint, and in its ``run/`` for state, history and curves.
        cache: folder for frozen features, shared by all runs.
        name: of the checkpoint.
        teachers: files of ratings that the targets are mixed with.
        keep_views: whether what frozen stages make of views is kept in the cache too.
        facts: more facts for the checkpoint's ``training``.
        engine: device, precision and processes; by default this process on what there is.
        loading: how pictures are decoded; nothing of the result hangs on it.

    Raises:
        SettingsError: ``out`` belongs to another run, or the pretrained weights cannot be had.
        DatasetError: a teacher lacks pictures.
    """
    engine = engine or Engine.start(precision=config.finetune.precision)
    part = dataset.subset(numbers)
    network = pretrained_network(config)
    description = describe(config.to_json(), part, fingerprint(network), teachers)
    if engine.is_first:
        open_run(out, description)
    engine.wait()
    run = open_run(out, description)  # which is there now, for the other processes too
    is_finished = (out / CONFIG).is_file()  # written last: before it the weights may be half there
    if is_finished and (config.finetune.epochs or (out / METRICS).is_file()):
        return Learned(load_checkpoint(out), None, [])

    features = frozen_features(network, dataset, cache, engine=engine, workers=loading.workers)[
        :, list(numbers)
    ]
    heads = choose_heads(features, part.ratings, config, weights=_weights(part), groups=part.groups)
    if is_finished:  # stopped between its checkpoint and its figures
        return Learned(load_checkpoint(out), heads, [])
    heads.heads.write_into(network)
    history: list[dict[str, Any]] = []
    if config.finetune.epochs:
        history = _fine_tune(
            network,
            part,
            numbers=numbers,
            config=config,
            run=run,
            teachers=teachers,
            views=cache / "views" if keep_views else None,
            engine=engine,
            loading=loading,
        )
    if engine.is_first:
        save_checkpoint(
            out,
            network,
            name=name,
            training={
                "config": config.to_json(),
                "l2": {"emotion": heads.l2, "affect": heads.affect_l2},
                "teachers": [path.name for path in teachers],
                "processes": engine.size,
                LEARNED_FROM: learned_from_all(part),
                **(facts or {}),
            },
            storage=STORAGE[config.storage],
        )
        if history:
            draw_curves(run / "curves.png", history)
        close_run(run)
    engine.wait()
    return Learned(load_checkpoint(out), heads, history)


def _fine_tune(
    network: EmotionNetwork,
    part: LabelledPictures,
    *,
    numbers: Sequence[int],
    config: Config,
    run: Path,
    teachers: Sequence[Path],
    views: Path | None,
    engine: Engine,
    loading: Loading,
) -> list[dict[str, Any]]:
    side = _ROOM_FOR_CROPS * network.config.resize_to
    aims = targets(part, teachers, config.distill)
    rows = np.arange(len(part))
    validate: Validate | None = None
    if config.finetune.patience:
        # One of so many stratified folds is about the share that was asked for.
        folds = round(1 / config.finetune.validation_share)
        held = make_folds(part.ratings.dominant, folds=folds, groups=part.groups) == 0
        judged = DecodedPictures(part.subset(rows[held]), side, 0)
        validate = _validation(judged, part.ratings[rows[held]], engine)
        rows = rows[~held]
    examples = Examples(
        DecodedPictures(part.subset(rows), side, loading.room),
        aims[rows],
        [numbers[i] for i in rows.tolist()],
        _weights(part)[rows],
    )
    return fine_tune(
        network,
        examples,
        config,
        run,
        views=views,
        validate=validate,
        engine=engine,
        workers=loading.workers,
    )


def _weights(part: LabelledPictures) -> Floats:
    """Of each picture, 1 on average, so that rates and L2 mean the same whatever the data."""
    return part.weights / part.weights.mean()


def _validation(pictures: DecodedPictures, true: Ratings, engine: Engine) -> Validate:
    def validate(network: EmotionNetwork) -> Mapping[str, float]:
        unsaved = Checkpoint(network, name="", weights_sha256="", probe=())
        predictor = Predictor(
            unsaved, ModelInfo("", "", "local"), device=str(engine.device), plain=True
        )
        scores = score(answers(predictor, pictures), true)
        return {name: round(scores[name], 5) for name in ("kl", "pearson", "top1", "top2")}

    return validate
