"""A Gradio page as one writes it first: an Image, a Button, a Plot; ``... plain_page PORT``.

The same Gradio, and behind it the same network, so that what remains is the page.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.running_app import REPOSITORY, RunningApp, free_port

_UP_WITHIN = 90.0


@contextmanager
def both_pages() -> Iterator[dict[str, str]]:
    """The addresses of the app, ``ours``, and of the plain page, ``plain``; both are ready."""
    with tempfile.TemporaryDirectory() as name, RunningApp(Path(name)) as app:
        app.wait_until_ready()
        with plain_page(Path(name)) as plain:
            yield {"ours": app.url, "plain": plain}


@contextmanager
def plain_page(folder: Path) -> Iterator[str]:
    """The page in a process of its own; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.benchmarks.plain_page", str(port)]
    with (folder / "plain.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def serve(port: int) -> None:
    """Serve it until the process is ended."""
    import gradio as gr

    from moodlens.telling.charts import share_chart
    from moodlens.telling.wording import wording
    from moodlens.weights.pretrained import from_pretrained

    predictor = from_pretrained()

    def predict(picture: Any) -> Any:
        prediction = predictor.predict([picture])[0]
        return share_chart(prediction.distribution, wording("en"))

    with gr.Blocks(analytics_enabled=False, title="Plain") as page:
        picture = gr.Image(type="pil", elem_id="picture")
        gr.Button("Predict").click(predict, picture, plot := gr.Plot(elem_id="bars"))
        picture.upload(predict, picture, plot)
    page.launch(server_port=port, ssr_mode=False, quiet=True)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _UP_WITHIN
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError(f"{url} did not come up")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
