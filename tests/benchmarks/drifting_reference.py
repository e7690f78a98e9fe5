"""The reference's recipe with norms that drift: ``python -m tests.benchmarks.drifting_reference``.

::

    python -m tests.benchmarks.drifting_reference --data DIR --pretrained FILE --backbone resnet50
        --recipe reference --out DIR [--folds fold0 ...]

The reference trains its head with the whole network in training mode. So its frozen backbone sees
each batch by that batch's own statistics, and ends with running statistics that have drifted to
the pictures it learned from. Each fold is learned both ways, with the statistics kept as they came
and drifting, and judged in eval mode on one upright view. Folds that lie in ``--out`` are not run
again: give each config its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodlens.model.checkpoint_files import read_json, write_json
from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import decode_side, normalise
from training.data.ratings import Ratings
from training.data.source import LabelledPictures
from training.data.split import FOLD_NAMES, load_split
from training.judging.metrics import score
from training.learning.augment import eval_preset
from training.learning.backbones import pretrained_network
from training.learning.config import Config
from training.learning.losses import emotion_loss
from training.options import add_recipe_options, config_from, data_from

_SHOWN = ("kl", "pearson", "top1", "top2")
_WAYS = ("kept", "drifting")


def learn_head(
    network: EmotionNetwork, pixels: Tensor, shares: Tensor, config: Config, *, drifting: bool
) -> None:
    """Fit the emotion head in place by the reference's Adam, on batches that the network sees.

    Args:
        network: its backbone's weights stay; with ``drifting`` its norms' statistics do not.
        pixels: [N, 3, S, S] uint8.
        shares: [N, 7] of viewers.
        config: epochs, rate, batch size, loss and seed.
        drifting: whether the backbone is in training mode.
    """
    heads = config.heads
    generator = torch.Generator().manual_seed(config.seed)
    torch.nn.init.zeros_(network.emotion_head.weight)
    torch.nn.init.zeros_(network.emotion_head.bias)
    optimizer = torch.optim.Adam(network.emotion_head.parameters(), lr=heads.lr)
    network.backbone.train(drifting)
    kept = None if drifting else features(network, pixels)
    for epoch in range(heads.epochs):
        order = torch.randperm(len(pixels), generator=generator).split(heads.batch_size)
        title = f"epoch {epoch + 1}/{heads.epochs}"
        for rows in tqdm(order, desc=title, unit="batch", leave=False, disable=not drifting):
            seen = features(network, pixels[rows]) if kept is None else kept[rows]
            optimizer.zero_grad()
            logits = network.emotion_head(seen)
            emotion_loss(logits, shares[rows], config.labels, config.loss).mean().backward()
            optimizer.step()
    network.eval()


@torch.no_grad()
def features(network: EmotionNetwork, pixels: Tensor) -> Tensor:
    """[N, F] float32 as the network is, in eval or in training mode, 32 pictures at a time."""

    def parts() -> Iterator[Tensor]:
        for part in pixels.split(32):
            pictures = normalise(part, network.config).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                maps = network.feature_maps(pictures)
            yield network.pool([level.float() for level in maps])

    return torch.cat(list(parts()))


def judge(network: EmotionNetwork, pixels: Tensor, true: Ratings) -> dict[str, float]:
    """The figures of pictures that were not learned from."""
    with torch.no_grad():
        shares = network.emotion_head(features(network, pixels)).double().softmax(dim=1).numpy()
    nothing = np.full(len(shares), np.nan)
    found = score(Ratings.of(shares, nothing, nothing), true)
    return {name: float(found[name]) for name in _SHOWN}


def pixels_of(network: EmotionNetwork, dataset: LabelledPictures) -> Tensor:
    """[N, 3, S, S] uint8 of all pictures, as the app crops them."""
    preset, side = eval_preset(network.config), decode_side(network.config)
    pictures = tqdm(range(len(dataset)), desc="pictures", leave=False)
    return torch.stack([preset(dataset.picture(i, short_side=side)) for i in pictures])


def main() -> None:
    """Run the folds that are missing, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.drifting_reference")
    add_recipe_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="where the folds' figures go")
    parser.add_argument("--folds", nargs="+", choices=FOLD_NAMES, default=FOLD_NAMES)
    args = parser.parse_args()
    config, dataset = config_from(args), data_from(args)
    args.out.mkdir(parents=True, exist_ok=True)
    pixels = pixels_of(pretrained_network(config), dataset)
    done = []
    for fold in args.folds:
        path = args.out / f"{fold}.json"
        if not path.is_file():
            write_json(path, _run(fold, dataset, pixels, config))
        done.append(read_json(path))
        print(fold, done[-1], flush=True)
    print("| norms | " + " | ".join(_SHOWN) + " |")
    for way in _WAYS:
        columns = [[figures[way][name] for figures in done] for name in _SHOWN]
        cells = (f"{np.mean(values):.3f} ({np.std(values):.3f})" for values in columns)
        print(f"| {way} | " + " | ".join(cells) + " |")


def _run(
    fold: str, dataset: LabelledPictures, pixels: Tensor, config: Config
) -> dict[str, dict[str, float]]:
    inside = load_split(fold, dataset).indices
    outside = load_split(f"without_{fold}", dataset).indices
    found = {}
    for way in _WAYS:
        network = pretrained_network(config)
        learn_head(
            network,
            pixels[torch.from_numpy(outside)],
            torch.from_numpy(dataset.ratings.shares[outside]).float(),
            config,
            drifting=way == "drifting",
        )
        found[way] = judge(network, pixels[torch.from_numpy(inside)], dataset.ratings[inside])
    return found


if __name__ == "__main__":
    main()
