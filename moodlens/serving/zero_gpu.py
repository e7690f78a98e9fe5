"""A ZeroGPU Space: its own processor answers, or the graphics processor that is lent for a call.

A Space of this kind is ended unless some function is registered for the lent processor when the
page is launched, so one always is. Whether it is used is ``MOODLENS_ZERO_GPU``: until the processor
comes, 0.15 to 4 seconds pass, in which the bundled network answers many times over.

``spaces.GPU`` runs the call in a process that was forked earlier and is used again, and which knows
nothing of weights that came later. It is therefore told where the weights are with every call, and
keeps those that it used last.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from moodlens.prediction import ModelInfo

if TYPE_CHECKING:
    from moodlens.model.predictor import Explanation, Predictor

logger = logging.getLogger(__name__)

_SECONDS = 15
_SWITCH = "SPACES_ZERO_GPU"
_API = "SPACES_ZERO_DEVICE_API_URL"
_TOKEN_HEADER = "x-ip-token"  # noqa: S105

ExplainOnGpu = Callable[[Path, ModelInfo, Image.Image], "Explanation | None"]
"""None where the own processor has to answer."""


def is_zero_gpu() -> bool:
    """Whether this is a ZeroGPU Space, where PyTorch sees a GPU that is not there."""
    return os.environ.get(_SWITCH, "").lower() in ("1", "t", "true")


def register(*, wanted: bool) -> ExplainOnGpu | None:
    """Register with the Space, if it is one of this kind; has to happen before the launch.

    Args:
        wanted: whether pictures are to be answered on the lent processor.

    Returns:
        What answers on it, to be called in the thread that Gradio gave the visitor's request;
        None where it is not wanted or is not there.
    """
    if not is_zero_gpu():
        return None
    if not os.environ.get(_API):
        logger.warning("%s is set, but not %s: there is no graphics processor", _SWITCH, _API)
        del os.environ[_SWITCH]  # `spaces`, which Gradio imports, would end the process
        return None
    import spaces
    from spaces.zero import client

    lent = spaces.GPU(explain, duration=_SECONDS)
    client.startup_report = _never_raising(client.startup_report)
    return functools.partial(_ask, lent) if wanted else None


def explain(folder: Path, model: ModelInfo, picture: Image.Image) -> Explanation:
    """Answer with a folder's checkpoint, on the graphics processor where there is one.

    Args:
        folder: a checkpoint that was checked before.
        model: how the answers name it.
        picture: upright RGB.
    """
    return _predictor(folder, model).explain([picture])[0]


def _ask(
    lent: Callable[[Path, ModelInfo, Image.Image], Explanation],
    folder: Path,
    model: ModelInfo,
    picture: Image.Image,
) -> Explanation | None:
    """Answer at the cost of the visitor's quota.

    Where no visitor's token came with the request, as by REST and so in live mode, the Space's own
    quota would pay; it is soon used up, and nobody is asked to wait for that.
    """
    if not _visitor_pays():
        return None
    try:
        return lent(folder, model, picture)
    except Exception as error:  # whatever the Space says: nobody's turn, no time left
        logger.warning("answering without the graphics processor: %r", error)
        return None


def _visitor_pays() -> bool:
    from spaces.utils import gradio_request_var

    request = gradio_request_var().get(None)
    return request is not None and _TOKEN_HEADER in request.headers


def _never_raising(report: Callable[[], None]) -> Callable[[], None]:
    """The page is launched even where the Space's device API cannot be told of it."""

    def try_to_report() -> None:
        try:
            report()
        except Exception as error:
            logger.warning("the Space's device API was not told of the start: %r", error)

    return try_to_report


@functools.lru_cache(maxsize=1)
def _predictor(folder: Path, model: ModelInfo) -> Predictor:
    from moodlens.model.checkpoint import load_checkpoint
    from moodlens.model.devices import cuda_or_cpu
    from moodlens.model.predictor import Predictor

    return Predictor(load_checkpoint(folder), model, device=cuda_or_cpu())
