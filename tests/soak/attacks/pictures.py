"""Small files that take much memory, many at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.soak.attack import (
    CAT,
    Meanwhile,
    Memory,
    Verdict,
    at_once,
)
from tests.support.picture_corpus import costly, png
from tests.support.running_app import RunningApp

_NORMAL_WITHIN = 2.0
_COME_BACK_UNTIL = 120.0


def worst_pictures(make: Callable[[], bytes], app: RunningApp) -> Verdict:
    """64 clients with one small file that takes much memory, and normal pictures between them.

    Who is told to come back does so; in the end all are answered.
    """
    data = make()
    normal: Counter[int] = Counter()
    told_to_come_back: Counter[int] = Counter()

    def ask_normally() -> None:
        normal[app.predict(CAT).status_code] += 1

    def ask(_: int) -> int:
        until = time.monotonic() + _COME_BACK_UNTIL
        while True:
            answer = app.predict(data)
            if answer.status_code != 503 or time.monotonic() > until:
                return answer.status_code
            told_to_come_back[503] += 1
            time.sleep(float(answer.headers["retry-after"]))

    with Memory(app) as memory, Meanwhile(ask_normally, every=0.3) as asking:
        began = time.monotonic()
        statuses = Counter(at_once(ask, range(64)))
        seconds = time.monotonic() - began
    held = memory.peak < 1000 and set(statuses) == {200} == set(normal)
    return Verdict(
        held and asking.slowest < _NORMAL_WITHIN,
        f"+{memory.peak:.0f} MB, then {memory.left:+.0f}; {dict(statuses)} after {seconds:.0f} s, "
        f"told {told_to_come_back[503]} times to come back; "
        f"normal pictures: {dict(normal)} in {asking.slowest:.1f} s at most",
    )


def _cost(wanted: str) -> bytes:
    return next(case for case in costly() if case.name == wanted).build()


def _long_png() -> bytes:
    return png((65_535, 381), 8, 6, bytes((4 * 65_535 + 1) * 381), level=9)


WORST: dict[str, Callable[[], bytes]] = {
    "64 x a PNG of 25 megapixels with alpha": partial(_cost, "png-25-megapixels-rgba"),
    "64 x a WebP of 38 bytes": partial(_cost, "webp-17-megapixels-alpha"),
    "64 x a TIFF of floats": partial(_cost, "tiff-25-megapixels-float"),
    "64 x a PNG of 65,535 x 381": _long_png,
    "64 x a progressive JPEG in CMYK": partial(_cost, "jpeg-cmyk-progressive-25-megapixels"),
    "64 x an AVIF with alpha": partial(_cost, "avif-17-megapixels-alpha"),
    "64 x a GIF of 25 megapixels": partial(_cost, "gif-25-megapixels"),
}
