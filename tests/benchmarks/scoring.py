"""Many pictures at once against other ways to get them answered.

    python -m tests.benchmarks.scoring                    the ratios, all sides in turn
    python -m tests.benchmarks.scoring --ray 2560         Ray Data against the engine of one machine
    python -m tests.benchmarks.scoring --memory 2000 20000    peak memory and rate of runs so long

Rates are of pictures a second once all processes are up. Beside them stands the processor time of a
picture, which other programs on the same machine disturb less.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from moodlens.scoring.engine import Answered
from moodlens.scoring.parts import PART_ROWS
from tests.benchmarks.figures import Goal, Row, table
from tests.benchmarks.pictures import EXAMPLES, small_jpeg
from tests.benchmarks.services import OURS, running
from tests.support.running_app import REPOSITORY

_DISTINCT = 200
_SIZES = {"640x480": (640, 480), "12 MP": (4000, 3000)}
_GOALS = {
    "forward": Goal(0.85, "higher"),
    "client": Goal(8, "higher"),
    "loop": Goal(4, "higher"),
    "ray": Goal(0.8, "higher"),
}


def make_pictures(folder: Path, count: int, size: tuple[int, int] = (640, 480)) -> Path:
    """JPEGs of random parts of the example photos; beyond the first 200 they are links to those."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = [Image.open(path).convert("RGB") for path in EXAMPLES]
    generator = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        if number >= _DISTINCT:
            twin = number % _DISTINCT
            os.link(folder / f"{twin // 1000:03}" / f"{twin:06}.jpg", path)
            continue
        photo = photos[number % len(photos)]
        share = generator.uniform(0.4, 1)
        left, top = generator.uniform(0, 1 - share, 2) * photo.size
        box = (left, top, left + share * photo.width, top + share * photo.height)
        photo.resize(size, Image.Resampling.BICUBIC, box=box).save(path, quality=90)
    return folder


# --- the ways ------------------------------------------------------------------------------------


class Timed:
    """Seconds on the clock and of the processor that some pictures took."""

    def __init__(self, pictures: int, seconds: float, processor: float) -> None:
        self.rate = pictures / seconds
        self.milliseconds = 1000 * processor / pictures


@contextmanager
def engine_way(folder: Path) -> Iterator[Callable[[int], Timed]]:
    """Our engine, up and warm; the processor time is that of all its processes."""
    from moodlens.scoring.answering import Weights
    from moodlens.scoring.engine import Engine, in_batches
    from moodlens.scoring.sources.listing import Sources
    from moodlens.weights.reference import locate_bundled

    engine = Engine(Weights(locate_bundled()))
    entries = itertools.cycle(Sources([str(folder)]).entries())

    def answer(count: int) -> Timed:
        start, before = time.perf_counter(), _family_seconds()
        some = enumerate(itertools.islice(entries, count))
        for answered in engine.run(in_batches(some)):
            assert all(row and row["problem"] is None for row in answered.rows)
        return Timed(count, time.perf_counter() - start, _family_seconds() - before)

    try:
        answer(32)
        yield answer
    finally:
        engine.close()


