"""A table through all that can happen to it: kills, a full disk, other weights, a second look."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moodlens.errors import MoodLensError, SettingsError
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Crew, Engine
from moodlens.scoring.parts import PART_ROWS
from moodlens.scoring.progress import Progress
from moodlens.scoring.run import Job, StrictError, Summary, score
from moodlens.scoring.sources.listing import Sources
from moodlens.telling.table_schema import COLUMN_NAMES
from tests.support.pictures_folder import fill, small_jpeg
from tests.support.running_app import REPOSITORY
from tests.support.tiny_checkpoint import make_checkpoint

COUNT = 2 * PART_ROWS + 40
BROKEN = (3, PART_ROWS + 1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many") / "pictures", COUNT, broken=BROKEN)


@pytest.fixture
def job(pictures: Path, tiny_weights: Weights, tmp_path: Path) -> Job:
    return Job(Sources([str(pictures)]), str(tmp_path / "scores.csv"), tiny_weights)


def changed(job: Job, **changes: Any) -> Job:
    from dataclasses import replace

    return replace(job, **changes)


@pytest.fixture(scope="module")
def undisturbed(
    pictures: Path, engine: Engine, tiny_weights: Weights, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    tables = {}
    for suffix in ("csv", "jsonl", "parquet"):
        if suffix == "parquet":
            pytest.importorskip("pyarrow")
        out = folder / f"scores.{suffix}"
        summary = score(Job(Sources([str(pictures)]), str(out), tiny_weights), engine, Progress())
        assert summary == Summary(COUNT, len(BROKEN), COUNT)
        tables[suffix] = out.read_bytes()
    return tables


def test_three_formats_hold_the_same_rows(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    lines = [json.loads(line) for line in undisturbed["jsonl"].splitlines()]
    (tmp_path / "t.parquet").write_bytes(undisturbed["parquet"])
    table = parquet.read_table(tmp_path / "t.parquet")
    cells = list(csv.DictReader(undisturbed["csv"].decode("utf-8-sig").splitlines()))

    assert table.column_names == list(COLUMN_NAMES) == list(lines[0]) == list(cells[0])
    assert table.to_pylist() == lines
    assert [str(table.schema.field(name).type) for name in ("file", "joy", "familiarity")] == [
        "string",
        "double",
        "double",
    ]
    for cell, line in zip(cells, lines, strict=True):
        assert cell == {k: "" if v is None else str(v) for k, v in line.items()}
    assert sum(line["problem"] is not None for line in lines) == len(BROKEN)
    assert lines[BROKEN[0]]["problem"] == "This JPEG file is damaged or incomplete."


def command(pictures: Path, out: Path, tiny: Path) -> list[str]:
    arguments = [str(pictures), "--out", str(out), "--checkpoint", str(tiny), "--processes", "1"]
    return [sys.executable, "-m", "moodlens", "score", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def test_killed_again_and_again_it_ends_with_the_same_bytes(
    pictures: Path, tiny: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "scores.csv"
    parts = Path(f"{out}.parts")
    for wanted in (0, 1, 2):
        process = subprocess.Popen(command(pictures, out, tiny), env=environment())
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(parts.glob("part-*.csv"))) >= wanted and parts.exists():
                break
            time.sleep(0.005)
        process.kill()
        process.wait()
        assert not out.exists() or wanted == 2
    done = subprocess.run(
        command(pictures, out, tiny), env=environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == undisturbed["csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, f"{out.name}.run.json"]


def test_a_full_disk_is_said_and_survived(
    job: Job, engine: Engine, undisturbed: dict[str, bytes]
) -> None:
    """A limit on the size of files stands for the disk: writes fail in the middle of a file."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(MoodLensError, match="cannot be written"):
            score(job, engine, Progress())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not Path(job.out).exists()


@pytest.fixture
def fresh_engine(tiny_weights: Weights) -> Iterator[Engine]:
    engine = Engine(tiny_weights, crew=Crew(1, 1))
    yield engine
    engine.close()


def test_done_is_done(job: Job, engine: Engine, undisturbed: dict[str, bytes]) -> None:
    score(job, engine, Progress())
    assert Path(job.out).read_bytes() == undisturbed["csv"]
    stamp = Path(job.out).stat().st_mtime_ns

    assert score(job, engine, Progress()) == Summary(COUNT, len(BROKEN), 0)
    assert Path(job.out).stat().st_mtime_ns == stamp


def test_another_table_is_never_continued(
    job: Job, engine: Engine, tiny_weights: Weights, tmp_path: Path
) -> None:
    few = fill(tmp_path / "few", 5)
    job = changed(job, sources=Sources([str(few)]))
    score(job, engine, Progress())
    before = Path(job.out).read_bytes()

    with pytest.raises(SettingsError, match=r"other sources.*Choose another --out"):
        score(changed(job, sources=Sources([str(few / "a")])), engine, Progress())
    make_checkpoint(tmp_path / "other", seed=1)
    from moodlens.weights.reference import Located

    other = Engine(Weights(Located(tmp_path / "other", None, None, "local")), crew=Crew(1, 1))
    try:
        with pytest.raises(SettingsError, match="other revision"):
            score(job, other, Progress())
    finally:
        other.close()
    Path(f"{job.out}.run.json").unlink()
    with pytest.raises(SettingsError, match="nothing says how it was made"):
        score(job, engine, Progress())
    assert Path(job.out).read_bytes() == before


