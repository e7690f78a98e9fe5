"""Which pictures a network learned from, so that nobody judges it on those unawares.

The facts lie in a checkpoint's ``config.json`` under ``training``, key ``learned_from``::

    {"pictures": 1267, "reference_val": 0, "names": {"anger": "1 2 5 ...", "disgust": ...}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from training.data.split import overlap_with_reference_val

LEARNED_FROM = "learned_from"


def learned_from(names: Iterable[str]) -> dict[str, Any]:
    """The facts about the pictures ``<keyword>/<n>.jpg`` that a network learns from."""
    numbers: dict[str, list[int]] = {}
    unique = set(names)
    for name in unique:
        keyword, _, file = name.partition("/")
        numbers.setdefault(keyword, []).append(int(file.removesuffix(".jpg")))
    return {
        "pictures": len(unique),
        "reference_val": len(overlap_with_reference_val(unique)),
        "names": {k: " ".join(map(str, sorted(numbers[k]))) for k in sorted(numbers)},
    }


def seen_in_training(facts: Mapping[str, Any], names: Iterable[str]) -> list[str] | None:
    """Those of the names that a network learned from.

    Args:
        facts: ``training`` of the checkpoint's ``config.json``.
        names: of the pictures that it is about to be judged on.

    Returns:
        None where the checkpoint does not say what it learned from.
    """
    match facts.get(LEARNED_FROM):
        case {"names": dict(by_keyword)}:
            learned = {f"{k}/{n}.jpg" for k, text in by_keyword.items() for n in str(text).split()}
            return [name for name in names if name in learned]
    return None


def warn_of_reference_val(facts: Mapping[str, Any]) -> list[str]:
    """One sentence where the network learned from pictures that the reference validates on."""
    match facts.get(LEARNED_FROM):
        case {"reference_val": int(overlap)} if overlap:
            return [
                f"The network learned from {overlap} pictures of reference_val: it cannot be "
                "compared with the reference."
            ]
    return []
