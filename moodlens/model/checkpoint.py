"""A checkpoint is a folder: model.safetensors, config.json, and metrics.json once evaluated.

Loading is strict. Keys, shapes, classes, finite values and the weights' SHA-256 all have to fit;
otherwise a :class:`CheckpointError` says what does not, and no network comes back. Nothing is ever
unpickled.

``config.json``::

    {"format": 1, "name": "...", "license": "...", "weights_sha256": "...",
     "network": {NetworkConfig}, "probe": [nine numbers], "certainty": {...} or null,
     "training": {facts about how the weights came to be}}
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from moodlens.emotions import LABELS, SCALES
from moodlens.errors import CheckpointError
from moodlens.model.certainty import Certainty, is_finite_number
from moodlens.model.network import EmotionNetwork, NetworkConfig, build_network
from moodlens.model.preprocess import centre_crop, to_pixels

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
METRICS = "metrics.json"
FORMAT = 1

RESEARCH_USE = "Research use only: trained on Emotion6, which is for academic research."

_MAX_CONFIG_BYTES = 4 * 2**20
_PROBE_TOLERANCE = 0.02
_PROBE_SCALE = (1.0,) * len(LABELS) + (8.0,) * len(SCALES)
_FLOAT_TYPES = (torch.float16, torch.bfloat16, torch.float32)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network and all that is known about it.

    Attributes:
        network: in eval mode, float32.
        name: what people call it.
        weights_sha256: of the model.safetensors that it was read from.
        probe: what it answered to the known picture when it was saved; see :func:`run_probe`.
        certainty: the calibrator for "the dominant emotion is right", if one was fitted.
        training: facts about how the weights came to be, as JSON.
        license: the terms of the weights.
    """

    network: EmotionNetwork
    name: str
    weights_sha256: str
    probe: Sequence[float]
    certainty: Certainty | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    license: str = RESEARCH_USE

    @property
    def config(self) -> NetworkConfig:
        return self.network.config

    @property
    def revision(self) -> str:
        """A short name for exactly these weights, where no Hub commit names them."""
        return self.weights_sha256[:12]


def save_checkpoint(
    folder: Path,
    network: EmotionNetwork,
    *,
    name: str,
    training: Mapping[str, Any],
    certainty: Certainty | None = None,
    license: str = RESEARCH_USE,
    storage: torch.dtype = torch.float32,
) -> None:
    """Write model.safetensors and config.json, each atomically, weights first.

    Should the process die between the two, the hash in the older config.json gives the mismatch
    away at the next load. An older metrics.json is removed: it was measured on other weights.

    Args:
        folder: made if it is missing.
        network: what to store; left as it is.
        name: what people call it.
        training: facts about how the weights came to be, as JSON.
        certainty: the calibrator, if one was fitted.
        license: the terms of the weights.
        storage: dtype of the stored matrices; heads, biases and batch-norm variances stay float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = {key: _stored(key, value, storage) for key, value in network.state_dict().items()}
    weights = _write_atomically(
        folder / WEIGHTS, lambda path: save_file(stored, path, metadata={"format": "pt"})
    )
    restored = build_network(network.config)
    restored.load_state_dict({k: _restored(v) for k, v in stored.items()}, strict=True)
    config = {
        "format": FORMAT,
        "name": name,
        "license": license,
        "weights_sha256": file_sha256(weights),
        "network": network.config.to_json(),
        "probe": [round(value, 5) for value in run_probe(restored.eval())],
        "certainty": certainty.to_json() if certainty else None,
        "training": dict(training),
    }
    write_json(folder / CONFIG, config)
    (folder / METRICS).unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint, strictly.

    Raises:
        CheckpointError: a file is missing, truncated or altered; a key, shape or class list does
            not fit; a value is not finite; the network is unreasonably large.
    """
    config = _read_config(folder)
    network_config = NetworkConfig.from_json(config["network"])
    weights = folder / WEIGHTS
    if not weights.is_file():
        pickled = any(path.suffix in {".bin", ".pt", ".pth", ".pkl"} for path in folder.iterdir())
        reason = " It only holds pickled weights, which MoodLens never opens." if pickled else ""
        raise CheckpointError(f"The checkpoint has no {WEIGHTS}.{reason}")
    sha256 = file_sha256(weights)
    if sha256 != config["weights_sha256"]:
        raise CheckpointError(
            f"The checkpoint's {WEIGHTS} is damaged or not the one its {CONFIG} describes: "
            "the SHA-256 differs."
        )
    network = build_network(network_config)
    network.load_state_dict(_read_weights(weights, network.state_dict()), strict=True)
    certainty = config["certainty"]
    return Checkpoint(
        network=network.eval(),
        name=config["name"],
        weights_sha256=sha256,
        probe=config["probe"],
        certainty=Certainty.from_json(certainty) if certainty is not None else None,
        training=config["training"],
        license=config["license"],
    )


