"""The same rows on a cluster, by Ray Data: what Ray plans and restarts is left to Ray.

A row of the data set is a part of the table: the pictures' places, not their bytes. Each actor of
the pool is an :class:`Engine` of one network and one decoder, so that a picture that ends a process
costs its row here too. Parts are written by the driver as they come, so a run that loses its driver
goes on like any other; of Ray's own checkpoints none is needed.
"""

from __future__ import annotations

import json
import logging
import pickle  # nosec B403 - entries, from our driver to our actors
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.errors import SettingsError
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Answered, Batch, Crew, Engine
from moodlens.scoring.parts import PART_ROWS
from moodlens.scoring.sources.entries import Blob, Entry, InMemory, LocalFile, Passing
from moodlens.weights.hub import locate_exactly
from moodlens.weights.reference import CheckpointReference, locate_bundled

_PROCESSORS_OF_AN_ACTOR = 0.5


@dataclass(frozen=True, slots=True)
class Pool:
    """How many actors a cluster gets, and what each takes of it.

    Attributes:
        actors: how many.
        processors, gpus: of each, as Ray counts them.
    """

    actors: int
    processors: float
    gpus: int = 0

    @classmethod
    def for_nodes(cls, nodes: Iterable[dict[str, float]]) -> Pool:
        """A pool that leaves room for Ray's own tasks.

        Those need a whole processor on one node. Actors that held them all would wait for tasks
        that wait for the actors, in silence and for ever. So an actor reserves half of the
        processor that it uses, and where every node has a single one, a node goes without.

        Args:
            nodes: what Ray knows of the resources of each.
        """
        resources = list(nodes)
        gpus = int(sum(node.get("GPU", 0) for node in resources))
        if gpus:
            return cls(gpus, _PROCESSORS_OF_AN_ACTOR, 1)
        processors = [int(node.get("CPU", 0)) for node in resources]
        total = sum(processors)
        if total < 1:
            raise SettingsError("This Ray cluster has no processors.")
        alone = max(processors) < 2
        return cls(max(1, total - 1) if alone else total, _PROCESSORS_OF_AN_ACTOR)


