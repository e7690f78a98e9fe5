"""Text that a spreadsheet will open (CWE-1236)."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def defused(text: str) -> str:
    """The text, harmless as a cell of a spreadsheet."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
