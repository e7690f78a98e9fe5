"""What may run the network: PyTorch, or a library that is not installed with MoodLens."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, cast, get_args

from moodlens.errors import SettingsError

Backend = Literal["torch", "openvino"]
"""``torch`` everywhere; ``openvino`` is faster on processors that cannot multiply bfloat16."""

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
