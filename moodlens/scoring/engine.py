"""Decoding and answering processes at work on one stream of pictures, in bounded memory.

Decoding is done by processes that only decode: one that dies, of a damaged file or for want of
memory, costs the picture it was at and nothing else. The network runs in as many processes as there
are cores, one thread each: none of them waits for another. What a decoder has decoded lies in
shared memory, where an answering process cuts out what the network sees of it: PyTorch does that
several times faster than what a decoder has, and decoders do without PyTorch.

A picture always takes the same place in a batch of the same size, so that what is said about it
does not depend on which process was quicker.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moodlens.errors import MoodLensError
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits
from moodlens.scoring.answering import Introduction, Weights
from moodlens.scoring.decoding import Decoded, Decoder
from moodlens.scoring.processes import Worker
from moodlens.scoring.slots import BATCH, Layout, Slots, new_memory
from moodlens.scoring.sources.bringing import brought
from moodlens.scoring.sources.entries import Entry
from moodlens.scoring.worker import AnswerTask, DecoderStart, DecodeTask
from moodlens.telling.table_schema import Row

_SECONDS_A_PICTURE = 30.0
_TASKS_AT_ONCE = 2  # of an answering process: one that it works on, and the next
_DEATHS_IN_A_ROW = 4
_GLANCE = 0.02
_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes do what.

    Attributes:
        decoders: that decode pictures.
        answerers: that run the network.
    """

    decoders: int
    answerers: int

    @classmethod
    def for_this_machine(cls, device: str) -> Crew:
        """As many of both as there are cores; one network where it is no processor that runs it."""
        cores = available_cores()
        return cls(cores, cores if device.startswith("cpu") else 1)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Batch(NamedTuple):
    """Pictures that go through the network together.

    Attributes:
        first: the number of the first one among all pictures; a multiple of ``BATCH``.
        entries: at most ``BATCH``; None for one whose row is there already.
    """

    first: int
    entries: list[Entry | None]


class Answered(NamedTuple):
    """What became of a batch.

    Attributes:
        batch: as it was given.
        rows: for each of its entries the cells that are known; None for those not asked about.
        features: [N, F], if they are wanted; NaN where there is a problem.
    """

    batch: Batch
    rows: list[Row | None]
    features: NDArray[np.float32] | None


@dataclass(slots=True)
class _Work:
    """A batch on its way, and what is known of its pictures so far."""

    batch: Batch
    slot: int
    decoded: list[Decoded | None]
    left: deque[int]
    """Places that are still to be decoded."""
    alone: bool = False
    """Whether a process has died of this batch, so that its pictures go one at a time."""
    suspect: int | None = None
    """The place of a picture that a process has died of while it was at nothing else."""


@dataclass(slots=True)
class _DecoderState:
    worker: Worker
    work: _Work | None = None
    places: list[int] = field(default_factory=list)
    deadline: float = 0.0


@dataclass(slots=True)
class _AnswererState:
    worker: Worker
    ready: bool = False
    tasks: deque[_Work] = field(default_factory=deque)


