"""MoodLens from Python: a checkpoint's name in, a predictor out."""

from __future__ import annotations

from moodlens.model.backends import Backend, parse_backend
from moodlens.model.checkpoint import Checkpoint, load_checkpoint, verify_probe
from moodlens.model.devices import suiting_device
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from moodlens.weights.hub import locate_exactly
from moodlens.weights.reference import CheckpointReference, Located


def from_pretrained(
    checkpoint: str = "",
    *,
    revision: str | None = None,
    device: str = "cpu",
    backend: Backend = "torch",
) -> Predictor:
    """Load a checkpoint and check it.

    A commit id that is in the Hub's cache already costs no request. Where the Hub cannot be
    reached, the cache's copy of the same revision is used, with a warning in the log; other weights
    than those asked for never are.

    Args:
        checkpoint: ``owner/name`` or ``owner/name@revision`` on the Hub, a folder, or nothing for
            the checkpoint that comes with MoodLens.
        revision: a branch, tag or commit id on the Hub; ``main`` by default.
        device: where PyTorch computes; ``auto`` for what suits the network.
        backend: what runs the network.

    Raises:
        SettingsError: ``checkpoint`` is none of these, or the back end is not installed.
        HubError: the Hub does not have it or cannot be reached, nor has the cache.
        CheckpointError: the weights are not usable.
    """
    parse_backend(backend)
    asked = checkpoint if revision is None else f"{checkpoint}@{revision}"
    located = locate_exactly(CheckpointReference.parse(asked))
    predictor, _ = load_located(located, device=device, backend=backend)
    return predictor


def load_located(
    located: Located, *, device: str = "cpu", backend: Backend = "torch"
) -> tuple[Predictor, Checkpoint]:
    """Load and check weights that are on this machine.

    Raises:
        CheckpointError: the weights are not usable.
    """
    checkpoint = load_checkpoint(located.folder)
    verify_probe(checkpoint)
    if device == "auto":
        device = suiting_device(checkpoint.network)
    model = ModelInfo(
        located.name or checkpoint.name, located.revision or checkpoint.revision, located.source
    )
    return Predictor(checkpoint, model, device=device, backend=backend), checkpoint
