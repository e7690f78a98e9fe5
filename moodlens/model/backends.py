"""What may run the network, and where: PyTorch, or a library not installed with MoodLens."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, cast, get_args

from moodlens.errors import SettingsError

Backend = Literal["torch", "openvino"]
"""``torch`` everywhere; ``openvino`` is faster on processors that cannot multiply bfloat16."""

Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where PyTorch computes: on the processor, on NVIDIA's or AMD's graphics processor, on Apple's; or
on whichever suits the network, see :func:`moodlens.model.devices.suiting_device`."""

_PACKAGES = {"openvino": "openvino>=2025.2"}


def parse_backend(text: str) -> Backend:
    """A back end by its name, once it is known to be installed.

    Raises:
        SettingsError: there is none of that name, or it has to be installed first, and how.
    """
    if text not in get_args(Backend):
        raise SettingsError(f"The back end must be one of: {', '.join(get_args(Backend))}.")
    if text in _PACKAGES and find_spec(text) is None:
        raise SettingsError(
            f"The back end {text} is not installed; `pip install '{_PACKAGES[text]}'` does it."
        )
    return cast("Backend", text)


def parse_device(text: str) -> Device:
    """A device by its name; whether it is there is found out when PyTorch is.

    Raises:
        SettingsError: there is none of that name.
    """
    if text not in get_args(Device):
        raise SettingsError(f"The device must be one of: {', '.join(get_args(Device))}.")
    return cast("Device", text)
