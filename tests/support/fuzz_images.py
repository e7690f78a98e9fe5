"""Damage pictures until something gives: ``python -m tests.support.fuzz_images --minutes 10``.

Every file must come out of ``read_picture`` as a picture or as one sentence, within 2 seconds and
400 MB, and without a crash. One that does not is saved in ``regressions`` beside this
file, which the tests replay from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from moodlens.errors import MoodLensError
from moodlens.pictures.reading import read_picture
from tests.support.picture_corpus import accepted, damaged, refused, small_files

REGRESSIONS = Path(__file__).parent / "regressions"
SECONDS, MEGABYTES = 2, 400
_BATCH = 2_000
_MOST_BYTES = 100_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long to go on")
    parser.add_argument("--seed", type=int, default=None, help="to repeat a run")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}")

    files = _seeds()
    tried, failures, verdicts = 0, 0, Counter[str]()
    end = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as folder:
        latest, report = Path(folder, "latest"), Path(folder, "report")
        while time.monotonic() < end:
            batch_seed = seed + tried // _BATCH
            trouble = _in_child(files, batch_seed, latest, report)
            tried += _BATCH
            verdicts.update(report.read_text().split("\n") if report.exists() else [])
            if trouble:
                failures += 1
                print(f"{_keep(latest.read_bytes())}: {trouble}")
    print(f"{tried} files tried: {dict(verdicts.most_common())}, {failures} failures")
    return 1 if failures else 0


def _seeds() -> list[bytes]:
    cases = [case.data for case in (*accepted(), *refused())]
    return [data for data in (*small_files().values(), *cases) if 0 < len(data) < _MOST_BYTES]


def _in_child(files: list[bytes], seed: int, latest: Path, report: Path) -> str:
    """Try a batch in a child process, which may crash; returns what went wrong, if anything.

    The child stops at its first failure; the file at fault is then in ``latest``.
    """
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _try_batch(files, random.Random(seed), latest, report)
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return f"status {status} in the batch with seed {seed}" if status else ""


def _try_batch(files: list[bytes], rng: random.Random, latest: Path, report: Path) -> None:
    warnings.simplefilter("ignore")
    verdicts = []
    for data in files:
        latest.write_bytes(data)
        _verdict(data, None)
    before = _peak_megabytes()
    for _ in range(_BATCH):
        data = damaged(rng.choice(files), rng)
        latest.write_bytes(data)
        start = time.process_time()
        verdicts.append(_verdict(data, rng.choice((None, 10, 584))))
        if time.process_time() - start > SECONDS:
            raise RuntimeError("it took too long")
        if _peak_megabytes() - before > MEGABYTES:
            raise RuntimeError("it took too much memory")
    report.write_text("\n".join(verdicts))


def _verdict(data: bytes, short_side: int | None) -> str:
    try:
        picture = read_picture(data, short_side=short_side)
    except MoodLensError as error:
        return type(error).__name__
    if picture.mode != "RGB":
        raise RuntimeError(f"it came as {picture.mode}")
    return "read"


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _keep(data: bytes) -> str:
    REGRESSIONS.mkdir(exist_ok=True)
    path = REGRESSIONS / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return path.name


if __name__ == "__main__":
    raise SystemExit(main())
