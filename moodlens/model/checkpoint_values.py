"""What a checkpoint's JSON may say, wherever it comes from: text that is text, numbers in range."""

from __future__ import annotations

from typing import Any

_LONGEST = 2000
_LARGEST = 10**12
_DEEPEST = 12
_MOST_ITEMS = 10_000


def plain_text(text: str, most: int) -> str:
    """A text without half characters and control characters, and no longer than so many."""
    whole = text[: 4 * most].encode("utf-8", "ignore").decode()
    return "".join(c for c in whole if c.isprintable() or c == " ").strip()[:most]


def usable(value: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A JSON object without what cannot be shown or computed with, and whether that is all of it.

    Left out are numbers that are not finite or beyond all reason, texts that are none or are very
    long, and whatever lies very deep.
    """
    kept: dict[str, Any] = {}
    complete = _keep(value, kept, _DEEPEST)
    return kept, complete


def _keep(value: Any, kept: Any, depth: int) -> bool:
    complete = len(value) <= _MOST_ITEMS
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for number, (key, item) in enumerate(items):
        if number >= _MOST_ITEMS:
            break
        if isinstance(item, dict | list) and depth:
            inner: Any = type(item)()
            complete &= _keep(item, inner, depth - 1)
        elif _is_usable(item) and _is_usable(key):
            inner = item
        else:
            complete = False
            continue
        if isinstance(kept, dict):
            kept[key] = inner
        else:
            kept.append(inner)
    return complete


def _is_usable(item: Any) -> bool:
    if isinstance(item, str):
        return _is_text(item)
    if isinstance(item, int | float) and not isinstance(item, bool):
        return -_LARGEST <= item <= _LARGEST  # which NaN is not
    return item is None or isinstance(item, bool)


def _is_text(item: str) -> bool:
    if len(item) > _LONGEST:
        return False
    try:
        item.encode()
    except UnicodeEncodeError:
        return False
    return True