class Engine:
    """The processes, started once and used for any number of batches.

    Args:
        weights: which network answers.
        limits: what a picture may cost.
        crew: how many processes; as many as this machine has cores by default.
        embeddings: whether the pooled features come back too.
        maps: a folder for pictures of where answers come from, or None.

    Raises:
        CheckpointError: the weights are not usable.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        limits: PictureLimits = DEFAULT_LIMITS,
        crew: Crew | None = None,
        embeddings: bool = False,
        maps: Path | None = None,
    ) -> None:
        self._weights, self._maps = weights, maps
        self._memory = new_memory()
        self._answerers: list[_AnswererState] = []
        self._decoders: list[_DecoderState] = []
        self._deaths = 0
        try:
            first = self._new_answerer()
            self._answerers.append(first)
            if crew is not None:
                self._answerers += [self._new_answerer() for _ in range(crew.answerers - 1)]
            try:
                self.introduction = _introduction(first.worker)
            except EOFError:
                reason = _epitaph(first.worker.died_of())
                raise MoodLensError(f"The network cannot be run here. {reason}") from None
            if crew is None:  # only who has loaded the network knows what it runs on
                crew = Crew.for_this_machine(self.introduction.device)
                self._answerers += [self._new_answerer() for _ in range(crew.answerers - 1)]
            self.crew = crew
            layout = Layout(
                2 * self.introduction.side,
                self.introduction.features if embeddings else 0,
                slots=self.crew.decoders + (_TASKS_AT_ONCE + 1) * self.crew.answerers,
            )
            self._slots = Slots(layout, self._memory)
            self._decoder = Decoder(self.introduction.side, limits)
            self._make_ready(first)
            for _ in range(self.crew.decoders):
                self._decoders.append(_DecoderState(self._new_decoder()))
        except BaseException:
            self.close()
            raise
        self._free = list(range(layout.slots))
        self._decoded: deque[_Work] = deque()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers():
            worker.kill()
        self._decoders, self._answerers = [], []
        os.close(self._memory)

    def answer(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Answered]:
        """Answer for numbered pictures, in the order in which they are done.

        Raises:
            MoodLensError: the network's processes die again and again.
        """
        return self.run(in_batches(brought(entries, self._decoder.limits.max_bytes + 1)))

    def run(self, batches: Iterable[Batch]) -> Iterator[Answered]:
        """Answer for batches, in the order in which they are done.

        No more batches are taken than there are slots for.

        Raises:
            MoodLensError: the network's processes die again and again.
        """
        self._forget_the_last_run()
        feed = _Feed(batches)
        try:
            while True:
                self._hand_out(feed)
                if self._is_idle():
                    if feed.is_over:
                        return
                    feed.wait()
                    continue
                yield from self._collect(_GLANCE if self._has_room(feed) else _LOOK)
        finally:
            feed.close()

    def _forget_the_last_run(self) -> None:
        """Let what a run has begun that nobody followed to its end come to its end."""
        nothing = _Feed([])
        while not self._is_idle():
            self._hand_out(nothing)
            for _ in self._collect(_LOOK):
                pass

    # --- giving work -----------------------------------------------------------------------------

    def _hand_out(self, feed: _Feed) -> None:
        for state in self._decoders:
            if state.work is None and self._free and (batch := feed.next()) is not None:
                asked = [place for place, entry in enumerate(batch.entries) if entry is not None]
                work = _Work(batch, self._free.pop(), [None] * len(batch.entries), deque(asked))
                self._decode(state, work)
        for answerer in self._answerers:
            while self._decoded and answerer.ready and len(answerer.tasks) < _TASKS_AT_ONCE:
                # The one with least to do comes first, or one would work while another waits.
                least = min(
                    (state for state in self._answerers if state.ready),
                    key=lambda state: len(state.tasks),
                )
                work = self._decoded.popleft()
                least.tasks.append(work)
                least.worker.send(AnswerTask(work.slot, work.decoded))

    def _decode(self, state: _DecoderState, work: _Work) -> None:
        """Send a batch's next pictures: all of them, or one where a process has died of them."""
        places = [work.left.popleft() for _ in range(1 if work.alone else len(work.left))]
        state.work, state.places = work, places
        state.deadline = time.monotonic() + _SECONDS_A_PICTURE * len(places)
        entries = [entry for place in places if (entry := work.batch.entries[place]) is not None]
        state.worker.send(DecodeTask(work.slot, places, entries))

    def _has_room(self, feed: _Feed) -> bool:
        idle = any(state.work is None for state in self._decoders)
        return idle and bool(self._free) and not feed.is_over

    def _is_idle(self) -> bool:
        return (
            not self._decoded
            and not any(state.work for state in self._decoders)
            and not any(state.tasks for state in self._answerers)
        )

    # --- taking answers --------------------------------------------------------------------------

    def _collect(self, seconds: float) -> Iterator[Answered]:
        ready = set(wait([worker.connection for worker in self._workers()], seconds))
        for decoder in self._decoders:
            if decoder.worker.connection in ready:
                self._from_decoder(decoder)
        for answerer in self._answerers:
            if answerer.worker.connection in ready:
                answered = self._from_answerer(answerer)
                if answered is not None:
                    yield answered
        now = time.monotonic()
        for late in self._decoders:
            if late.work is not None and now > late.deadline:
                late.worker.kill()
                self._bury_decoder(late, "Decoding this picture takes too long.")

    def _from_decoder(self, state: _DecoderState) -> None:
        try:
            found: list[Decoded] = state.worker.receive()
        except EOFError:
            self._bury_decoder(state, _epitaph(state.worker.died_of()))
            return
        work = state.work
        if work is None:
            return
        for place, decoded in zip(state.places, found, strict=True):
            work.decoded[place] = decoded
        self._go_on(state, work)

    def _bury_decoder(self, state: _DecoderState, problem: str) -> None:
        """Put another process in its place.

        A picture is to blame if two processes have died of it alone; one may have been killed.
        """
        work, places = state.work, state.places
        state.worker.connection.close()
        state.worker = self._new_decoder()
        if work is None:
            return
        place = places[0]
        if len(places) == 1 and work.suspect == place:
            work.decoded[place] = Decoded(None, problem)
        else:
            work.left.extendleft(reversed(places))
            work.suspect = place if len(places) == 1 else None
        work.alone = True
        self._go_on(state, work)

    def _go_on(self, state: _DecoderState, work: _Work) -> None:
        state.work = None
        if work.left:
            self._decode(state, work)
        else:
            self._decoded.append(work)

    def _from_answerer(self, state: _AnswererState) -> Answered | None:
        try:
            answer = state.worker.receive() if state.ready else _introduction(state.worker)
        except EOFError:
            self._bury_answerer(state)
            return None
        if isinstance(answer, Introduction):
            self._make_ready(state)
            return None
        self._deaths = 0
        work = state.tasks.popleft()
        features = None
        if self._slots.layout.features:
            features = self._slots.features(work.slot)[: len(work.decoded)].copy()
        self._free.append(work.slot)
        rows = [
            None if decoded is None else _cells(entry, decoded, cells)
            for entry, decoded, cells in zip(work.batch.entries, work.decoded, answer, strict=True)
        ]
        return Answered(work.batch, rows, features)

    def _bury_answerer(self, state: _AnswererState) -> None:
        """Put another process in its place, and its batches back to where they came from."""
        self._deaths += 1
        reason = _epitaph(state.worker.died_of())
        if self._deaths >= _DEATHS_IN_A_ROW:
            raise MoodLensError(f"The network cannot be run here. {reason}")
        self._decoded.extendleft(reversed(state.tasks))
        state.worker.connection.close()
        state.worker, state.ready, state.tasks = self._new_answerer().worker, False, deque()

    # --- processes -------------------------------------------------------------------------------

    def _workers(self) -> list[Worker]:
        return [
            *(decoder.worker for decoder in self._decoders),
            *(answerer.worker for answerer in self._answerers),
        ]

    def _new_answerer(self) -> _AnswererState:
        return _AnswererState(Worker("answer", (self._weights, self._maps), [self._memory]))

    def _make_ready(self, state: _AnswererState) -> None:
        state.worker.send((self._slots.layout, self._memory))
        state.ready = True

    def _new_decoder(self) -> Worker:
        start = DecoderStart(self._decoder, self._slots.layout, self._memory)
        return Worker("decode", start, [self._memory])


