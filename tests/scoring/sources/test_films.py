"""Films taken apart into the pictures of their seconds; strange files cost their own rows only."""

from __future__ import annotations

import csv
import http.server
import io
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from moodlens.errors import PictureError
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Engine
from moodlens.scoring.progress import Progress
from moodlens.scoring.run import Job, score
from moodlens.scoring.sources.films import MOST_FRAMES, FilmFrame
from moodlens.scoring.sources.listing import Sources
from moodlens.telling.table_schema import COLUMN_NAMES
from tests.browser.site import EXAMPLES
from tests.support.pictures_folder import small_jpeg
from tests.support.running_app import REPOSITORY

film = pytest.importorskip("tests.support.film", reason="films are written by PyAV")

SCENES = (("cat", 1.1), ("rocket", 1.2), ("retina", 1.0))


@pytest.fixture(scope="module", params=["webm", "mp4"])
def short_film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes in 3.3 seconds."""
    path: Path = tmp_path_factory.mktemp("film") / f"holiday.{request.param}"
    film.write_film(path, [(EXAMPLES / f"{name}.jpg", seconds) for name, seconds in SCENES])
    return path


def shown(frame: FilmFrame) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(frame.read(10**8))).convert("RGB"), dtype=float)


def test_each_second_shows_its_scene(short_film: Path) -> None:
    entries = list(Sources([str(short_film)], every=0.3).entries())
    seconds = [entry.seconds for entry in entries]
    assert seconds == pytest.approx([0.3 * number for number in range(11)])
    assert entries[4].file.endswith(f"{short_film.name}#t=1.2")

    photos = {
        name: np.asarray(
            ImageOps.fit(Image.open(EXAMPLES / f"{name}.jpg").convert("RGB"), film.SIZE)
        )
        for name, _ in SCENES
    }
    for entry in [*entries[5:], *entries[:5]]:  # a jump back on the way
        assert isinstance(entry.blob, FilmFrame)
        assert entry.seconds is not None
        picture = shown(entry.blob)
        nearest = min(photos, key=lambda name: np.abs(picture - photos[name]).mean())
        assert nearest == (
            "cat" if entry.seconds < 1.1 else "rocket" if entry.seconds < 2.3 else "retina"
        )
        assert np.abs(picture - photos[nearest]).mean() < 12


def test_a_film_that_was_held_upright_is_upright(tmp_path: Path) -> None:
    """Phones write what the sensor saw, and how far to turn it, clockwise here by a quarter."""
    path = film.write_film(tmp_path / "a.mp4", [(EXAMPLES / "cat.jpg", 0.3)])
    upright = shown(FilmFrame(str(path), 0.0))
    data, unit = bytearray(path.read_bytes()), 1 << 16
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, 0, unit, 0, -unit, 0, 0, 0, 0, 1 << 30)
    (tmp_path / "b.mp4").write_bytes(data)

    turned = shown(FilmFrame(str(tmp_path / "b.mp4"), 0.0))
    assert (turned == np.rot90(upright, -1)).all()


def test_a_table_has_the_seconds_and_goes_on_with_them(
    short_film: Path, engine: Engine, tiny_weights: Weights, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").write_bytes(small_jpeg(0))
    (tmp_path / f"in/{short_film.name}").write_bytes(short_film.read_bytes())
    job = Job(Sources([str(tmp_path / "in")], every=1.0), str(tmp_path / "t.csv"), tiny_weights)

    summary = score(job, engine, Progress())
    assert (summary.rows, summary.problems, summary.scored) == (5, 0, 5)
    table = list(csv.DictReader((tmp_path / "t.csv").read_text("utf-8-sig").splitlines()))
    assert list(table[0]) == ["file", "seconds", "new_shot", *COLUMN_NAMES[1:]]
    assert [row["seconds"] for row in table] == ["", "0.0", "1.0", "2.0", "3.0"]
    assert [row["new_shot"] for row in table] == ["", "1", "0", "1", "1"]
    assert len({row["sha256"] for row in table}) >= 4  # only the cat may be the same twice
    assert score(job, engine, Progress()).scored == 0
    left_out = Job(Sources([str(tmp_path / "in")]), str(tmp_path / "u.csv"), tiny_weights)
    assert score(left_out, engine, Progress()).rows == 1


def lengthened(webm: bytes, seconds: float) -> bytes:
    """A film whose header says that it is longer."""
    start = webm.index(b"\x44\x89\x88") + 3
    return webm[:start] + struct.pack(">d", 1000 * seconds) + webm[start + 8 :]


def test_strange_films_cost_their_own_rows(
    engine: Engine, tiny_weights: Weights, tmp_path: Path
) -> None:
    asked: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = http.server.HTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "films"
    folder.mkdir()
    good = film.write_film(folder / "good.mp4", [(EXAMPLES / "cat.jpg", 2)]).read_bytes()
    address = f"http://127.0.0.1:{server.server_port}/a.ts"
    (folder / "1.mp4").write_bytes(b"no film")
    (folder / "2.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n")
    (folder / "3.mkv").write_text(f"ffconcat version 1.0\nfile {folder}/good.mp4\n")
    (folder / "4.mp4").write_bytes(good[: len(good) // 2])
    webm = film.write_film(folder / "5.webm", [(EXAMPLES / "cat.jpg", 2)]).read_bytes()
    (folder / "5.webm").write_bytes(lengthened(webm, 60))
    (folder / "6.webm").write_bytes(lengthened(webm, MOST_FRAMES + 1))

    out = tmp_path / "t.csv"
    score(Job(Sources([str(folder)], every=1.0), str(out), tiny_weights), engine, Progress())
    server.shutdown()
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    problems = {row["file"]: row["problem"] for row in rows}
    assert asked == []
    for name in ("1.mp4", "2.mp4", "3.mkv", "4.mp4"):
        assert "damaged, or of a kind" in problems[name]
    assert problems["5.webm#t=1"] == ""
    assert problems["5.webm#t=50"] == "This film ends before."
    assert f"more than {MOST_FRAMES:,} pictures" in problems["6.webm"]
    assert [problems[f"good.mp4#t={second}"] for second in (0, 1)] == ["", ""]


def test_what_kills_a_process_costs_that_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film.write_film(tmp_path / "a.mp4", [(EXAMPLES / "cat.jpg", 1)])
    (tmp_path / "av").mkdir()
    (tmp_path / "av/__init__.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    (entry,) = Sources([str(path)], every=1.0).entries()
    assert "ended the process" in entry.problem


def test_films_are_asked_for(tmp_path: Path) -> None:
    path = film.write_film(tmp_path / "a.mp4", [(EXAMPLES / "cat.jpg", 1)])
    (entry,) = Sources([str(path)]).entries()
    assert "--every 0.5" in entry.problem
    with pytest.raises(PictureError, match="not a file"):
        FilmFrame(str(tmp_path / "none.mp4"), 0.0).read(10)


def test_the_command_says_what_it_takes() -> None:
    command = [sys.executable, "-m", "moodlens", "score", "a.mp4", "--out", "t.csv", "--every", "0"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 2
    assert "from 0.02 to 3600" in done.stderr
