"""Faults of the world around the app, made for real."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import moodlens
from moodlens.serving import uploads
from moodlens.serving.uploads import DiskRoom, Remains
from tests.support.running_app import REPOSITORY, RunningApp

CAT = (Path(moodlens.__file__).parent / "examples" / "cat.jpg").read_bytes()
_MOST_SECONDS_TO_END = 10.0


def test_sigterm_under_load_answers_what_has_begun(tmp_path: Path) -> None:
    begun = threading.Barrier(9)

    def ask(app: RunningApp) -> httpx.Response:
        begun.wait()
        return app.predict(CAT)

    with RunningApp(tmp_path) as app, ThreadPoolExecutor(8) as pool:
        app.wait_until_ready()
        answers = [pool.submit(ask, app) for _ in range(8)]
        begun.wait()
        deadline = time.monotonic() + 20
        while "request" not in app.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.005)  # until the first answer is out, and seven are on their way
        start = time.monotonic()
        assert app.stop() == 0
        assert time.monotonic() - start < _MOST_SECONDS_TO_END
        statuses = [answer.result().status_code for answer in answers]

    assert statuses == [200] * 8
    assert "Traceback" not in app.log.read_text()


def test_a_home_that_cannot_be_written_to(tmp_path: Path) -> None:
    """Neither Gradio's nor the Hub's nor our own files need a home."""
    read_only = {"HOME": "/proc/self/fd", "XDG_CACHE_HOME": "", "HF_HOME": "/proc/self/fd/hf"}
    with RunningApp(tmp_path, read_only) as app:
        app.wait_until_ready()
        assert app.predict(CAT).status_code == 200
        assert httpx.get(app.url).status_code == 200


def test_a_clock_that_is_set_back_while_the_app_runs(tmp_path: Path) -> None:
    """Answers go on, and what was uploaded before and after is forgotten all the same."""
    set_back = tmp_path / "set-back"
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(
        "import os, time\n"
        "now = time.time\n"
        f"time.time = lambda: now() - 86400 * os.path.exists({str(set_back)!r})\n"
    )
    settings = {
        "MOODLENS_KEEP_UPLOADS_SECONDS": "3",
        "PYTHONPATH": os.pathsep.join([str(clock), str(REPOSITORY)]),
    }
    with RunningApp(tmp_path, settings) as app:
        app.wait_until_ready()
        upload(app, CAT)
        set_back.touch()
        upload(app, CAT + b"another")  # Gradio keeps equal files once
        unknown_to_gradio = files_of(app)[0].parent.parent / "half-a-file"
        unknown_to_gradio.write_bytes(b"x")
        assert len(files_of(app)) == 3
        before = app.predict(CAT)
        deadline = time.monotonic() + 20
        while files_of(app) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not files_of(app)
        assert app.predict(CAT).json() == before.json()
        assert before.status_code == 200
        assert app.stop() == 0
    assert "Traceback" not in app.log.read_text()


def upload(app: RunningApp, data: bytes) -> None:
    sent = {"files": ("cat.jpg", data)}
    assert httpx.post(f"{app.url}/gradio_api/upload", files=sent).status_code == 200


def files_of(app: RunningApp) -> list[Path]:
    return [path for path in (app.folder / "uploads").rglob("*") if path.is_file()]


def test_what_changes_stays_and_what_does_not_goes(tmp_path: Path) -> None:
    remains = Remains(tmp_path, 0.5)
    (tmp_path / "folder").mkdir()
    still, written = tmp_path / "folder" / "still", tmp_path / "written"
    still.write_bytes(b"x")
    for _ in range(8):
        written.write_bytes(b"x")
        os.utime(still.parent, (0, 0))  # a folder is as young as its last change, too
        remains.look(1000)
        time.sleep(0.1)
    assert written.exists()
    assert not still.exists()
    assert still.parent.exists()

    time.sleep(0.6)
    remains.look(1000)
    assert not list(tmp_path.iterdir())


def test_uploads_outlive_a_clock_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what came before nor what comes after is taken for old."""
    real = time.time
    remains = Remains(tmp_path, 60.0)
    (tmp_path / "before").write_bytes(b"x")
    remains.look(1000)
    for hours in (-24, 24):
        monkeypatch.setattr(time, "time", lambda hours=hours: real() + 3600 * hours)
        (tmp_path / f"after{hours}").write_bytes(b"x")
        remains.look(1000)
    assert {path.name for path in tmp_path.iterdir()} == {"before", "after-24", "after24"}


def test_uploads_are_forgotten_although_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For files, a clock set back an hour is a clock that runs an hour behind them."""
    remains = Remains(tmp_path, 0.3)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_bytes(b"x")
    remains.look(1000)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    time.sleep(0.4)
    (tmp_path / "new").write_bytes(b"x")
    remains.look(1000)
    assert not list(tmp_path.rglob("old"))
    assert (tmp_path / "new").exists()


def test_the_oldest_make_room_but_none_that_has_just_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_IN_USE_SECONDS", 0.15)
    room, remains = DiskRoom(1000), Remains(tmp_path, 60.0)
    for name in ("oldest", "old", "new"):
        (tmp_path / name).write_bytes(bytes(300))
        assert room.take(300)
        room.give_back(300)
        room.look(remains)
        time.sleep(0.1)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "new"}
    assert room.crowded.is_set()  # since the third came
    assert room.take(400)
    assert not room.take(1)


def test_what_is_under_way_counts_whether_or_not_a_look_sees_it(tmp_path: Path) -> None:
    """A file that is moved from one folder to the next while they are read is in neither."""
    room, remains = DiskRoom(1000), Remains(tmp_path, 60.0)
    assert room.take(600)
    room.look(remains)  # which finds nothing
    assert not room.take(600)
    room.give_back(600)
    assert not room.take(600)
    room.look(remains)
    assert room.take(600)


def test_nothing_asks_the_clock_on_the_wall() -> None:
    """Whatever waits or measures uses a clock that nobody sets."""
    package = Path(moodlens.__file__).parent
    users = [
        p.name for p in package.rglob("*.py") if "time.time()" in p.read_text(encoding="utf-8")
    ]
    assert users == []
