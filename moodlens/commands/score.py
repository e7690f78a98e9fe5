"""``moodlens score``: folders, archives and datasets of pictures in, a table out."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from moodlens.commands.weights_arguments import add_weights_arguments
from moodlens.errors import MoodLensError, SettingsError
from moodlens.settings import read_settings

_STANDARD_INPUT = "-"
_LEAST_SECONDS, _MOST_SECONDS = 0.02, 3600.0
_ENDED, _NONE_WORKED, _REFUSED, _INTERRUPTED, _TERMINATED = 0, 1, 2, 130, 143


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sources, the table, and how to get from one to the other."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a folder, glob, file, film, zip, tar or Parquet file, hf://datasets/..., s3://..., "
        "gs://...; - reads names from standard input",
    )
    parser.add_argument(
        "--list", action="append", default=[], metavar="FILE", help="names, one a line"
    )
    parser.add_argument(
        "--out", required=True, metavar="TABLE", help="ends in .parquet, .csv or .jsonl"
    )
    parser.add_argument(
        "--embeddings", action="store_true", help="add the network's pooled features"
    )
    parser.add_argument(
        "--maps", type=Path, metavar="DIR", help="draw where answers come from: DIR/ab/<sha256>.jpg"
    )
    parser.add_argument(
        "--top", type=_count, default=0, metavar="N", help="print the N most joyful, disputed, ..."
    )
    parser.add_argument(
        "--fetch", action="store_true", help="ask http addresses, of public hosts alone"
    )
    parser.add_argument(
        "--every",
        type=_seconds,
        metavar="SECONDS",
        help="look at films too, so often; needs PyAV: pip install 'moodlens[film]'",
    )
    parser.add_argument("--retry", action="store_true", help="ask the broken ones again")
    parser.add_argument("--strict", action="store_true", help="end at the first broken one")
    parser.add_argument(
        "--processes", type=_count, metavar="N", help="networks at a time; one a core by default"
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="this machine, or a Ray cluster"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_weights_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Make the table; 0 if any picture has an answer, 1 if none has, 2 if it cannot begin."""
    signal.signal(signal.SIGTERM, _end)
    again = "The same command goes on from here."
    try:
        with tempfile.TemporaryDirectory(prefix="moodlens-") as folder:
            return _score(options, Path(folder))
    except SettingsError as error:
        return _said(error.message, _REFUSED)
    except MoodLensError as error:
        return _said(error.message, _NONE_WORKED)
    except KeyboardInterrupt:
        return _said(f"Stopped. {again}", _INTERRUPTED)
    except _Terminated:
        return _said(f"Ended. {again}", _TERMINATED)


class _Terminated(BaseException):
    """Somebody asked this process to end."""


def _end(*_: Any) -> None:
    raise _Terminated


def _score(options: argparse.Namespace, folder: Path) -> int:
    from moodlens.scoring.engine import Crew, Engine
    from moodlens.scoring.progress import Progress, duration
    from moodlens.scoring.ray_engine import RayEngine
    from moodlens.scoring.run import score
    from moodlens.scoring.top import top_lines

    job = _job(options, folder)
    began = time.monotonic()
    processes = options.processes
    common: dict[str, Any] = {
        "limits": job.limits,
        "embeddings": job.embeddings,
        "maps": job.maps,
    }
    engine: Engine | RayEngine
    if options.engine == "ray":
        engine = RayEngine(job.weights, **common)
        pool = engine.pool
        _said(
            f"{pool.actors} networks on {engine.nodes} nodes of Ray, "
            f"each with {pool.gpus or pool.processors:g} {'GPU' if pool.gpus else 'CPU'} reserved.",
            _ENDED,
        )
    else:
        crew = Crew(processes, processes) if processes else None
        engine = Engine(job.weights, crew=crew, **common)
    progress = Progress(silent=options.quiet)
    try:
        summary = score(job, engine, progress)
    finally:
        progress.end()
        engine.close()
    if options.top:
        for line in top_lines(job.out, options.top):
            print(line)
    seconds = time.monotonic() - began
    answered = summary.rows - summary.problems
    sentence = f"{options.out}: {answered:,} pictures answered"
    if summary.problems:
        sentence += f", {summary.problems:,} with a problem (column problem; --retry asks again)"
    if summary.scored:
        sentence += f"; {summary.scored:,} of them in this run, in {duration(seconds)}"
    else:
        sentence += "; all of them were there"
    return _said(f"{sentence}.", _ENDED if answered else _NONE_WORKED)


def _job(options: argparse.Namespace, folder: Path) -> Any:
    settings = read_settings()
    from moodlens.model.backends import parse_backend, parse_device
    from moodlens.scoring.answering import Weights
    from moodlens.scoring.formats import format_of
    from moodlens.scoring.run import Job
    from moodlens.scoring.sources.films import check_films
    from moodlens.scoring.sources.listing import Sources
    from moodlens.weights.hub import locate_exactly
    from moodlens.weights.reference import CheckpointReference

    named = [source for source in options.sources if source != _STANDARD_INPUT]
    lists = list(options.list)
    if _STANDARD_INPUT in (*options.sources, *lists):
        lists = [name for name in lists if name != _STANDARD_INPUT]
        lists.append(_standard_input(folder))
    if not named and not lists:
        raise SettingsError("Name a source: a folder, a file, an archive, or - for a list.")
    format_of(options.out, features=int(options.embeddings))  # a wrong name costs no waiting
    if options.every is not None:
        check_films()
    asked = settings.checkpoint if options.checkpoint is None else options.checkpoint
    asked = asked if options.revision is None else f"{asked}@{options.revision}"
    backend = parse_backend(options.backend or settings.backend)
    return Job(
        sources=Sources(named, lists, options.fetch, options.every),
        out=options.out,
        weights=Weights(
            locate_exactly(CheckpointReference.parse(asked)),
            device=parse_device(options.device or settings.device),
            backend=backend,
        ),
        limits=settings.limits,
        embeddings=options.embeddings,
        maps=options.maps,
        retry=options.retry,
        strict=options.strict,
    )


def _standard_input(folder: Path) -> str:
    """Names from standard input, kept: they are read more than once."""
    path = folder / "names"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return str(path)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 10000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError("must be a number of seconds from 0.02 to 3600")
    return seconds


def _said(sentence: str, status: int) -> int:
    print(f"moodlens score: {sentence}", file=sys.stderr)
    return status
