"""Pictures of one's own beside a table, and feedback as the app keeps it, both made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from moodlens.emotions import LABELS
from tests.support.emotion6_factory import paint


def paint_pictures(folder: Path, count: int, *, seed: int = 0) -> list[str]:
    """Write ``count`` small JPEGs, each in the colour of one emotion; give their names."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{n}.jpg" for n in range(count)]
    for n, name in enumerate(names):
        felt = rng.dirichlet(np.where(np.arange(6) == n % 6, 4.0, 0.4))
        paint(felt, rng).save(folder / name, quality=90)
    return names


def write_table(path: Path, lines: Sequence[str]) -> Path:
    """Write lines of CSV."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def votes_table(folder: Path, count: int, *, seed: int = 0) -> Path:
    """A table of votes, ``votes.csv``, and its pictures beside it."""
    rng = np.random.default_rng(seed + 1)
    names = paint_pictures(folder, count, seed=seed)
    lines = ["file," + ",".join(LABELS)]
    for n, name in enumerate(names):
        votes = rng.multinomial(9, np.where(np.arange(7) == n % 6, 0.7, 0.05))
        votes[n % 6] += 1
        lines.append(",".join([name, *map(str, votes)]))
    return write_table(folder / "votes.csv", lines)


def feedback_record(
    picture: str, felt: str, *, predicted: str = "joy", kept: bool = True
) -> dict[str, object]:
    """One answer by one click, as ``moodlens.feedback`` writes it."""
    guess = dict.fromkeys(LABELS, 0.05) | {predicted: 0.7}
    return {
        "time": "2026-11-23T04:00:00+00:00",
        "way": "click",
        "felt": {name: float(name == felt) for name in LABELS},
        "predicted": guess,
        "model": {"name": "x", "revision": "0", "source": "bundled"},
        "picture": picture,
        "kept": f"pictures/{picture}.jpg" if kept else None,
    }


def write_feedback(folder: Path, records: Sequence[object]) -> Path:
    """A feedback folder with these records, and a picture for each that was kept."""
    pictures = folder / "records" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    lines = []
    for record in records:
        lines.append(record if isinstance(record, str) else json.dumps(record))
        if isinstance(record, dict) and record.get("kept"):
            path = folder / "records" / record["kept"]
            if not path.exists():
                alpha = np.where(np.arange(6) == len(lines) % 6, 4.0, 0.4)
                paint(rng.dirichlet(alpha), rng).save(path)
    path = folder / "records" / "feedback-20261123T040000Z-00000000.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def save_anew(source: Path, target: Path, *, side: int = 48) -> None:
    """The same picture, smaller and compressed once more."""
    with Image.open(source) as picture:
        picture.thumbnail((side, side))
        picture.save(target, quality=85)
