"""Features of the frozen backbone, extracted once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from moodlens.model.fused import fused_network
from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import decode_side, normalise
from training.data.source import LabelledPictures
from training.learning.augment import eval_preset
from training.learning.backbones import fingerprint
from training.learning.workers import Workers

_CHUNK = 64
_BATCH = 16
_KEY = "features"


def frozen_features(
    network: EmotionNetwork,
    dataset: LabelledPictures,
    cache: Path,
    *,
    workers: Workers | None = None,
) -> Tensor:
    """Pooled features of every picture, upright and mirrored.

    They are kept in chunks under a name that stands for the backbone's weights, the crop and the
    pictures' bytes. An interrupted run goes on with the chunks that are missing.

    Args:
        network: in eval mode.
        dataset: the pictures.
        cache: a folder for features of any run.
        workers: who shares the work.

    Returns:
        [2, N, F] float32: upright first, then mirrored.
    """
    workers = workers or Workers()
    backbone = fingerprint(network)
    fused = fused_network(network, dtype=torch.float32)
    starts = list(range(0, len(dataset), _CHUNK))
    chunks = [dataset.subset(range(s, min(s + _CHUNK, len(dataset)))) for s in starts]
    paths = [cache / f"{_name(network, backbone, chunk)}.safetensors" for chunk in chunks]
    missing = [i for i, path in enumerate(paths) if _read(path) is None]
    with tqdm(
        total=sum(len(chunks[i]) for i in workers.part(missing)),
        desc="frozen features",
        unit="picture",
        disable=not workers.is_first or not missing,
    ) as bar:
        for i in workers.part(missing):
            cache.mkdir(parents=True, exist_ok=True)
            partial = paths[i].with_suffix(f".{os.getpid()}.partial")
            save_file({_KEY: _extract(fused, chunks[i], bar)}, partial)
            partial.replace(paths[i])
    workers.wait()
    return torch.cat([load_file(path)[_KEY] for path in paths], dim=1)


@torch.inference_mode()
def _extract(network: EmotionNetwork, dataset: LabelledPictures, bar: tqdm[Any]) -> Tensor:
    side = decode_side(network.config)
    views = [eval_preset(network.config, mirrored=mirrored) for mirrored in (False, True)]
    features = []
    for start in range(0, len(dataset), _BATCH):
        indices = range(start, min(start + _BATCH, len(dataset)))
        pictures = [dataset.picture(i, short_side=side) for i in indices]
        pixels = torch.stack([view(picture) for view in views for picture in pictures])
        pooled = network.pool(network.feature_maps(normalise(pixels, network.config)))
        features.append(pooled.unflatten(0, (2, len(pictures))))
        bar.update(len(pictures))
    return torch.cat(features, dim=1).contiguous()


def _name(network: EmotionNetwork, backbone: str, dataset: LabelledPictures) -> str:
    digest = hashlib.sha256(backbone.encode())
    digest.update(json.dumps(network.config.to_json(), sort_keys=True).encode())
    for i in range(len(dataset)):
        digest.update(dataset.digest(i))
    return digest.hexdigest()[:32]


def _read(path: Path) -> Tensor | None:
    try:
        return load_file(path)[_KEY]
    except (OSError, SafetensorError, KeyError):
        return None
