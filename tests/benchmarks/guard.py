"""Speed must not change the answers: ``python -m tests.benchmarks.guard``.

Every speed-up alone, and all together as they serve, against the plain path: decoded whole, resized
and then cropped, through the network as it was trained, in float32. The pictures are the example
photos and generated ones. With ``MOODLENS_EMOTION6`` they are also Emotion6's, each network on
those it did not learn from, and the change of its KL is told:

    MOODLENS_EMOTION6=path python -m tests.benchmarks.guard --checkpoints runs/cv/fold*

A mean KL that moves by more than 0.002, or a single share on the example and generated pictures
that moves by more than 0.01 through the network's form, is a refusal. The crop in one pass is how
the network was trained and judged too: its shares may differ from two passes', its KL may not. So
without Emotion6 only the network's form can be refused.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.emotions import EMOTIONS
from moodlens.model.checkpoint import Checkpoint, load_checkpoint
from moodlens.model.ensemble import members_of
from moodlens.model.predictor import Predictor
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.pictures import EXAMPLES, generated_pictures
from training.data.emotion6 import Emotion6
from training.data.provenance import seen_in_training
from training.judging.metrics import kl_divergence

Distributions = NDArray[np.float64]

MOST_OF_KL = 0.002
MOST_FOR_ONE = 0.01

Answer = Callable[[bytes], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Change:
    """How far answers are from the plain path's.

    Attributes:
        mean: of the absolute change of a share.
        largest: of any share of any picture.
        kl: change of the mean KL to the viewers' shares, in nats; None without viewers.
    """

    mean: float
    largest: float
    kl: float | None = None

    @classmethod
    def between(
        cls, plain: Distributions, fast: Distributions, viewers: Distributions | None = None
    ) -> Change:
        """From [N, 6] each."""
        moved = np.abs(fast - plain)
        kl = None
        if viewers is not None:
            kl = float((kl_divergence(viewers, fast) - kl_divergence(viewers, plain)).mean())
        return cls(float(moved.mean()), float(moved.max()), kl)

    def is_refused(self, *, for_one: float = np.inf) -> bool:
        return self.largest > for_one or abs(self.kl or 0.0) > MOST_OF_KL

    def __str__(self) -> str:
        kl = "" if self.kl is None else f"   KL {self.kl:+.5f}"
        return f"share: mean {self.mean:.5f}, largest {self.largest:.4f}{kl}"


@dataclass(slots=True)
class Answers:
    """What each path said about the same pictures."""

    by_path: dict[str, list[Sequence[float]]] = field(default_factory=dict)
    viewers: list[Sequence[float]] = field(default_factory=list)

    def ask(self, paths: dict[str, Answer], pictures: Iterable[bytes]) -> None:
        for picture in pictures:
            for name, path in paths.items():
                self.by_path.setdefault(name, []).append(path(picture))

    def changes(self) -> dict[str, Change]:
        """Of every path but the first, which is the plain one."""
        (_, plain), *others = [(name, np.array(rows)) for name, rows in self.by_path.items()]
        viewers = np.array(self.viewers) if self.viewers else None
        return {name: Change.between(plain, rows, viewers) for name, rows in others}


def answer_paths(checkpoint: Checkpoint) -> dict[str, Answer]:
    """The plain path first, then each speed-up alone, then the path that serves."""
    model = ModelInfo(checkpoint.name, checkpoint.revision, "local")
    plain = Predictor(checkpoint, model, plain=True)
    served = Predictor(checkpoint, model)
    side = plain.decode_side

    def whole(data: bytes) -> Image.Image:
        return read_picture(data)

    def reduced(data: bytes) -> Image.Image:
        return read_picture(data, short_side=side)

    def cut(picture: Image.Image) -> Image.Image:
        """Resized, then cropped: afterwards the one-pass crop finds nothing left to resize.

        Of an ensemble, the member that wants the picture largest; for others it is resized twice.
        """
        members = members_of(checkpoint.network)
        scale = max(member.config.resize_to for member in members) / min(picture.size)
        width, height = (round(edge * scale) for edge in picture.size)
        return picture.resize((width, height), Image.Resampling.BICUBIC)

    paths: dict[str, Answer] = {
        "plain": lambda data: _shares(plain, cut(whole(data))),
        "resize and crop in one pass": lambda data: _shares(plain, whole(data)),
        "decoded at reduced scale": lambda data: _shares(plain, cut(reduced(data))),
        "the network's serving form": lambda data: _shares(served, cut(whole(data))),
        "all, as served": lambda data: _shares(served, reduced(data)),
    }
    if find_spec("openvino"):
        other = Predictor(checkpoint, model, backend="openvino")
        paths["OpenVINO's form"] = lambda data: _shares(other, cut(whole(data)))
    return paths


def main() -> int:
    """Print the changes; 1 where one is refused."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.guard")
    parser.add_argument("--checkpoints", nargs="+", type=Path, default=[locate_bundled().folder])
    folders: list[Path] = parser.parse_args().checkpoints
    folder = os.environ.get("MOODLENS_EMOTION6")
    dataset = Emotion6.read(Path(folder)) if folder else None
    own, rated = Answers(), Answers()
    for checkpoint in map(load_checkpoint, folders):
        paths = answer_paths(checkpoint)
        own.ask(paths, [*(path.read_bytes() for path in EXAMPLES), *generated_pictures()])
        if dataset is not None:
            unseen = unseen_pictures(checkpoint, dataset)
            rated.ask(paths, (path.read_bytes() for path in unseen.paths))
            rated.viewers += unseen.ratings.distribution.tolist()
    refused = False
    for title, answers in (("example and generated pictures", own), ("Emotion6", rated)):
        if not answers.by_path:
            continue
        print(f"{title}: {len(answers.by_path['plain'])} answers")
        for name, change in answers.changes().items():
            for_one = MOST_FOR_ONE if answers is own and "form" in name else np.inf
            verdict = change.is_refused(for_one=for_one)
            refused |= verdict
            print(f"  {name:<28} {change}{'   REFUSED' if verdict else ''}")
    return int(refused)


def unseen_pictures(checkpoint: Checkpoint, dataset: Emotion6) -> Emotion6:
    """Those that a checkpoint did not learn from; all, and a warning, where that is not known."""
    seen = seen_in_training(checkpoint.training, dataset.names)
    learned = set(seen or ())
    unseen = [i for i, name in enumerate(dataset.names) if name not in learned]
    if seen is None or not unseen:
        print(f"{checkpoint.name} may have learned from these pictures; its KL is a flattering one")
        return dataset
    return dataset.subset(unseen)


def _shares(predictor: Predictor, picture: Image.Image) -> Sequence[float]:
    (prediction,) = predictor.predict([picture])
    return [prediction.distribution[name] for name in EMOTIONS]


if __name__ == "__main__":
    sys.exit(main())