def test_retry_asks_only_the_broken_ones(
    job: Job, engine: Engine, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    count = PART_ROWS + 9
    folder = fill(tmp_path / "p", count, broken=(2, PART_ROWS + 3))
    job = changed(job, sources=Sources([str(folder)]))
    score(job, engine, Progress())
    broken = sorted(folder.rglob("*.jpg"))[2]
    broken.write_bytes(small_jpeg(2))

    assert score(job, engine, Progress()).scored == 0
    again = score(changed(job, retry=True), engine, Progress())
    assert again == Summary(count, 1, 2)
    mended = Path(job.out).read_bytes()
    whole = changed(job, out=str(tmp_path / "whole.csv"))
    score(whole, engine, Progress())
    assert Path(whole.out).read_bytes() == mended


def test_pictures_that_came_later_are_scored(job: Job, engine: Engine, tmp_path: Path) -> None:
    folder = fill(tmp_path / "p", PART_ROWS + 9)
    job = changed(job, sources=Sources([str(folder)]))
    score(job, engine, Progress())
    (folder / "b/zzz.jpg").write_bytes(small_jpeg(5))

    assert score(job, engine, Progress()).rows == PART_ROWS + 10
    whole = changed(job, out=str(tmp_path / "whole.csv"))
    score(whole, engine, Progress())
    assert Path(whole.out).read_bytes() == Path(job.out).read_bytes()


def test_what_got_nowhere_leaves_nothing_behind(job: Job, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing at"):
        score(changed(job, sources=Sources([str(tmp_path / "none")])), engine, Progress())
    assert list(tmp_path.iterdir()) == []
    begun = Path(f"{job.out}.parts")
    begun.mkdir()
    (begun / "identity.json").write_text('{"sources": ["of a run that was killed at once"]}')

    few = changed(job, sources=Sources([str(fill(tmp_path / "few", 5))]))
    assert score(few, engine, Progress()).rows == 5


def test_two_runs_do_not_write_one_table(job: Job, engine: Engine, tmp_path: Path) -> None:
    import fcntl

    parts = Path(f"{job.out}.parts")
    parts.mkdir()
    with (parts / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (parts / "identity.json").write_text(
            json.dumps(
                {
                    "schema": 1,
                    "model": engine.introduction.model.name,
                    "revision": engine.introduction.model.revision,
                    "sources": list(job.sources.named),
                    "options": [],
                }
            )
        )
        with pytest.raises(SettingsError, match="Another run"):
            score(job, engine, Progress())


def test_embeddings_maps_and_a_summary(
    tiny_weights: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from moodlens.model.predictor import Predictor
    from moodlens.pictures.reading import read_picture
    from moodlens.scoring.answering import map_path
    from moodlens.scoring.top import top_lines
    from moodlens.weights.pretrained import load_located

    folder = fill(tmp_path / "p", 6, broken=(4,))
    out = str(tmp_path / "t.jsonl")
    sources = Sources([str(folder)])
    job = Job(sources, out, tiny_weights, embeddings=True, maps=tmp_path / "maps")
    engine = Engine(tiny_weights, crew=Crew(1, 1), embeddings=True, maps=job.maps)
    try:
        score(job, engine, Progress())
        with pytest.raises(SettingsError, match="other options"):
            score(changed(job, embeddings=False), engine, Progress())
    finally:
        engine.close()
    rows = [json.loads(line) for line in Path(out).read_text().splitlines()]
    predictor: Predictor = load_located(tiny_weights.located)[0]
    picture = read_picture(small_jpeg(0), short_side=predictor.decode_side)
    (explained,) = predictor.explain([picture])

    assert rows[0]["embedding"] == pytest.approx(explained.features.tolist(), rel=1e-2, abs=1e-3)
    assert rows[4]["embedding"] is None
    for row in rows:
        if row["problem"] is None:
            assert map_path(tmp_path / "maps", row["sha256"]).read_bytes()[:2] == b"\xff\xd8"
    lines = list(top_lines(out, 2))
    assert sum(line.startswith("most") for line in lines) == 7
    most = max((row for row in rows if row["joy"]), key=lambda row: row["joy"])
    assert lines[lines.index("most joy") + 1].endswith(most["file"])


def test_strict_ends_at_the_first_problem(job: Job, fresh_engine: Engine) -> None:
    with pytest.raises(StrictError, match=r"003.jpg: This JPEG file is damaged"):
        score(changed(job, strict=True), fresh_engine, Progress())
    assert not Path(job.out).exists()
