"""From a file that is chosen to bars that are drawn, as a person has it, in Chromium.

``python -m tests.benchmarks.drop_to_answer``: the app and the plain Gradio page with the same
network, 30 pictures in turn, and where the time goes in each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright
from tqdm import tqdm

from tests.benchmarks.figures import Goal, Row, percentile, table
from tests.benchmarks.pictures import EXAMPLES
from tests.benchmarks.plain_page import both_pages
from tests.browser.conftest import launch
from tests.browser.site import new_context

PICTURES = 30
FIRST_ONES = 8
MOST = Goal(1.1)

STAGES = (
    ("upload", "chosen", "asked"),
    ("joining the queue", "asked", "queued"),
    ("waiting in the queue", "queued", "starts"),
    ("answer", "starts", "completed"),
    ("drawing", "completed", "drawn"),
)
_WATCH = Path(__file__).with_name("watch_answer.js")
_SIZE = (1280, 960)

Times = Mapping[str, float]


def main() -> int:
    """Print the tables; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.drop_to_answer")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    count = parser.parse_args().pictures
    load = os.getloadavg()[0]
    with both_pages() as pages, sync_playwright() as playwright:
        browser = launch(playwright)
        further = _further(browser, pages, count)
        first = _first(browser, pages, min(FIRST_ONES, count))
        browser.close()
    rows = [
        *_rows("", further["ours"], further["plain"], MOST),
        *_rows("first after a cold load, ", first["ours"], first["plain"]),
    ]
    print(f"{count} pictures, load before: {load:.1f}\n\n{table(rows)}")
    return any(row.verdict == "MISSED" for row in rows)


def _further(browser: Browser, pages: Mapping[str, str], count: int) -> dict[str, list[Times]]:
    """One picture after the other into the same page, both pages in turn; one more warms up."""
    opened = {name: _open(browser, url) for name, url in pages.items()}
    found: dict[str, list[Times]] = {name: [] for name in pages}
    for turn, picture in enumerate(tqdm(_pictures(count + 1), total=count + 1, desc="further")):
        for name, page in opened.items():
            if turn:
                page.get_by_label("Remove Image").first.click()
                page.wait_for_selector("#picture input[type=file]", state="attached")
                page.wait_for_timeout(700)  # what clearing sets off
            times = _answered(page, picture)
            if turn:
                found[name].append(times)
    for page in opened.values():
        page.context.close()
    return found


def _first(browser: Browser, pages: Mapping[str, str], count: int) -> dict[str, list[Times]]:
    """The first picture of a visitor who has never been there, and clicks to choose one."""
    found: dict[str, list[Times]] = {name: [] for name in pages}
    for picture in tqdm(_pictures(count), total=count, desc="first"):
        for name, url in pages.items():
            page = _open(browser, url)
            with page.expect_file_chooser():
                page.locator("#picture button").first.click()
            page.wait_for_timeout(2000)  # the dialog for files takes longer
            found[name].append(_answered(page, picture))
            page.context.close()
    return found


def _open(browser: Browser, url: str) -> Page:
    context = new_context(browser)
    context.add_init_script(path=_WATCH)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#picture input[type=file]", state="attached")
    page.wait_for_timeout(1500)
    return page


def _answered(page: Page, picture: bytes) -> Times:
    page.evaluate("watchAnswer()")
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture}
    page.set_input_files("#picture input[type=file]", file)
    page.wait_for_function("answerTimes.drawn")
    times: Times = page.evaluate("answerTimes")
    page.wait_for_timeout(400)
    return times


def _rows(
    kind: str, ours: Sequence[Times], plain: Sequence[Times], goal: Goal | None = None
) -> Iterator[Row]:
    whole = {"ours": _spans(ours, "chosen", "drawn"), "plain": _spans(plain, "chosen", "drawn")}
    for percent in (50, 95):
        mine, theirs = (percentile(whole[name], percent) for name in ("ours", "plain"))
        yield Row(f"{kind}file to bars, p{percent}", "ms", mine, theirs, goal)
    for stage, start, end in STAGES:
        mine, theirs = (statistics.median(_spans(t, start, end)) for t in (ours, plain))
        yield Row(f"{kind}of it {stage}", "ms", mine, theirs)


def _spans(times: Sequence[Times], start: str, end: str) -> list[float]:
    return [one[end] - one[start] for one in times]


def _pictures(count: int) -> Iterator[bytes]:
    """Photos of 1.2 megapixels, each another crop of an example, so that all answers differ."""
    random = np.random.default_rng(0)
    for number in range(count):
        photo = Image.open(EXAMPLES[number % len(EXAMPLES)]).convert("RGB")
        width, height = photo.size
        left, top = random.uniform(0, 0.3, 2) * photo.size
        crop = photo.crop((int(left), int(top), int(left + 0.7 * width), int(top + 0.7 * height)))
        file = BytesIO()
        ImageOps.fit(crop, _SIZE).save(file, "JPEG", quality=88)
        yield file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
