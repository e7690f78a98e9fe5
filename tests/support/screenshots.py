"""Pictures of the page at four widths, light and dark: ``make screenshots``, then look at them.

They go to ``screenshots/``, and those that the README shows to ``.github/screenshots/``. Only
photos from ``moodlens/examples/`` are on them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

from tests.browser.conftest import launch
from tests.browser.site import EXAMPLES, Site, new_context, open_tab, upload
from tests.support.film import write_film
from tests.support.running_app import REPOSITORY, RunningApp

SIZES = ((390, 844), (768, 1024), (1024, 768), (1440, 900))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
IN_README = ("picture-1440-light", "first-390-dark", "compare-1440-dark", "film-1440-light")

_ALL = REPOSITORY / "screenshots"
_SHOWN = REPOSITORY / ".github" / "screenshots"


def main() -> None:
    """Start the app, photograph it, and copy what the README shows."""
    _ALL.mkdir(exist_ok=True)
    _SHOWN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, RunningApp(Path(folder)) as app:
        app.wait_until_ready()
        names = ("cat", "rocket", "coffee", "hubble_deep_field", "retina")
        film = write_film(Path(folder) / "film.webm", [(EXAMPLES / f"{n}.jpg", 1) for n in names])
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for size in tqdm(SIZES, desc="screenshots"):
                for scheme in SCHEMES:
                    photograph(browser, Site(app), size, scheme, film)
            browser.close()
    for name in IN_README:
        shutil.copy(_ALL / f"{name}.png", _SHOWN)


def photograph(
    browser: Browser,
    site: Site,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    film: Path,
) -> None:
    """Each tab with an answer on it, in full height; among many pictures one is none.

    Besides, what the first tab shows without scrolling.
    """
    width, height = size
    context = new_context(browser, viewport={"width": width, "height": height}, color_scheme=scheme)
    page = site.open(context)
    page.click("[data-example=cat]")
    page.wait_for_selector("#heat .ml-heat")
    page.wait_for_timeout(1000)  # until the bars have come to rest
    page.screenshot(path=_ALL / f"first-{width}-{scheme}.png")
    page.screenshot(path=_ALL / f"picture-{width}-{scheme}.png", full_page=True)
    open_tab(page, "Compare")
    for side, example in (("left", "cat"), ("right", "rocket")):
        upload(page, EXAMPLES / f"{example}.jpg", f"#compare-{side}")
        page.wait_for_selector(f"#compare-{side}-answer b")
    page.wait_for_selector("#compare-bars .main-svg")
    page.wait_for_timeout(1000)
    page.screenshot(path=_ALL / f"compare-{width}-{scheme}.png", full_page=True)
    open_tab(page, "Many")
    page.set_input_files("#many-files input[type=file]", [*sorted(EXAMPLES.glob("*.jpg")), film])
    page.wait_for_selector("#many-table")
    page.screenshot(path=_ALL / f"many-{width}-{scheme}.png", full_page=True)
    open_tab(page, "Live")
    page.set_input_files("[data-film-file]", film)
    page.wait_for_selector(".ml-film[data-state=over]", timeout=300_000)
    page.locator("[data-film-strip] button").nth(5).click()
    page.wait_for_timeout(1000)
    page.screenshot(path=_ALL / f"film-{width}-{scheme}.png", full_page=True)
    open_tab(page, "About")
    page.wait_for_selector("#figures-bars .main-svg")
    page.wait_for_timeout(1000)
    page.screenshot(path=_ALL / f"about-{width}-{scheme}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
