"""MoodLens from Python: a checkpoint's name in, a predictor out."""

from __future__ import annotations

import logging

from moodlens.errors import HubError
from moodlens.model.backends import Backend, parse_backend
from moodlens.model.checkpoint import Checkpoint, load_checkpoint, verify_probe
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from moodlens.weights.hub import fetch, find_cached
from moodlens.weights.reference import CheckpointReference, Located, locate_bundled

logger = logging.getLogger(__name__)


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
        device: where PyTorch computes.
        backend: what runs the network.

    Raises:
        SettingsError: ``checkpoint`` is none of these, or the back end is not installed.
        HubError: the Hub does not have it or cannot be reached, nor has the cache.
        CheckpointError: the weights are not usable.
    """
    parse_backend(backend)
    asked = checkpoint if revision is None else f"{checkpoint}@{revision}"
    located = _locate(CheckpointReference.parse(asked))
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
    model = ModelInfo(
        located.name or checkpoint.name, located.revision or checkpoint.revision, located.source
    )
    return Predictor(checkpoint, model, device=device, backend=backend), checkpoint


def _locate(reference: CheckpointReference) -> Located:
    if reference.folder is not None:
        return Located(reference.folder, None, None, "local")
    if reference.repository is None:
        return locate_bundled()
    cached = find_cached(reference)
    if cached is not None and reference.is_pinned:
        return cached
    try:
        return fetch(reference)
    except HubError as error:
        if cached is None:
            raise
        logger.warning("%s The cache's copy, %s, is used.", error, cached.revision)
        return cached
