"""Faults of the world around the app, made for real."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

import moodlens
from moodlens.uploads import remove_older
from tests.running_app import RunningApp

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


def test_uploads_are_forgotten_although_the_clock_was_set_back(tmp_path: Path) -> None:
    """For files, a clock set back an hour is a clock that runs an hour behind them."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_bytes(b"x")
    program = (
        "import sys, time; from pathlib import Path; from moodlens.uploads import remove_older;"
        "real = time.time; time.time = lambda: real() - 3600;"
        "remove_older(Path(sys.argv[1]), 60.0)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=Path.cwd())
    assert not list(tmp_path.rglob("old"))

    (tmp_path / "new").write_bytes(b"x")
    remove_older(tmp_path, 60.0)
    assert (tmp_path / "new").exists()


def test_nothing_but_files_and_stamps_asks_the_clock_on_the_wall() -> None:
    """Whatever waits or measures uses a clock that nobody sets."""
    package = Path(moodlens.__file__).parent
    users = [
        p.name for p in package.rglob("*.py") if "time.time()" in p.read_text(encoding="utf-8")
    ]
    assert users == ["uploads.py"]
