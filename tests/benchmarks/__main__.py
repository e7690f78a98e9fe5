"""Where an answer's time goes, on the photos that come with MoodLens: ``make bench``.

Medians of many runs in one process; ratios are against the forward pass, since absolute times
differ from machine to machine and from hour to hour.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import moodlens
from moodlens.images import read_picture
from moodlens.predictor import Predictor
from moodlens.preprocess import centre_crop
from moodlens.pretrained import from_pretrained

_RUNS = 30


def median_ms(work: Callable[[], object]) -> float:
    """Milliseconds of one call, the median of many after one that is not counted."""
    work()
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    """Print the table."""
    predictor: Predictor = from_pretrained()
    path = Path(moodlens.__file__).parent / "examples" / "cat.jpg"
    data = path.read_bytes()
    picture = read_picture(data, short_side=predictor.decode_side)
    whole = median_ms(lambda: predictor.predict([picture]))
    crop = median_ms(lambda: centre_crop(picture, predictor.config))
    stages = {
        "read and decode": median_ms(lambda: read_picture(data, short_side=predictor.decode_side)),
        "resize and crop": crop,
        "forward pass and answer": whole - crop,
        "eight at once, each": median_ms(lambda: predictor.predict([picture] * 8)) / 8,
    }
    forward = stages["forward pass and answer"]
    print(f"{path.name}, median of {_RUNS}")
    for name, milliseconds in stages.items():
        print(f"{name:<26}{milliseconds:8.1f} ms {milliseconds / forward:7.2f} x forward")


if __name__ == "__main__":
    main()
