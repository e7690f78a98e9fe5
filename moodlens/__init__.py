"""MoodLens: which emotions a picture evokes, and how much its viewers would disagree."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moodlens.lens import MoodLens

__all__ = ["MoodLens", "__version__"]

__version__ = "1.0.0"


def __getattr__(name: str) -> Any:
    """``MoodLens`` on first use: PyTorch, which it needs, takes seconds to import (PEP 562)."""
    if name == "MoodLens":
        return import_module("moodlens.lens").MoodLens
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
