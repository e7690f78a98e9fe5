"""Which pictures a network learned from, so that nobody judges it on those unawares.

The facts lie in a checkpoint's ``config.json`` under ``training``, key ``learned_from``::

    {"pictures": 1267, "reference_val": 0, "names": {"anger": "1 2 5 ...", "disgust": ...},
     "digests": "0a1b2c3d4e ..."}

The names are those of Emotion6. Pictures of one's own are known by the beginnings of their files'
SHA-256 alone, since a checkpoint is published and their names are nobody's business; without any,
``digests`` is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.data.emotion6 import is_name
from training.data.source import LabelledPictures
from training.data.split import overlap_with_reference_val

LEARNED_FROM = "learned_from"

_DIGITS = 10
_DIGITS_FOR_PEOPLE = 16


def learned_from(names: Iterable[str], digests: Iterable[bytes] = ()) -> dict[str, Any]:
    """The facts about the pictures that a network learns from.

    Args:
        names: ``<keyword>/<n>.jpg`` of those of Emotion6.
        digests: SHA-256 of the others' files.
    """
    numbers: dict[str, list[int]] = {}
    unique = set(names)
    for name in unique:
        keyword, _, file = name.partition("/")
        numbers.setdefault(keyword, []).append(int(file.removesuffix(".jpg")))
    others = sorted({digest.hex()[:_DIGITS] for digest in digests})
    return {
        "pictures": len(unique) + len(others),
        "reference_val": len(overlap_with_reference_val(unique)),
        "names": {k: " ".join(map(str, sorted(numbers[k]))) for k in sorted(numbers)},
        **({"digests": " ".join(others)} if others else {}),
    }


def learned_from_all(pictures: LabelledPictures) -> dict[str, Any]:
    """The facts where a network learns from all of these."""
    return learned_from(
        [name for name in pictures.names if is_name(name)],
        [pictures.digest(i) for i, name in enumerate(pictures.names) if not is_name(name)],
    )


def seen_in_training(
    facts: Mapping[str, Any], names: Sequence[str], pictures: LabelledPictures | None = None
) -> list[str] | None:
    """Those of the names that a network learned from.

    Args:
        facts: ``training`` of the checkpoint's ``config.json``.
        names: of the pictures that it is about to be judged on.
        pictures: the same pictures, to know those of one's own again by their files.

    Returns:
        None where the checkpoint does not say what it learned from.
    """
    match facts.get(LEARNED_FROM):
        case {"names": dict(by_keyword), **rest}:
            learned = {f"{k}/{n}.jpg" for k, text in by_keyword.items() for n in str(text).split()}
            seen = {name for name in names if name in learned}
            digests = set(str(rest.get("digests", "")).split())
            if digests and pictures is not None:
                seen |= {
                    name
                    for i, name in enumerate(pictures.names)
                    if pictures.digest(i).hex()[:_DIGITS] in digests
                }
            return [name for name in names if name in seen]
    return None


def public_names(pictures: LabelledPictures) -> list[str]:
    """What pictures are called in what is published: by name only those of Emotion6."""
    return [
        name if is_name(name) else f"sha256:{pictures.digest(i).hex()[:_DIGITS_FOR_PEOPLE]}"
        for i, name in enumerate(pictures.names)
    ]


def warn_of_reference_val(facts: Mapping[str, Any]) -> list[str]:
    """One sentence where the network learned from pictures that the reference validates on."""
    match facts.get(LEARNED_FROM):
        case {"reference_val": int(overlap)} if overlap:
            return [
                f"The network learned from {overlap} pictures of reference_val: it cannot be "
                "compared with the reference."
            ]
    return []
