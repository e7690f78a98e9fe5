"""What is wrong with rows and pictures, counted and named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_NAMED_AT_MOST = 5


class Problem(NamedTuple):
    """What is wrong with one row or picture, and which."""

    kind: str
    name: str


def summary(problems: Iterable[Problem], source: str) -> str:
    """``Emotion6 has problems: 2 x missing picture (anger/1.jpg, joy/3.jpg); ...``.

    Args:
        problems: of one source.
        source: what to call it.

    Returns:
        One sentence; empty where there is no problem.
    """
    by_kind: dict[str, list[str]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem.name)
    if not by_kind:
        return ""
    parts = []
    for kind, names in by_kind.items():
        more = ", ..." if len(names) > _NAMED_AT_MOST else ""
        parts.append(f"{len(names)} x {kind} ({', '.join(names[:_NAMED_AT_MOST])}{more})")
    return f"{source} has problems: {'; '.join(parts)}."
