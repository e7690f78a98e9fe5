"""What the costly pictures really cost: ``python -m tests.support.picture_cost [NAME ...]``.

Each is read in a fork of its own, so that the peak of its memory is its own too. Prints one line of
JSON for each: name, seconds of processor time, megabytes of growth, and the verdict.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

from moodlens.errors import MoodLensError
from moodlens.pictures.reading import read_picture
from tests.support.picture_corpus import accepted, costly

SHORT_SIDE = 584


def main() -> None:
    for case in accepted()[::10]:  # codecs load their tables once, as in a server
        read_picture(case.data)
    wanted = set(sys.argv[1:])
    for costly_case in costly():
        if not wanted or costly_case.name in wanted:
            data = _in_fork(costly_case.build)
            cost = _in_fork(partial(_cost_of_reading, data))
            print(json.dumps({"name": costly_case.name} | json.loads(cost)), flush=True)


def _cost_of_reading(data: bytes) -> bytes:
    before = _peak_megabytes()
    start = time.process_time()
    try:
        verdict = str(read_picture(data, short_side=SHORT_SIDE).size)
    except MoodLensError as error:
        verdict = f"{type(error).__name__}: {error}"
    cost = {
        "seconds": round(time.process_time() - start, 3),
        "megabytes": round(_peak_megabytes() - before),
        "bytes": len(data),
        "verdict": verdict,
    }
    return json.dumps(cost).encode()


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_fork(work: Callable[[], bytes]) -> bytes:
    """Run ``work`` in a child process and bring back what it returns.

    Raises:
        RuntimeError: when the child fails or crashes.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as out:
                out.write(work())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        result = answer.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"a child ended with status {status}")
    return result


if __name__ == "__main__":
    main()