def verify_probe(checkpoint: Checkpoint) -> None:
    """Make sure that the network still answers the known picture as it did when it was saved.

    Raises:
        CheckpointError: it answers differently, so weights and code do not belong together.
    """
    difference = np.abs(np.subtract(run_probe(checkpoint.network), checkpoint.probe))
    if (difference > _PROBE_TOLERANCE * np.array(_PROBE_SCALE)).any():
        raise CheckpointError(
            "The checkpoint answers the known test picture differently from when it was saved."
        )


@torch.inference_mode()
def run_probe(network: EmotionNetwork) -> list[float]:
    """Seven shares, valence and arousal of :func:`probe_picture`."""
    crop = centre_crop(probe_picture(), network.config)
    output = network(to_pixels([crop], network.config))
    return [*output.logits[0].softmax(0).tolist(), *output.affect[0].tolist()]


def probe_picture() -> Image.Image:
    """A picture that is the same everywhere: soft colour gradients with a disc, 320 x 240."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float64)
    disc = np.hypot(x - 200, y - 90) < 60
    channels = [x * 0.75, 255 - y, np.where(disc, 230, 40 + (x + y) * 0.2)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8), "RGB")


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """The checkpoint's metrics.json, or None where it was never evaluated."""
    path = folder / METRICS
    return read_json(path) if path.is_file() else None


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object of bounded size.

    Raises:
        CheckpointError: not there, too large, or not a JSON object.
    """
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise CheckpointError(f"The checkpoint's {path.name} is too large.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"The checkpoint has no {path.name}.") from None
    except (OSError, ValueError, RecursionError):
        raise CheckpointError(f"The checkpoint's {path.name} cannot be read as JSON.") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"The checkpoint's {path.name} is not a JSON object.")
    return data


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write one JSON object atomically, readable by people."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    _write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_config(folder: Path) -> dict[str, Any]:
    config = read_json(folder / CONFIG)
    if config.get("format") != FORMAT:
        raise CheckpointError(
            f"The checkpoint's {CONFIG} has format {config.get('format')!r}; "
            f"this MoodLens reads format {FORMAT}."
        )
    expected = {
        "name": str,
        "license": str,
        "weights_sha256": str,
        "network": dict,
        "probe": list,
        "training": dict,
    }
    for key, kind in expected.items():
        if not isinstance(config.get(key), kind):
            raise CheckpointError(f"The checkpoint's {CONFIG} lacks a proper {key!r}.")
    if len(config["probe"]) != len(_PROBE_SCALE) or not all(map(is_finite_number, config["probe"])):
        raise CheckpointError(f"The checkpoint's {CONFIG} lacks a proper 'probe'.")
    config.setdefault("certainty", None)
    return config


def _read_weights(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            _compare(found, {key: tuple(value.shape) for key, value in expected.items()})
            tensors = {key: file.get_tensor(key) for key in found}
    except SafetensorError:
        raise CheckpointError(f"The checkpoint's {WEIGHTS} is truncated or damaged.") from None
    for key, tensor in tensors.items():
        floating = expected[key].is_floating_point()
        if floating != (tensor.dtype in _FLOAT_TYPES):
            raise CheckpointError(f"The checkpoint's {key!r} has the wrong type of number.")
        if floating and not torch.isfinite(tensor).all():
            raise CheckpointError(f"The checkpoint's {key!r} holds values that are not finite.")
    return {key: _restored(tensor) for key, tensor in tensors.items()}


def _compare(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    for problem, keys in (
        ("lacks", sorted(expected.keys() - found.keys())),
        ("has an unexpected", sorted(found.keys() - expected.keys())),
    ):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise CheckpointError(f"The checkpoint {problem} {keys[0]!r}{more}.")
    for key, shape in expected.items():
        if found[key] != shape:
            raise CheckpointError(
                f"The checkpoint's {key!r} has shape {list(found[key])} instead of {list(shape)}."
            )


def _stored(key: str, value: Tensor, storage: torch.dtype) -> Tensor:
    value = value.detach().to("cpu").contiguous()
    is_head = key.startswith(("emotion_head.", "affect_head."))
    keep = not value.is_floating_point() or is_head or key.endswith("running_var")
    return value if keep else value.to(storage)


def _restored(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _write_atomically(path: Path, write: Any) -> Path:
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    try:
        write(Path(partial))
        with Path(partial).open("rb") as file:
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
    return path