@contextmanager
def process_way(*command: str) -> Iterator[Callable[[int], Timed]]:
    """A Python of its own that is told how many pictures to answer, and says how long it took."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.scoring_ways", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipe")
    ask, answers = process.stdin, process.stdout

    def answer(count: int) -> Timed:
        print(count, file=ask, flush=True)
        return Timed(count, *json.loads(answers.readline()))

    try:
        answer(8)
        yield answer
    finally:
        process.kill()
        process.wait()


@contextmanager
def crowded_way(cores: int) -> Iterator[Callable[[int], Timed]]:
    """The bare network on all cores at once, which share their caches and their memory."""
    with ExitStack() as stack:
        alone = [stack.enter_context(process_way("forward")) for _ in range(cores)]
        pool = stack.enter_context(ThreadPoolExecutor(cores))

        def answer(count: int) -> Timed:
            share = count // cores
            times = list(pool.map(lambda way: way(share), alone))
            slowest = min(t.rate for t in times)
            return Timed(cores * share, share / slowest, float("nan"))

        yield answer


@contextmanager
def client_way(folder: Path) -> Iterator[Callable[[int], Timed]]:
    """A loop through Gradio's Python client, against the app, which rests while others work.

    It would look a thousand times a second for questions in its queue.
    """
    from gradio_client import Client, handle_file

    files = itertools.cycle(sorted(folder.rglob("*.jpg")))
    with running(OURS, small_jpeg()) as service:
        client = Client(f"http://127.0.0.1:{service.port}", verbose=False)

        def answer(count: int) -> Timed:
            service.process.resume()
            start = time.perf_counter()
            for _ in range(count):
                client.predict(handle_file(str(next(files))), api_name="/predict")
            seconds = time.perf_counter() - start
            service.process.suspend()
            return Timed(count, seconds, float("nan"))

        answer(3)
        try:
            yield answer
        finally:
            service.process.resume()


def _family_seconds() -> float:
    """Processor time of this process and its children so far."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def compare(rounds: int, pictures: int) -> list[Row]:
    """All ways in turn."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = make_pictures(Path(name), _DISTINCT)
        contexts = {
            "engine": engine_way(folder),
            "forward": process_way("forward"),
            "crowded": crowded_way(cores),
            "decode": process_way("decode", str(folder)),
            "loop": process_way("loop", str(folder)),
            "client": client_way(folder),
        }
        ways = {way: stack.enter_context(context) for way, context in contexts.items()}
        counts = dict.fromkeys(ways, pictures)
        counts |= {"loop": pictures // 8, "client": pictures // 16, "forward": pictures // 2}
        found: dict[str, list[Timed]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, answer in ways.items():
                found[way].append(answer(counts[way]))
                print(way, f"{found[way][-1].rate:.1f}/s", file=sys.stderr)
    rate = {way: statistics.median(t.rate for t in times) for way, times in found.items()}
    cost = {way: statistics.median(t.milliseconds for t in times) for way, times in found.items()}
    bound = 1000 / (cost["forward"] + cost["decode"])
    return [
        Row(f"{cores} x the bare forward pass of a core", "/s", rate["engine"],
            cores * rate["forward"], _GOALS["forward"]),
        Row("the bare forward pass on all cores at once", "/s", rate["engine"], rate["crowded"]),
        Row("the same in processor time", "ms", cost["forward"], cost["engine"], _GOALS["forward"]),
        Row("forward and decoding, in processor time", "/s", 1000 / cost["engine"], bound,
            _GOALS["forward"]),
        Row("a loop through Gradio's client", "/s", rate["engine"], rate["client"],
            _GOALS["client"]),
        Row("the reference's code in a loop", "/s", rate["engine"], rate["loop"], _GOALS["loop"]),
    ]  # fmt: skip


# --- Ray -----------------------------------------------------------------------------------------


def compare_ray(rounds: int, pictures: int) -> list[Row]:
    """Ray Data on this machine beside the engine, in turn, both from when they are up."""
    from moodlens.scoring.answering import Weights
    from moodlens.scoring.engine import Engine
    from moodlens.scoring.ray_engine import RayEngine
    from moodlens.scoring.sources.listing import Sources
    from moodlens.weights.reference import locate_bundled

    weights = Weights(locate_bundled())
    found: dict[str, list[float]] = {"engine": [], "ray": []}
    with tempfile.TemporaryDirectory() as name:
        sources = Sources([str(make_pictures(Path(name), pictures))])
        for _ in range(rounds):
            for way, kind in (("engine", Engine), ("ray", RayEngine)):
                with closing(kind(weights)) as engine:
                    found[way].append(_steady_rate(engine.answer(enumerate(sources.entries()))))
                print(way, f"{found[way][-1]:.1f}/s", file=sys.stderr)
    rates = {way: statistics.median(each) for way, each in found.items()}
    name = f"Ray Data, {pictures} pictures, against the engine"
    return [Row(name, "/s", rates["ray"], rates["engine"], _GOALS["ray"])]


def _steady_rate(answers: Iterator[Answered]) -> float:
    """Pictures a second once every actor of a pool has answered for its first part."""
    warm = len(os.sched_getaffinity(0)) * PART_ROWS
    done = counted = 0
    start = end = 0.0
    for answered in answers:
        done += len(answered.rows)
        if not start and done >= warm:
            start, counted = time.perf_counter(), done
        end = time.perf_counter()
    return (done - counted) / (end - start)


# --- memory --------------------------------------------------------------------------------------


def run_of(folder: Path, *options: str) -> tuple[float, float, float]:
    """``moodlens score`` on a folder: seconds, seconds from the first part on, peak MB in all."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "scores.csv"
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "moodlens", "score", str(folder), "--out", str(out), *options],
            cwd=REPOSITORY,
        )
        began: list[float] = []
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _family_memory(process.pid))
            if not began and list(out.parent.glob("*.parts/part-*.csv")):
                began.append(time.perf_counter())
            time.sleep(0.2)
        if process.returncode:
            raise RuntimeError(f"moodlens score ended with status {process.returncode}")
        end = time.perf_counter()
    return end - start, end - (began[0] if began else start), peak


def _family_memory(pid: int) -> float:
    """MB of a process and its children, pages that they share counted once (PSS)."""
    total = 0
    try:
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.Error:
        return 0.0
    return total / 1e6


def memory(counts: Sequence[int], *options: str) -> None:
    """Print rate and peak of runs of different length."""
    print("| pictures | seconds | a second, from the first part on | peak memory, MB |")
    print("|---|---|---|---|")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            folder = make_pictures(Path(name), count)
            seconds, steady, peak = run_of(folder, "--quiet", *options)
        print(
            f"| {count} | {seconds:.0f} | {(count - 256) / steady:.1f} | {peak:.0f} |", flush=True
        )


def main() -> int:
    """Print what is asked for; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scoring")
    parser.add_argument("--memory", type=int, nargs="+", metavar="PICTURES")
    parser.add_argument("--checkpoint", default="", help="for --memory; the bundled one by default")
    parser.add_argument("--ray", type=int, metavar="PICTURES")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=400)
    options = parser.parse_args()
    if options.memory:
        memory(options.memory, "--checkpoint", options.checkpoint)
        return 0
    if options.ray:
        print(table(compare_ray(options.rounds, options.ray)))
        return 0
    rows = compare(options.rounds, options.pictures)
    print(table(rows))
    return any(row.verdict == "MISSED" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