class RayEngine:
    """A cluster, as whatever ``ray.init()`` finds.

    Args:
        weights: which network answers; nodes that lack its folder fetch it from the Hub.
        limits: what a picture may cost.
        embeddings: whether the pooled features come back too.
        maps: a folder that all nodes share for pictures of where answers come from, or None.

    Raises:
        SettingsError: Ray is not installed, or its cluster has no processors.
        CheckpointError: the weights are not usable.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        limits: PictureLimits = DEFAULT_LIMITS,
        embeddings: bool = False,
        maps: Path | None = None,
    ) -> None:
        try:
            import ray
            import ray.data
        except ImportError:
            raise SettingsError(
                "--engine ray needs Ray; `pip install 'moodlens[ray]'` does it."
            ) from None
        self._ray = ray
        with closing(Engine(weights, crew=Crew(1, 1))) as engine:
            self.introduction = engine.introduction
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            ray.init(log_to_driver=False, logging_level="warning")
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        alive = [node for node in ray.nodes() if node["Alive"]]
        self.pool = Pool.for_nodes(node["Resources"] for node in alive)
        self.nodes = len(alive)
        if self.pool.gpus:
            weights = replace(weights, device="cuda")
        self._options = {
            "weights": weights,
            "limits": limits,
            "embeddings": embeddings,
            "maps": maps.absolute() if maps else None,
        }

    def close(self) -> None:
        """Leave the cluster, unless somebody else had joined it before."""
        if self._is_ours:
            self._ray.shutdown()

    def answer(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Answered]:
        """Answer for numbered pictures, part by part, in the order in which they are done."""
        parts = [{"part": pickle.dumps(part)} for part in _in_parts(entries)]
        if not parts:
            return
        from ray.data import ActorPoolStrategy, DataContext

        DataContext.get_current().enable_progress_bars = False
        answers = self._ray.data.from_items(parts, override_num_blocks=len(parts)).map_batches(
            PartScorer,
            batch_size=1,
            batch_format="numpy",
            compute=ActorPoolStrategy(size=min(self.pool.actors, len(parts))),
            fn_constructor_kwargs=self._options,
            num_cpus=self.pool.processors,
            num_gpus=self.pool.gpus or None,
        )
        for block in answers.iter_batches(batch_size=None, batch_format="numpy"):
            for first, rows, features in zip(
                block["first"], block["rows"], block["features"], strict=True
            ):
                yield _answered(int(first), json.loads(rows), features)


class PartScorer:
    """An actor: an engine of one network and one decoder that answers for whole parts."""

    def __init__(
        self, weights: Weights, limits: PictureLimits, *, embeddings: bool, maps: Path | None
    ) -> None:
        self._embeddings = embeddings
        self._engine = Engine(
            _at_hand(weights), limits=limits, crew=Crew(1, 1), embeddings=embeddings, maps=maps
        )

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Rows and features of each part, as bytes."""
        made = [self._part(pickle.loads(part)) for part in batch["part"]]  # noqa: S301 # nosec B301
        return {
            "first": np.array([first for first, *_ in made]),
            "rows": np.array([rows for _, rows, _ in made], dtype=object),
            "features": np.array([features for *_, features in made], dtype=object),
        }

    def _part(self, entries: list[tuple[int, Entry]]) -> tuple[int, bytes, bytes]:
        first = entries[0][0] - entries[0][0] % PART_ROWS
        rows: dict[int, Any] = {}
        features: dict[int, bytes] = {}
        for answered in self._engine.answer(entries):
            for place, row in enumerate(answered.rows):
                if row is None:
                    continue
                number = answered.batch.first - first + place
                rows[number] = row
                if answered.features is not None:
                    features[number] = answered.features[place].tobytes()
        order = sorted(rows)
        text = json.dumps([[number, rows[number]] for number in order]).encode()
        return first, text, b"".join(features[number] for number in order if features)


def _answered(first: int, rows: list[Any], features: bytes) -> Answered:
    size = rows[-1][0] + 1
    cells: list[Any] = [None] * size
    for number, row in rows:
        cells[number] = row
    table = None
    if features:
        known = np.frombuffer(features, np.float32).reshape(len(rows), -1)
        table = np.full((size, known.shape[1]), np.nan, np.float32)
        table[[number for number, _ in rows]] = known
    return Answered(Batch(first, []), cells, table)


def _in_parts(entries: Iterable[tuple[int, Entry]]) -> Iterator[list[tuple[int, Entry]]]:
    part: list[tuple[int, Entry]] = []
    for number, entry in entries:
        if part and part[0][0] // PART_ROWS != number // PART_ROWS:
            yield part
            part = []
        part.append((number, replace(entry, blob=_anywhere(entry.blob))))
    if part:
        yield part


def _anywhere(blob: Blob | None) -> Blob | None:
    """The same bytes, by a name that every node knows."""
    if isinstance(blob, Passing):
        return _anywhere(blob.again) if blob.again else InMemory(blob.read(2**31))
    path = getattr(blob, "place", None) or getattr(blob, "path", None)
    if isinstance(path, str) and "://" not in path:
        absolute = str(Path(path).absolute())
        if isinstance(blob, LocalFile):
            return replace(blob, path=absolute)
        return replace(blob, place=absolute)  # type: ignore[type-var]
    return blob


def _at_hand(weights: Weights) -> Weights:
    """The same weights, where this node has them."""
    located = weights.located
    if located.source == "bundled":
        located = locate_bundled()
    elif not located.folder.is_dir() and located.name and located.revision:
        reference = CheckpointReference.parse(f"{located.name}@{located.revision}")
        located = locate_exactly(reference)
    return replace(weights, located=located)