class _Feed:
    """Batches, taken from their source by a thread, since the source may be slow to give them."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._queue: queue.Queue[Batch | Exception | None] = queue.Queue(2)
        self._stopped = threading.Event()
        self._peeked: Batch | None = None
        self.is_over = False
        self._thread = threading.Thread(
            target=self._take, args=(batches,), name="moodlens-feed", daemon=True
        )
        self._thread.start()

    def next(self) -> Batch | None:
        """The next batch, or None where there is none at this moment."""
        if self._peeked is None:
            self._look(block=False)
        batch, self._peeked = self._peeked, None
        return batch

    def wait(self) -> None:
        """Return once there is a batch, or there will never be one again."""
        if self._peeked is None:
            self._look(block=True)

    def close(self) -> None:
        self._stopped.set()

    def _look(self, *, block: bool) -> None:
        if self.is_over:
            return
        try:
            found = self._queue.get(block)
        except queue.Empty:
            return
        if isinstance(found, Exception):
            self.is_over = True
            raise found
        self._peeked, self.is_over = found, found is None

    def _take(self, batches: Iterable[Batch]) -> None:
        last: Exception | None = None
        try:
            for batch in batches:
                if not self._put(batch):
                    return
        except Exception as error:
            last = error
        self._put(last)

    def _put(self, item: Batch | Exception | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False


def in_batches(entries: Iterable[tuple[int, Entry]]) -> Iterator[Batch]:
    """Numbered entries, in order, each at its place in a batch; numbers may be missing."""
    batch: Batch | None = None
    for number, entry in entries:
        first = number - number % BATCH
        if batch is not None and batch.first != first:
            yield batch
            batch = None
        batch = batch or Batch(first, [])
        batch.entries.extend([None] * (number - first - len(batch.entries)))
        batch.entries.append(entry)
    if batch is not None:
        yield batch


def _cells(entry: Entry | None, decoded: Decoded, answer: Row) -> Row:
    return {
        "file": entry.file if entry else None,
        "seconds": entry.seconds if entry else None,
        "new_shot": None if decoded.new_shot is None else int(decoded.new_shot),
        "sha256": decoded.sha256,
        "problem": decoded.problem,
        **answer,
    }


def _introduction(worker: Worker) -> Introduction:
    said = worker.receive()
    if isinstance(said, Introduction):
        return said
    raise MoodLensError(said)


def _epitaph(status: int) -> str:
    if status == -9:
        return "Its process was ended, perhaps for want of memory."
    if status < 0:
        return f"It ended its process with signal {-status}."
    return f"It ended its process with status {status}."
