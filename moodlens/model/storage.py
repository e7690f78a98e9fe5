"""How a network's tensors lie in a file: whole, in half precision, or as bytes with scales.

As ``torch.int8`` the rows of a backbone's matrices (a convolution's kernel for one output channel
is a row) become bytes, and beside each matrix ``KEY`` lies ``KEY.scale``, a float16 for each row:
byte times scale is the weight. Rows of few values, the first convolution's and the depthwise ones',
are felt most and fill no file: they stay float16.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from moodlens.errors import CheckpointError

SCALE = ".scale"
FLOAT_TYPES = (torch.float16, torch.bfloat16, torch.float32)

_LARGEST = 127
_MIN_ROW = 64
_KEPT = ("emotion_head.weight", "emotion_head.bias", "affect_head.weight", "affect_head.bias")


def stored(state: Mapping[str, Tensor], storage: torch.dtype) -> dict[str, Tensor]:
    """A network's tensors as they are written.

    Args:
        state: of the network, by name.
        storage: float32, float16 or int8, for the matrices; heads and batch-norm variances stay
            float32, and what is no matrix is float16 at least.
    """
    tensors: dict[str, Tensor] = {}
    for key, whole in state.items():
        value = whole.detach().to("cpu").contiguous()
        if not value.is_floating_point() or key.endswith((*_KEPT, "running_var")):
            tensors[key] = value
        elif storage != torch.int8:
            tensors[key] = value.to(storage)
        elif value.ndim < 2 or value[0].numel() < _MIN_ROW:
            tensors[key] = value.to(torch.float16)
        else:
            tensors[key], tensors[key + SCALE] = _as_bytes(value)
    return tensors


def restored(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's own tensors, in float32, from what :func:`stored` made.

    Args:
        tensors: as read.
        expected: names, shapes and kinds that the network has.

    Raises:
        CheckpointError: a name, a shape, a type or a value does not fit.
    """
    scales = {key for key in tensors.keys() - expected.keys() if _is_scale(key, tensors)}
    _compare({key: value for key, value in tensors.items() if key not in scales}, expected)
    return {key: _restore(key, tensors, kind) for key, kind in expected.items()}


def _as_bytes(value: Tensor) -> tuple[Tensor, Tensor]:
    rows = value.float().flatten(1)
    smallest = torch.finfo(torch.float16).smallest_normal
    scale = (rows.abs().amax(dim=1) / _LARGEST).clamp_min(smallest).to(torch.float16)
    steps = (rows / scale.float()[:, None]).round().clamp(-_LARGEST, _LARGEST)
    return steps.to(torch.int8).view(value.shape), scale


def _is_scale(key: str, tensors: Mapping[str, Tensor]) -> bool:
    matrix = tensors.get(key.removesuffix(SCALE))
    return key.endswith(SCALE) and matrix is not None and matrix.dtype == torch.int8


def _restore(key: str, tensors: Mapping[str, Tensor], kind: Tensor) -> Tensor:
    value = tensors[key]
    if not kind.is_floating_point():
        if value.is_floating_point():
            raise CheckpointError(f"The checkpoint's {key!r} has the wrong type of number.")
        return value
    if value.dtype == torch.int8 and value.ndim > 1:
        scale = tensors.get(key + SCALE)
        if scale is None:
            raise CheckpointError(f"The checkpoint lacks {key + SCALE!r}.")
        if scale.dtype != torch.float16 or scale.shape != value.shape[:1]:
            raise CheckpointError(
                f"The checkpoint's {key + SCALE!r} must have {len(value)} float16 values."
            )
        value = value.float() * scale.float().view(-1, *[1] * (value.ndim - 1))
    elif value.dtype not in FLOAT_TYPES:
        raise CheckpointError(f"The checkpoint's {key!r} has the wrong type of number.")
    if not torch.isfinite(value).all():
        raise CheckpointError(f"The checkpoint's {key!r} holds values that are not finite.")
    return value.float()


def _compare(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for problem, keys in (
        ("lacks", sorted(expected.keys() - found.keys())),
        ("has an unexpected", sorted(found.keys() - expected.keys())),
    ):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise CheckpointError(f"The checkpoint {problem} {keys[0]!r}{more}.")
    for key, kind in expected.items():
        if found[key].shape != kind.shape:
            raise CheckpointError(
                f"The checkpoint's {key!r} has shape {list(found[key].shape)} "
                f"instead of {list(kind.shape)}."
            )
