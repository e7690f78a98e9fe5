"""A real Chromium with a fake camera, and one MoodLens for all browser tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.site import ARGUMENTS, PATIENCE_MS, Site, new_context
from tests.support.running_app import RunningApp


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app as it is, with the page about agreement switched on."""
    folder = tmp_path_factory.mktemp("site")
    with RunningApp(folder, {"MOODLENS_SHOW_AGREEMENT": "yes"}) as running:
        running.wait_until_ready()
        yield Site(running)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def camera_picture() -> Image.Image:
    """What the fake camera sees: red on its left, blue on its right, so mirroring would show."""
    picture = Image.new("RGB", (640, 480), "#D02020")
    picture.paste("#2020D0", (320, 0, 640, 480))
    return picture


@pytest.fixture(scope="session")
def browser(
    playwright: Playwright,
    tmp_path_factory: pytest.TempPathFactory,
    camera_picture: Image.Image,
) -> Iterator[Browser]:
    """Chromium whose camera is granted and plays a generated video."""
    video = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_y4m(video, camera_picture)
    running = launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )
    yield running
    running.close()


@pytest.fixture
def browser_with_camera_refused(playwright: Playwright) -> Iterator[Browser]:
    """Chromium with a camera, where nobody answers the question for it."""
    running = launch(playwright, "--use-fake-device-for-media-stream")
    yield running
    running.close()


@pytest.fixture
def browser_with_camera_absent(playwright: Playwright) -> Iterator[Browser]:
    """Chromium on a machine without any camera."""
    running = launch(playwright)
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An English browser in light mode, 1440 pixels wide."""
    made = new_context(browser, permissions=["camera", "clipboard-read", "clipboard-write"])
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """The page, opened; afterwards nothing must have gone wrong in it or left the machine."""
    opened = site.open(context)
    yield opened
    assert site.troubles == []


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """An installed Chromium, else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    return playwright.chromium.launch(
        executable_path=path, args=[*ARGUMENTS, *arguments], timeout=120_000
    )


def write_y4m(path: Path, picture: Image.Image, frames: int = 10) -> None:
    """A still video in the format that Chromium's fake camera reads."""
    y, u, v = (np.asarray(channel) for channel in picture.convert("YCbCr").split())
    planes = y.tobytes() + u[::2, ::2].tobytes() + v[::2, ::2].tobytes()
    header = f"YUV4MPEG2 W{picture.width} H{picture.height} F10:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header.encode() + frames * (b"FRAME\n" + planes))
