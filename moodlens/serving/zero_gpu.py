"""Answers on the graphics processor that a ZeroGPU Space lends for the length of a call.

``spaces.GPU`` runs the call in a process that was forked earlier and is used again, and which knows
nothing of weights that came later. It is therefore told where the weights are with every call, and
keeps those that it used last.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from moodlens.prediction import ModelInfo

if TYPE_CHECKING:
    from moodlens.model.predictor import Explanation, Predictor

_SECONDS = 15

ExplainOnGpu = Callable[[Path, ModelInfo, Sequence[Image.Image]], "list[Explanation]"]


def borrow_gpu() -> ExplainOnGpu | None:
    """The function that answers on the lent processor; None on any other hardware.

    The Space looks for such a function while it starts, so this must be called before the launch.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    import spaces

    borrowed: ExplainOnGpu = spaces.GPU(explain, duration=_SECONDS)
    return borrowed


def explain(folder: Path, model: ModelInfo, pictures: Sequence[Image.Image]) -> list[Explanation]:
    """Answer with a folder's checkpoint, on the graphics processor where there is one.

    Args:
        folder: a checkpoint that was checked before.
        model: how the answers name it.
        pictures: upright RGB pictures.
    """
    return _predictor(folder, model).explain(pictures)


@functools.lru_cache(maxsize=1)
def _predictor(folder: Path, model: ModelInfo) -> Predictor:
    from moodlens.model.checkpoint import load_checkpoint
    from moodlens.model.devices import cuda_or_cpu
    from moodlens.model.predictor import Predictor

    return Predictor(load_checkpoint(folder), model, device=cuda_or_cpu())
