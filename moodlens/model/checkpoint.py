"""A checkpoint is a folder: model.safetensors, config.json, and metrics.json once evaluated.

Loading is strict. Keys, shapes, classes, finite values and the weights' SHA-256 all have to fit;
otherwise a :class:`CheckpointError` says what does not, and no network comes back. Nothing is ever
unpickled.

``config.json``::

    {"format": 1, "name": "...", "license": "...", "weights_sha256": "...",
     "network": {NetworkConfig} or {EnsembleConfig}, "probe": [nine numbers],
     "certainty": {...} or null, "training": {facts about how the weights came to be}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from moodlens.emotions import LABELS, SCALES
from moodlens.errors import CheckpointError
from moodlens.model.certainty import Certainty, is_finite_number
from moodlens.model.checkpoint_files import file_sha256, read_json, write_atomically, write_json
from moodlens.model.checkpoint_values import plain_text, usable
from moodlens.model.ensemble import Config, Network, build, config_from_json, members_of
from moodlens.model.familiarity import Familiarity, is_part
from moodlens.model.probe import run_probe
from moodlens.model.storage import restored, stored

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
METRICS = "metrics.json"
FORMAT = 1

RESEARCH_USE = "Research use only: trained on Emotion6, which is for academic research."

_LONGEST_NAME, _LONGEST_LICENSE = 100, 1000
_LARGEST_HEADER = 16 * 2**20
_PROBE_TOLERANCE = 0.02
_PROBE_SCALE = (1.0,) * len(LABELS) + (8.0,) * len(SCALES)


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
        familiarity: how like the training pictures a picture is, if that was fitted.
    """

    network: Network
    name: str
    weights_sha256: str
    probe: Sequence[float]
    certainty: Certainty | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    license: str = RESEARCH_USE
    familiarity: Familiarity | None = None

    @property
    def config(self) -> Config:
        return self.network.config

    @property
    def revision(self) -> str:
        """A short name for exactly these weights, where no Hub commit names them."""
        return self.weights_sha256[:12]


def save_checkpoint(
    folder: Path,
    network: Network,
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
        storage: dtype of the stored matrices, float32, float16 or int8: :mod:`.storage`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    tensors = stored(state, storage)
    weights = _write_weights(folder, tensors)
    again = build(network.config)
    again.load_state_dict(restored(tensors, state), strict=True)
    config = {
        "format": FORMAT,
        "name": name,
        "license": license,
        "weights_sha256": file_sha256(weights),
        "network": network.config.to_json(),
        "probe": [round(value, 5) for value in run_probe(again.eval())],
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
    network_config = config_from_json(config["network"])
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
    network = build(network_config)
    tensors = _read_weights(weights)
    measure = {key: tensors.pop(key) for key in list(tensors) if is_part(key)}
    network.load_state_dict(restored(tensors, network.state_dict()), strict=True)
    size = sum(member.num_features for member in members_of(network))
    certainty = config["certainty"]
    return Checkpoint(
        network=network.eval(),
        name=config["name"],
        weights_sha256=sha256,
        probe=config["probe"],
        certainty=Certainty.from_json(certainty) if certainty is not None else None,
        training=config["training"],
        license=config["license"],
        familiarity=Familiarity.from_tensors(measure, size) if measure else None,
    )


def store_familiarity(folder: Path, familiarity: Familiarity) -> None:
    """Put a familiarity beside a checkpoint's weights, which stay as they are.

    What metrics.json says of these weights is as true as before, so it is made to name the new
    files.

    Raises:
        CheckpointError: the folder is not a sound checkpoint.
    """
    load_checkpoint(folder)
    config, metrics = read_json(folder / CONFIG), read_metrics(folder)
    tensors = {k: v for k, v in _read_weights(folder / WEIGHTS).items() if not is_part(k)}
    tensors |= familiarity.to_tensors()
    sha256 = file_sha256(_write_weights(folder, tensors))
    write_json(folder / CONFIG, config | {"weights_sha256": sha256})
    if metrics is not None:
        hashes = {"model_sha256": sha256, "config_sha256": file_sha256(folder / CONFIG)}
        write_json(folder / METRICS, metrics | hashes)


def verify_probe(checkpoint: Checkpoint) -> None:
    """Make sure that the network still answers the known picture as it did when it was saved.

    Raises:
        CheckpointError: it answers differently, so weights and code do not belong together.
    """
    difference = np.abs(np.subtract(run_probe(checkpoint.network), checkpoint.probe))
    if not (difference <= _PROBE_TOLERANCE * np.array(_PROBE_SCALE)).all():  # nor is NaN near
        raise CheckpointError(
            "The checkpoint answers the known test picture differently from when it was saved."
        )


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """What can be used of the checkpoint's metrics.json, or None where it was never evaluated.

    Raises:
        CheckpointError: it is not a JSON object of a reasonable size.
    """
    path = folder / METRICS
    return usable(read_json(path))[0] if path.is_file() else None


def metrics_problem(folder: Path) -> str | None:
    """What has to be said of the checkpoint's metrics.json; None where all of it can be used."""
    path = folder / METRICS
    try:
        complete = not path.is_file() or usable(read_json(path))[1]
    except CheckpointError:
        complete = False
    return None if complete else "Figures of this checkpoint that make no sense are left out."


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
    config["name"] = plain_text(config["name"], _LONGEST_NAME) or "unnamed"
    config["license"] = plain_text(config["license"], _LONGEST_LICENSE)
    config["training"] = usable(config["training"])[0]
    return config


def _write_weights(folder: Path, tensors: Mapping[str, Tensor]) -> Path:
    return write_atomically(
        folder / WEIGHTS, lambda path: save_file(dict(tensors), path, metadata={"format": "pt"})
    )


def _read_weights(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as raw:
        if int.from_bytes(raw.read(8), "little") > _LARGEST_HEADER:
            raise CheckpointError(f"The checkpoint's {WEIGHTS} is truncated or damaged.")
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError:
        raise CheckpointError(f"The checkpoint's {WEIGHTS} is truncated or damaged.") from None
