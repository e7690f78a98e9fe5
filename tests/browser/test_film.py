"""A film's feelings, for a film whose scenes are known."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, FileChooser, FilePayload, Page, Route, expect

from moodlens.emotions import EMOTIONS
from moodlens.telling.table_schema import page_columns
from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, Site, new_context, open_tab

film = pytest.importorskip("tests.support.film", reason="films are written by PyAV")

ENGLISH, GERMAN = wording("en"), wording("de")
SCENES = (("cat", 1.1), ("rocket", 1.2), ("retina", 1.0))
TURNS = (1.1, 2.3)
OVER = ".ml-film[data-state=over]"


@pytest.fixture(scope="module")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes in 3.3 seconds."""
    path: Path = tmp_path_factory.mktemp("film") / "=holiday.webm"
    film.write_film(path, [(EXAMPLES / f"{name}.jpg", seconds) for name, seconds in SCENES])
    return path


def choose(page: Page, file: Path | FilePayload) -> None:
    page.set_input_files("[data-film-file]", file)


def downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.locator(button).click()
    return Path(waiting.value.path()).read_bytes()


def point(page: Page, x: float, y: float) -> None:
    """Move the mouse there as a hand does; Plotly looks at one move in 50 ms."""
    page.mouse.move(x + 40, y)
    page.wait_for_timeout(200)
    page.mouse.move(x, y, steps=5)
    page.wait_for_timeout(200)


def in_scene(page: Page, begin: float, end: float) -> None:
    """Wait until the player stands between two seconds."""
    page.wait_for_function(
        """([begin, end]) => {
            const {currentTime} = document.querySelector('[data-film-player]');
            return begin <= currentTime && currentTime < end;
        }""",
        arg=[begin, end],
    )


def test_the_turns_of_a_film_are_found(page: Page, site: Site, short_film: Path) -> None:
    open_tab(page, "Live")
    choose(page, short_film)
    page.wait_for_selector(OVER, timeout=120_000)
    table = pd.read_csv(io.BytesIO(downloaded(page, "[data-film-csv]")), encoding="utf-8-sig")
    expect(page.locator("[data-film-message]")).to_have_text(ENGLISH("film.done", count=len(table)))

    # The table of `moodlens score`, but for the hashes.
    assert tuple(table.columns) == page_columns(films=True)
    assert table["file"][0] == "'=holiday.webm#t=0"
    assert table["problem"].isna().all()

    # Shots are found to a twentieth of a second, and are the moments of the greatest change.
    assert list(table["seconds"][table["new_shot"] == 1]) == pytest.approx([0, *TURNS], abs=0.1)
    moments = page.locator("[data-film-moments] button")
    shown = [float(m.get_attribute("data-seconds") or -1) for m in moments.all()]
    assert shown == pytest.approx(TURNS, abs=0.1)

    # Each scene gets the shares of its photo.
    begins = 0.0
    for name, seconds in SCENES:
        scene = table[table["seconds"].between(begins, begins + seconds - 0.11)]
        begins += seconds
        with Image.open(EXAMPLES / f"{name}.jpg") as photo:
            file = io.BytesIO()
            ImageOps.fit(photo.convert("RGB"), film.SIZE).save(file, "JPEG")
        shares = site.predict(file.getvalue())["prediction"]["probability_distribution"]
        assert len(scene) >= 4
        for emotion in EMOTIONS:
            assert scene[emotion].mean() == pytest.approx(shares[emotion], abs=0.06)
    assert table["revision"].nunique() == 1

    # The chart holds them all, raw on demand; a thumbnail takes the film there, by keyboard too.
    page.get_by_label("smoothed").uncheck()
    page.wait_for_function(
        """(joy) => {
            const chart = document.querySelector('[data-film-chart]');
            const drawn = chart.data.find((trace) => trace.name === 'Joy');
            return drawn.y.every((share, i) => Math.abs(share - joy[i]) < 1e-6);
        }""",
        arg=list(table["joy"]),
    )
    last = page.locator("[data-film-strip] button").last
    last.focus()
    page.keyboard.press("Enter")
    at = float(last.get_attribute("data-seconds") or -1)
    page.wait_for_function(
        "(at) => Math.abs(document.querySelector('[data-film-player]').currentTime - at) < 0.05",
        arg=at,
    )
    expect(page.locator("[data-film-moment]")).to_contain_text("%")

    # So does pointing at the chart. While the film plays, only a click does.
    page.locator("[data-film-chart]").scroll_into_view_if_needed()
    box = page.locator("[data-film-chart] .nsewdrag").first.bounding_box()
    assert box
    height = box["y"] + box["height"] / 2
    point(page, box["x"] + 0.1 * box["width"], height)
    in_scene(page, 0, TURNS[0])
    page.locator("[data-film-player]").evaluate(
        "(player) => { player.playbackRate = 0.0625; return player.play(); }"
    )
    point(page, box["x"] + 0.5 * box["width"], height)
    in_scene(page, 0, TURNS[0])
    page.mouse.click(box["x"] + 0.5 * box["width"], height)
    in_scene(page, *TURNS)
    page.locator("[data-film-player]").evaluate("(player) => player.pause()")

    with Image.open(io.BytesIO(downloaded(page, "[data-film-card]"))) as card:
        assert card.size == (1200, 630)


