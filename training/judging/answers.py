"""A predictor's answers as ratings: by one upright view, as the app gives them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from PIL import Image
from tqdm import tqdm

from moodlens.emotions import EMOTIONS
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from training.data.ratings import Ratings
from training.data.source import LabelledPictures

_BATCH = 16


def answers(predictor: Predictor, pictures: Iterable[Image.Image]) -> Ratings:
    """Ask about decoded pictures, some at a time; they are taken only as they are needed."""
    shares, valence, arousal = [], [], []
    waiting = iter(pictures)
    while batch := list(islice(waiting, _BATCH)):
        for prediction in predictor.predict(batch):
            six = [prediction.distribution[name] for name in EMOTIONS]
            shares.append([*((1 - prediction.neutral) * p for p in six), prediction.neutral])
            valence.append(prediction.valence)
            arousal.append(prediction.arousal)
    return Ratings.of(shares, valence, arousal)


def predict(checkpoint: Checkpoint, dataset: LabelledPictures) -> Ratings:
    """Answer for every picture as the app would, with a progress bar.

    Raises:
        PictureError: a picture cannot be decoded.
    """
    model = ModelInfo(checkpoint.name, checkpoint.revision, "local")
    predictor = Predictor(checkpoint, model, plain=True)
    pictures = (dataset.picture(i, short_side=predictor.decode_side) for i in range(len(dataset)))
    bar = tqdm(pictures, total=len(dataset), desc="predicting", unit="picture", leave=False)
    return answers(predictor, bar)
