"""Where an emotion comes from, as transparent pictures; pictures as addresses."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.emotions import EMOTIONS, PALETTE

_OVERLAY_SIDE = 192


def heat_overlays(maps: NDArray[np.float32]) -> dict[str, Image.Image]:
    """Where each emotion's share comes from, as transparent pictures in the emotions' colours.

    A softmax does not see what all logits have in common, so each position is taken relative to the
    mean over the seven. What speaks for an emotion is opaque, what does not is clear; all six share
    one scale, so that a faint map means a weak reason.

    Args:
        maps: [7, h, w] class activation maps in the order of ``LABELS``.

    Returns:
        For each of ``EMOTIONS`` a square RGBA picture.
    """
    relative = maps - maps.mean(axis=0, keepdims=True)
    reasons = np.clip(relative[: len(EMOTIONS)], 0, None)
    strongest = float(reasons.max())
    scaled = reasons / strongest if strongest > 0 else reasons
    overlays = {}
    for emotion, heat in zip(PALETTE, scaled, strict=True):
        alpha = Image.fromarray((255 * heat).astype(np.uint8), "L").resize(
            (_OVERLAY_SIDE, _OVERLAY_SIDE), Image.Resampling.BICUBIC
        )
        overlay = Image.new("RGB", alpha.size, emotion.colour)
        overlay.putalpha(alpha)
        overlays[emotion.name] = overlay
    return overlays


def data_uri(picture: Image.Image) -> str:
    """A picture as a ``data:`` address: PNG where it is transparent, else JPEG."""
    file = io.BytesIO()
    if picture.mode == "RGBA":
        picture.save(file, "PNG")
        kind = "png"
    else:
        picture.save(file, "JPEG", quality=86)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
