"""The processes themselves, each started by processes.py with its role and its pipe."""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from moodlens.errors import MoodLensError
from moodlens.scoring.decoding import Decoded, Decoder
from moodlens.scoring.processes import inherited
from moodlens.scoring.slots import Layout, Slots
from moodlens.scoring.sources.entries import Entry

_MEMORY_BEYOND_START = 1_500_000_000
"""Bytes that a decoding process may take for one picture: far more than the limits let it need."""


class DecodeTask(NamedTuple):
    """Decode some entries into places of a slot, one after the other."""

    slot: int
    places: list[int]
    entries: list[Entry]


class AnswerTask(NamedTuple):
    """Answer for the pictures in a slot."""

    slot: int
    decoded: list[Decoded | None]


class DecoderStart(NamedTuple):
    """What a decoding process has to know."""

    decoder: Decoder
    layout: Layout
    memory: int


def decode(connection: Connection) -> None:
    """Decode until the pipe is closed."""
    start: DecoderStart = connection.recv()
    slots = Slots(start.layout, start.memory)
    _limit_memory()
    while True:
        task: DecodeTask = connection.recv()
        connection.send(
            [
                start.decoder.decode(entry, partial(slots.picture, task.slot, place))
                for place, entry in zip(task.places, task.entries, strict=True)
            ]
        )


def answer(connection: Connection) -> None:
    """Load the weights, say what they are, then answer until the pipe is closed."""
    from moodlens.scoring.answering import Answerer, Weights

    weights: Weights
    maps: Path | None
    weights, maps = connection.recv()
    try:
        answerer = Answerer.load(weights, maps)
    except MoodLensError as error:
        connection.send(error.message)
        return
    connection.send(answerer.introduction())
    layout: Layout
    layout, memory = connection.recv()
    slots = Slots(layout, memory)
    while True:
        task: AnswerTask = connection.recv()
        features = slots.features(task.slot) if layout.features else None
        pictures = [
            slots.picture(task.slot, place, decoded.size) if decoded and decoded.size else None
            for place, decoded in enumerate(task.decoded)
        ]
        connection.send(answerer.answer(pictures, task.decoded, features))


def measure(connection: Connection) -> None:
    """Say how long a film is, or why that cannot be said."""
    from moodlens.scoring.sources.film_reading import length

    path: str = connection.recv()
    _limit_memory()
    try:
        connection.send(length(path))
    except MoodLensError as error:
        connection.send(error.message)


def _limit_memory() -> None:
    """Let a picture that would take all memory fail in this process and harm nobody else."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        room = pages * resource.getpagesize() + _MEMORY_BEYOND_START
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    except (OSError, ValueError):  # not Linux
        return


def _wait_for_turns() -> None:
    """Let no process that decodes drive one that computes from its core in the middle of a batch.

    There are more of them than cores. What the network has in the core's cache would be lost.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main() -> None:
    """Do what the first argument says, with the pipe that the second one numbers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started this
    _wait_for_turns()
    roles = {"decode": decode, "answer": answer, "measure": measure}
    try:
        roles[sys.argv[1]](inherited(int(sys.argv[2])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