COUNT_QUESTIONS = """() => {
    const ask = window.fetch;
    let underWay = 0;
    window.mostQuestions = 0;
    window.fetch = async (...call) => {
        if (!String(call[0].url ?? call[0]).endsWith("/predict")) return ask(...call);
        underWay += 1;
        window.mostQuestions = Math.max(window.mostQuestions, underWay);
        // Else an answer could be here before the next frame is.
        await new Promise((done) => setTimeout(done, 300));
        try { return await ask(...call); } finally { underWay -= 1; }
    };
}"""


def test_busy_answers_are_waited_for_and_two_are_under_way_at_most(
    page: Page, short_film: Path
) -> None:
    asked = 0

    def sometimes_busy(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked in {1, 4}:
            route.fulfill(status=503, headers={"retry-after": "1"}, json={"status": "error"})
        else:
            route.continue_()

    page.evaluate(COUNT_QUESTIONS)
    page.route("**/predict", sometimes_busy)
    open_tab(page, "Live")
    choose(page, short_film)
    page.wait_for_selector(OVER, timeout=120_000)

    assert page.evaluate("window.mostQuestions") == 2
    assert page.locator(".ml-film").get_attribute("data-samples") == str(asked - 2)


def test_what_is_told_as_none_is_no_strong_moment(page: Page, tmp_path: Path) -> None:
    still = film.write_film(tmp_path / "still.webm", [(EXAMPLES / "cat.jpg", 3)])
    open_tab(page, "Live")
    choose(page, still)
    page.wait_for_selector(OVER, timeout=120_000)
    expect(page.locator("[data-film-moments] button")).to_have_count(0)
    page.locator("[data-film-by]").select_option("joy")
    expect(page.locator("[data-film-moments] button").first).to_contain_text("%")


@pytest.mark.parametrize("goes_on", [True, False])
def test_pause_go_on_and_stop(page: Page, tmp_path: Path, goes_on: bool) -> None:
    long_film = film.write_film(tmp_path / "long.webm", [(EXAMPLES / "cat.jpg", 28)])
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/predict") else None)
    open_tab(page, "Live")
    choose(page, long_film)
    root = page.locator(".ml-film")
    pause, stop = page.locator("[data-film-pause]"), page.locator("[data-film-stop]")
    expect(root).to_have_attribute("data-state", "running")
    pause.click()
    expect(pause).to_have_text(ENGLISH("film.go_on"))
    expect(root).to_have_attribute("data-state", "paused")
    deadline = time.monotonic() + 60
    while asked and time.monotonic() < deadline:  # what was under way
        asked.clear()
        page.wait_for_timeout(2500)
    assert asked == []
    if goes_on:
        pause.click()
        expect(root).to_have_attribute("data-state", "running")
    stop.click()
    expect(page.locator("[data-film-message]")).to_have_text(ENGLISH("film.stopped"))
    expect(root).to_have_attribute("data-state", "over")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_film_is_chosen_by_keyboard(page: Page, key: str) -> None:
    asked: list[FileChooser] = []

    def note(chooser: FileChooser) -> None:
        asked.append(chooser)

    page.on("filechooser", note)  # early, because Playwright takes a moment to listen
    open_tab(page, "Live")
    page.wait_for_selector("[data-film-file]", state="attached")
    page.focus("[data-film-file]")
    page.keyboard.press(key)
    page.wait_for_timeout(1000)
    assert len(asked) == 1


def test_a_file_that_is_no_film_is_a_sentence(page: Page) -> None:
    open_tab(page, "Live")
    choose(page, {"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"no film"})
    expect(page.locator("[data-film-message]")).to_have_text(ENGLISH("film.unplayable"))
    expect(page.locator("[data-film-csv]")).to_be_disabled()


def test_a_phone_in_german(browser: Browser, site: Site, short_film: Path) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, locale="de-DE")
    page = site.open(context)
    open_tab(page, GERMAN("live.tab"))
    choose(page, short_film)
    page.wait_for_selector(OVER, timeout=120_000)

    expect(page.locator("[data-film-message]")).to_contain_text("Fertig")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('[data-film-chart]').data[3].name") == "Freude"
    assert site.troubles == []
    context.close()
