"""What a film of ten minutes costs a browser: ``python -m tests.benchmarks.film_memory``.

Chromium samples a film that is written here, is paused on the way and goes on, and then begins it
once more and stops. Printed are JavaScript's heap after its garbage is collected, and the resident
memory of the page's process and of the browser's own, where what scripts hold as files lies.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

from tests.benchmarks.pictures import EXAMPLES
from tests.browser.conftest import launch
from tests.browser.site import Site, new_context, open_tab
from tests.support.film import write_film
from tests.support.running_app import RunningApp

SCENE = 20.0
LOOKS = 10
PAUSE_SECONDS = 10.0
_MEGA = 1e6


class Memory(NamedTuple):
    """Megabytes."""

    heap: float
    page: float
    browser: float

    def __str__(self) -> str:
        return " | ".join(f"{part:.0f}" for part in self)


class Watch:
    """Looks at the memory of a page and of its browser.

    Args:
        page: opened in a Chromium that this process has started.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("HeapProfiler.enable")
        chromium = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
        found = chromium.send("SystemInfo.getProcessInfo")["processInfo"]
        self._own = next(psutil.Process(p["id"]) for p in found if p["type"] == "browser")
        renderers = [psutil.Process(p["id"]) for p in found if p["type"] == "renderer"]
        self._renderer = max(renderers, key=lambda process: process.memory_info().rss)

    def look(self) -> Memory:
        self._session.send("HeapProfiler.collectGarbage")
        heap = self._session.send("Runtime.getHeapUsage")["usedSize"]
        sizes = [heap, self._renderer.memory_info().rss, self._own.memory_info().rss]
        return Memory(*(size / _MEGA for size in sizes))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.film_memory")
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        scenes = [(EXAMPLES[n % len(EXAMPLES)], SCENE) for n in range(round(seconds / SCENE))]
        film = write_film(Path(name) / "film.webm", scenes)
        with RunningApp(Path(name)) as app, sync_playwright() as playwright:
            app.wait_until_ready()
            browser = launch(playwright)
            page = Site(app).open(new_context(browser))
            open_tab(page, "Live")
            for line in _run(page, film, seconds):
                print(line)
            browser.close()
    return 0


def _run(page: Page, film: Path, seconds: float) -> list[str]:
    watch = Watch(page)
    lines = ["| | samples | heap | page | browser |", "|---|---|---|---|---|"]

    def note(moment: str) -> None:
        lines.append(f"| {moment} | {_samples(page)} | {watch.look()} |")

    note("before")
    began = time.monotonic()
    page.set_input_files("[data-film-file]", film)
    for number in tqdm(range(1, LOOKS), desc="tenths of the film"):
        _wait_for_second(page, number * seconds / LOOKS)
        note(f"minute {number * seconds / LOOKS / 60:g}")
        if number == LOOKS // 2:
            page.locator("[data-film-pause]").click()
            page.wait_for_timeout(1000 * PAUSE_SECONDS)
            note(f"paused for {PAUSE_SECONDS:g} s")
            page.locator("[data-film-pause]").click()
    page.wait_for_selector(".ml-film[data-state=over]", timeout=600_000)
    took = time.monotonic() - began - PAUSE_SECONDS
    note(f"over, after {took:.0f} s")
    page.set_input_files("[data-film-file]", film)
    _wait_for_second(page, seconds / LOOKS)
    page.locator("[data-film-stop]").click()
    page.wait_for_selector(".ml-film[data-state=over]")
    note(f"begun again, stopped at minute {seconds / LOOKS / 60:g}")
    return lines


def _samples(page: Page) -> int:
    return int(page.locator(".ml-film").get_attribute("data-samples") or 0)


def _wait_for_second(page: Page, second: float) -> None:
    page.wait_for_function(
        """(second) => {
            const moments = document.querySelectorAll('[data-film-strip] button');
            return Number([...moments].at(-1)?.dataset.seconds ?? -1) >= second
                || document.querySelector('.ml-film').dataset.state === 'over';
        }""",
        arg=second - SCENE,  # not every sample has a thumbnail
        timeout=600_000,
    )


if __name__ == "__main__":
    sys.exit(main())
