"""Ray on a cluster of several nodes on this machine: the same rows, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from moodlens.errors import SettingsError
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Answered, Engine
from moodlens.scoring.parts import PART_ROWS, PartFacts
from moodlens.scoring.progress import Progress
from moodlens.scoring.ray_engine import Pool, RayEngine
from moodlens.scoring.run import Job, Summary, score
from moodlens.scoring.sources.entries import Entry
from moodlens.scoring.sources.listing import Sources
from tests.support.pictures_folder import fill, small_jpeg

COUNT = 2 * PART_ROWS + 30


@pytest.mark.parametrize(
    ("processors", "expected"),
    [([1], 1), ([2], 2), ([8], 8), ([1, 1, 1], 2), ([2, 2], 4), ([1, 4], 5), ([0, 4], 4)],
)
def test_the_pool_leaves_a_processor_to_rays_tasks(processors: list[int], expected: int) -> None:
    pool = Pool.for_nodes({"CPU": float(count)} for count in processors)

    assert pool.actors == expected
    spread = [min(count, pool.actors) * pool.processors for count in processors]
    if sum(processors) > 1:
        # However Ray spreads them, they never reserve every whole processor.
        assert pool.actors * pool.processors <= sum(processors) - 1
    assert spread


def test_graphics_processors_come_first_and_none_is_an_error() -> None:
    assert Pool.for_nodes([{"CPU": 8, "GPU": 2}, {"CPU": 8, "GPU": 1}]).actors == 3
    with pytest.raises(SettingsError, match="no processors"):
        Pool.for_nodes([{"memory": 1.0}])


class Disturbed:
    """A cluster to which something happens after its first answer."""

    def __init__(self, engine: RayEngine, what: Callable[[], object]) -> None:
        self._engine, self._what = engine, what
        self.introduction = engine.introduction

    def answer(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Answered]:
        for number, answered in enumerate(self._engine.answer(entries)):
            yield answered
            if number == 0:
                self._what()


class Interrupted(BaseException):
    """The driver dies."""


def test_a_worker_a_node_and_the_driver_die_and_nothing_is_lost_or_twice(
    tiny_weights: Weights, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    pictures = fill(tmp_path / "p", COUNT, broken=(7,))
    job = Job(Sources([str(pictures)]), str(tmp_path / "ray.csv"), tiny_weights)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        node: Any = cluster.add_node(num_cpus=2)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, logging_level="error")
        with closing(RayEngine(tiny_weights)) as on_ray:
            assert (on_ray.nodes, on_ray.pool.actors) == (2, 3)

            def die() -> None:
                raise Interrupted

            with pytest.raises(Interrupted):
                score(job, Disturbed(on_ray, die), Progress())
            notes = Path(f"{job.out}.parts").glob("part-*.json")
            kept = sum(PartFacts(*json.loads(note.read_text())).rows for note in notes)
            assert 0 < kept < COUNT

            def lose_a_worker_and_a_node() -> None:
                workers = [
                    process.pid
                    for process in psutil.process_iter(["name", "cmdline"])
                    if "PartScorer" in " ".join(process.info["cmdline"] or [])
                    and cluster.address in _arguments_of_parents(process)
                ]
                for pid in workers[:1]:
                    os.kill(pid, signal.SIGKILL)
                cluster.remove_node(node, allow_graceful=False)

            summary = score(job, Disturbed(on_ray, lose_a_worker_and_a_node), Progress())
    finally:
        ray.shutdown()
        cluster.shutdown()
    local = Job(job.sources, str(tmp_path / "local.csv"), tiny_weights)
    score(local, engine, Progress())

    assert summary == Summary(COUNT, 1, COUNT - kept)
    assert Path(job.out).read_bytes() == Path(local.out).read_bytes()


def _arguments_of_parents(process: psutil.Process) -> str:
    """What started a process, to tell this test's cluster from another's."""
    try:
        return " ".join(" ".join(parent.cmdline()) for parent in process.parents())
    except psutil.Error:
        return ""


def test_archives_are_found_again_by_actors(
    tiny_weights: Weights, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a cluster: what is sent to an actor is read back as it would be there."""
    import pickle
    import zipfile

    from moodlens.scoring.ray_engine import _in_parts

    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("z.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}.jpg", small_jpeg(number))
    entries = enumerate(Sources(["z.zip"]).entries())
    (part,) = list(_in_parts(entries))
    sent = pickle.loads(pickle.dumps(part))
    monkeypatch.chdir("/")

    for number, entry in (*sent[2:], *sent[:2]):
        assert entry.blob.read(10**6) == small_jpeg(number)
