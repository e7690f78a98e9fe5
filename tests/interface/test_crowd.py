"""More jobs at once than the queue holds: who is refused is told to come back, and is answered."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image

import moodlens
from tests.support.page_queue import HTTP
from tests.support.running_app import REPOSITORY, RunningApp
from tests.support.tiny_checkpoint import make_checkpoint

CAT = Path(moodlens.__file__).parent / "examples" / "cat.jpg"
CROWD = 200


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("crowded")
    settings = {
        "MOODLENS_CHECKPOINT": str(make_checkpoint(folder / "tiny")),
        "MOODLENS_MAX_QUEUE": "1",
    }
    with RunningApp(folder, settings) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def slow(crowded: RunningApp) -> dict[str, list[str]]:
    """A question that takes so long that others pile up behind it."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((5000, 4000)).save(file, "PNG", compress_level=1)
    files = {"files": ("large.png", file.getvalue())}
    (path,) = HTTP.post(f"{crowded.url}/gradio_api/upload", files=files).json()
    return {"data": [path]}


def readme_example(url: str) -> str:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n([^`]*gradio_client[^`]*)```", readme)
    return example.replace("http://127.0.0.1:7860", url)


def test_who_is_refused_is_told_when_to_come_back(
    crowded: RunningApp, slow: dict[str, list[str]]
) -> None:
    def join(_: int) -> httpx.Response:
        return HTTP.post(f"{crowded.url}/gradio_api/call/predict", json=slow)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(join, range(CROWD)))

    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused, "the queue took them all"
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"].startswith("MoodLens is busy with other pictures; please try")
    taken = next(answer for answer in answers if answer.status_code == 200)
    event = f"{crowded.url}/gradio_api/call/predict/{taken.json()['event_id']}"
    assert "probability_distribution" in HTTP.get(event).text


def test_the_example_in_the_readme_comes_back(
    crowded: RunningApp, slow: dict[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(CAT.read_bytes())
    ending = time.monotonic() + 6

    def crowd(_: int) -> None:
        while time.monotonic() < ending:
            HTTP.post(f"{crowded.url}/gradio_api/call/predict", json=slow)

    with ThreadPoolExecutor(8) as pool:
        crowds = [pool.submit(crowd, number) for number in range(8)]
        done = subprocess.run(
            [sys.executable, "-c", readme_example(crowded.url)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for one in crowds:
            one.result()

    assert done.returncode == 0, done.stderr
    assert "{'anger': " in done.stdout
