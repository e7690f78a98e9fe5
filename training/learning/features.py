"""Features of the frozen backbone, extracted once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import find_executable_batch_size
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from moodlens.model.fused import fused_network
from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import decode_side, normalise
from training.data.source import LabelledPictures
from training.learning.augment import eval_preset
from training.learning.backbones import fingerprint
from training.learning.engine import Engine

_CHUNK = 64
_BATCH = {"cpu": 16}
_BATCH_ELSEWHERE = 64
_KEY = "features"


def frozen_features(
    network: EmotionNetwork,
    dataset: LabelledPictures,
    cache: Path,
    *,
    engine: Engine | None = None,
    workers: int = 0,
) -> Tensor:
    """Pooled features of every picture, upright and mirrored.

    They are kept in chunks under a name that stands for the backbone's weights, the crop and the
    pictures' bytes. An interrupted run goes on with the chunks that are missing. They are computed
    in float32, in batches that are halved until they fit the device.

    Args:
        network: in eval mode, on the processor, where it stays.
        dataset: the pictures.
        cache: a folder for features of any run.
        engine: the device, and who shares the work; by default this process on the processor.
        workers: processes that decode; 0 leaves it to this one.

    Returns:
        [2, N, F] float32 on the processor: upright first, then mirrored.
    """
    engine = engine or Engine.start("cpu")
    backbone = fingerprint(network)
    starts = list(range(0, len(dataset), _CHUNK))
    chunks = [dataset.subset(range(s, min(s + _CHUNK, len(dataset)))) for s in starts]
    paths = [cache / f"{_name(network, backbone, chunk)}.safetensors" for chunk in chunks]
    missing = [i for i, path in enumerate(paths) if _read(path) is None]
    mine = engine.part(missing)
    if mine:
        extract = _Extraction(network, engine, workers)
    with tqdm(
        total=sum(len(chunks[i]) for i in mine),
        desc="frozen features",
        unit="picture",
        disable=not engine.is_first or not missing,
    ) as bar:
        for i in mine:
            cache.mkdir(parents=True, exist_ok=True)
            partial = paths[i].with_suffix(f".{os.getpid()}.partial")
            save_file({_KEY: extract(chunks[i], bar)}, partial)
            partial.replace(paths[i])
    network.cpu()
    engine.wait()
    return torch.cat([load_file(path)[_KEY] for path in paths], dim=1)


class _Extraction:
    """The backbone on its device, and the batch size that has fitted so far."""

    def __init__(self, network: EmotionNetwork, engine: Engine, workers: int) -> None:
        self._device, self._workers = engine.device, workers
        on_processor = self._device.type == "cpu"
        self._network = (
            fused_network(network, dtype=torch.float32)
            if on_processor
            else network.to(self._device)
        )
        self._batch_size = _BATCH.get(self._device.type, _BATCH_ELSEWHERE)

    def __call__(self, pictures: LabelledPictures, bar: tqdm[Any]) -> Tensor:
        """[2, N, F] of some pictures."""

        @find_executable_batch_size(starting_batch_size=self._batch_size)
        def extract(batch_size: int) -> Tensor:
            self._batch_size = batch_size
            return self._extract(pictures, batch_size)

        features: Tensor = extract()
        bar.update(len(pictures))
        return features

    @torch.inference_mode()
    def _extract(self, pictures: LabelledPictures, batch_size: int) -> Tensor:
        config = self._network.config
        loader: DataLoader[Tensor] = DataLoader(
            _BothViews(self._network, pictures),
            batch_size=batch_size,
            num_workers=min(self._workers, len(pictures)),
        )
        features = []
        for views in loader:
            pixels = views.transpose(0, 1).flatten(0, 1).to(self._device)
            pooled = self._network.pool(self._network.feature_maps(normalise(pixels, config)))
            features.append(pooled.unflatten(0, (2, len(views))).float().cpu())
        return torch.cat(features, dim=1).contiguous()


class _BothViews(Dataset[Tensor]):
    """[2, 3, S, S] uint8 of each picture: the app's own crop, upright and mirrored."""

    def __init__(self, network: EmotionNetwork, pictures: LabelledPictures) -> None:
        self._pictures, self._side = pictures, decode_side(network.config)
        self._config = network.config

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Tensor:
        picture = self._pictures.picture(index, short_side=self._side)
        return torch.stack([eval_preset(self._config, mirrored=m)(picture) for m in (False, True)])


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
