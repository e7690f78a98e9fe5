"""MoodLens from Python: a checkpoint's name in, a predictor out."""

from __future__ import annotations

import logging
from dataclasses import replace

from moodlens.checkpoint import load_checkpoint, verify_probe
from moodlens.errors import HubError
from moodlens.hub import CheckpointReference, Located, fetch, find_cached, locate_bundled
from moodlens.prediction import ModelInfo
from moodlens.predictor import Predictor

logger = logging.getLogger(__name__)


def from_pretrained(checkpoint: str = "", *, revision: str | None = None) -> Predictor:
    """Load a checkpoint and check it.

    A commit id that is in the Hub's cache already costs no request. Where the Hub cannot be
    reached, the cache's copy of the same revision is used, with a warning in the log; other weights
    than those asked for never are.

    Args:
        checkpoint: ``owner/name`` or ``owner/name@revision`` on the Hub, a folder, or nothing for
            the checkpoint that comes with MoodLens.
        revision: a branch, tag or commit id on the Hub; ``main`` by default.

    Raises:
        SettingsError: ``checkpoint`` is none of these.
        HubError: the Hub does not have it or cannot be reached, nor has the cache.
        CheckpointError: the weights are not usable.
    """
    reference = CheckpointReference.parse(checkpoint)
    if revision is not None:
        reference = replace(reference, revision=revision)
    located = _locate(reference)
    loaded = load_checkpoint(located.folder)
    verify_probe(located.folder, loaded)
    model = ModelInfo(
        located.name or loaded.name, located.revision or loaded.revision, located.source
    )
    return Predictor(loaded, model)


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
