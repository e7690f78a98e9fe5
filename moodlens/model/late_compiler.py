"""Import timm without PyTorch's compiler, which takes a second and 90 MB and serves nothing here.

While it is imported, timm marks functions that the compiler is to leave alone, and torchvision asks
it one question for RoI align. A stand-in takes both down; the first call of any of these imports
the compiler and does what was asked.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_ASKED = "torch._dynamo.utils"


@contextmanager
def compiler_imported_late() -> Iterator[None]:
    """Within the block, what needs ``torch._dynamo`` at import alone does not import it.

    Afterwards the compiler is imported as ever by those who use it. Where it was imported before,
    nothing changes.
    """
    if _COMPILER in sys.modules:
        yield
        return
    compiler, asked = ModuleType(_COMPILER), ModuleType(_ASKED)
    vars(compiler).update(__path__=[], disable=_disable, utils=asked)
    vars(asked).update(is_compile_supported=_late(_ASKED, "is_compile_supported"))
    sys.modules.update({_COMPILER: compiler, _ASKED: asked})
    try:
        yield
    finally:
        for stand_in in (compiler, asked):
            if sys.modules.get(stand_in.__name__) is stand_in:
                del sys.modules[stand_in.__name__]


def _late(module: str, name: str) -> Callable[..., Any]:
    """The function of that name, imported by its first call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    return call


def _disable(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A function that the compiler will leave alone once there is a compiler."""

    @functools.cache
    def disabled() -> Callable[..., Any]:
        marked: Callable[..., Any] = import_module(_COMPILER).disable(function, *args, **kwargs)
        return marked

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return disabled()(*args, **kwargs)

    return call
