"""For everyone: keyboards, screen readers, small screens, another language, slow starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page, expect

from moodlens.telling.headline import headline
from moodlens.telling.wording import wording
from tests.browser.site import (
    EXAMPLES,
    Site,
    as_prediction,
    bundled_emotions,
    bundled_figures,
    new_context,
    open_tab,
    upload,
    wait_for_answer,
)
from tests.support.running_app import RunningApp
from tests.support.tiny_checkpoint import make_checkpoint

ENGLISH, GERMAN = wording("en"), wording("de")
TABS = ("One picture", "Live", "Compare", "Many", "Agreement", "About")


def answered(page: Page, site: Site, name: str = "cat") -> dict:
    answer = site.predict((EXAMPLES / f"{name}.jpg").read_bytes())
    page.locator(f"[data-example={name}]").click()
    wait_for_answer(page, answer)
    return answer


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Browser, site: Site, theme: str) -> None:
    context = new_context(browser, color_scheme=theme)
    page = site.open(context)
    answered(page, site)
    found = []
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(500)
        violations = Axe().run(page).response["violations"]
        found += [
            (tab, violation["id"], node["html"][:160])
            for violation in violations
            if violation["impact"] in ("serious", "critical") or violation["id"] == "heading-order"
            for node in violation["nodes"]
        ]
    context.close()
    assert found == []
    assert site.troubles == []  # no script error, and no other host asked, on any tab


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_sideways_scrolling(browser: Browser, site: Site, width: int) -> None:
    context = new_context(browser, viewport={"width": width, "height": 844}, locale="de-DE")
    page = site.open(context)
    answered(page, site)
    for tab in ("tab", "live.tab", "compare.tab", "many.tab", "agreement.tab", "about.tab"):
        open_tab(page, GERMAN("picture.tab" if tab == "tab" else tab))
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (768, 1024), (1024, 768), (1440, 900)])
def test_the_layout_does_not_jump(browser: Browser, site: Site, width: int, height: int) -> None:
    """By Chromium's own measure, cumulative layout shift: good pages stay under 0.1 in all."""
    loads = []
    for _ in range(3):  # Gradio's parts arrive in another order now and then
        context = new_context(browser, viewport={"width": width, "height": height})
        context.add_init_script(
            """window.shifts = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) window.shifts += entry.value;
            }).observe({type: 'layout-shift', buffered: true});"""
        )
        page = site.open(context)
        while_loading = page.evaluate("window.shifts")
        loads.append(while_loading)
    upload(page, EXAMPLES / "cat.jpg")
    page.wait_for_selector("#heat .ml-heat")
    page.wait_for_timeout(300)

    assert max(loads) < 0.02
    assert page.evaluate("window.shifts") - while_loading < 0.02
    chip = page.locator("#headline .ml-dominant").bounding_box()
    assert chip
    assert chip["y"] + chip["height"] <= height  # the answer is on the first screen
    context.close()


def test_the_keyboard_is_enough(page: Page, site: Site) -> None:
    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached")

    answer = site.predict((EXAMPLES / "coffee.jpg").read_bytes())
    tab_to("[data-example=coffee]")
    page.keyboard.press("Enter")
    wait_for_answer(page, answer)
    tab_to("#order input")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        """() => {
            const {x} = document.querySelector('#bars .js-plotly-plot').data[0];
            return x.every((share, i) => i === 0 || share <= x[i - 1]);
        }"""
    )
    tab_to(".ml-choices input")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.checked")
    tab_to("#feedback [data-felt=joy]")
    page.keyboard.press("Space")
    expect(page.locator("#feedback")).to_contain_text("Thank you")


def test_charts_have_a_table_for_screen_readers(page: Page, site: Site) -> None:
    answer = answered(page, site)
    table = page.get_by_role("table", name=ENGLISH("chart.caption"))

    for name, share in answer["prediction"]["probability_distribution"].items():
        row = table.get_by_role("row", name=name.capitalize())
        expect(row).to_contain_text(ENGLISH.percent(share))


def test_german(browser: Browser, site: Site) -> None:
    context = new_context(browser, locale="de-DE")
    page = site.open(context)
    expect(page.locator(".ml-header p")).to_have_text(GERMAN("header.tagline"))
    answer = answered(page, site)

    expect(page.locator("#headline h2")).to_have_text(headline(as_prediction(answer), GERMAN))
    expect(page.locator("#ml-valence")).to_have_text(GERMAN.number(answer["prediction"]["valence"]))
    assert "," in page.locator("#ml-valence").inner_text()
    expect(page.get_by_role("tab", name=GERMAN("many.tab"), exact=True)).to_be_visible()
    context.close()


NAMES_ON_THE_PAGE = """() => {
    const names = ['aria-label', 'title', 'alt', 'data-title'];
    const marked = [...document.querySelectorAll(names.map((name) => `[${name}]`).join())];
    const buttons = [...document.querySelectorAll('gradio-app button')];
    return [...marked.flatMap((element) => names.map((name) => element.getAttribute(name))),
            ...buttons.map((button) => button.innerText.trim())]
        .filter((text) => /[a-z]{3}/i.test(text ?? ''));
}"""
SAME_IN_BOTH = {"Logo", "logo", "cat.jpg", "Live", "API", "JavaScript", "Python", "curl"}


def test_nothing_is_called_the_same_in_both_languages(browser: Browser, site: Site) -> None:
    """What Gradio's own parts are called must not stay English, nor be a key."""
    called = {}
    for words in (ENGLISH, GERMAN):
        context = new_context(browser, locale=words.language)
        page = site.open(context)
        called[words.language] = set(page.evaluate(NAMES_ON_THE_PAGE))
        answered(page, site)
        called[words.language] |= set(page.evaluate(NAMES_ON_THE_PAGE))
        open_tab(page, words("many.tab"))
        page.set_input_files("#many-files input[type=file]", EXAMPLES / "cat.jpg")
        page.wait_for_selector("#many-table")
        called[words.language] |= set(page.evaluate(NAMES_ON_THE_PAGE))
        context.close()

    assert len(called["en"]) > 30
    same = {name for name in called["en"] & called["de"] if "Plotly" not in name}
    assert same - SAME_IN_BOTH == set()


def test_problems_are_told_in_german(browser: Browser, site: Site) -> None:
    context = new_context(browser, locale="de-DE")
    page = site.open(context)
    broken: FilePayload = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7"}
    sentence = "Das ist ein PDF; MoodLens liest Bilder der Arten JPEG, PNG, WebP"
    upload(page, broken)
    expect(page.get_by_test_id("toast-body")).to_contain_text(sentence)

    open_tab(page, GERMAN("many.tab"))
    page.set_input_files("#many-files input[type=file]", [broken])
    expect(page.locator("#many-problems").get_by_text(sentence)).to_be_visible()
    context.close()


def test_about_shows_the_figures_of_the_loaded_checkpoint(page: Page, site: Site) -> None:
    model = site.predict((EXAMPLES / "cat.jpg").read_bytes())["model"]
    measured = bundled_figures()
    open_tab(page, "About")

    expect(page.locator("#model")).to_contain_text(model["name"])
    expect(page.locator("#model")).to_contain_text(model["revision"])
    page.wait_for_selector("#figures-bars .main-svg")
    drawn = page.evaluate(
        """Object.fromEntries(document.querySelector('#figures-bars .js-plotly-plot').data.map(
            (bars) => [bars.name, bars.x]))"""
    )
    assert drawn["this model"] == pytest.approx(
        [measured[name] for name in ("top1", "pearson", "kl")], abs=1e-4
    )
    assert "always the average answer" in drawn
    assert "another panel of 15 people" in drawn
    rows = page.locator("#ml-reliability tbody tr")
    for row, figures in zip(rows.all_inner_texts(), bundled_emotions().values(), strict=True):
        led, named, right = (int(cell) for cell in row.split()[1:4])
        assert led == figures["support"]
        assert right / led == pytest.approx(figures["recall"]["value"], abs=1e-4)
        assert right / named == pytest.approx(figures["precision"]["value"], abs=1e-4)
    expect(page.get_by_text("Mostly missed where they lead: anger and surprise")).to_be_visible()
    expect(page.get_by_text("What it is not for")).to_be_visible()


def test_the_page_is_up_before_the_weights_are(browser: Browser, tmp_path: Path) -> None:
    """The checkpoint's config is a pipe, so loading waits until this test feeds it."""
    folder = make_checkpoint(tmp_path / "checkpoint")
    config, kept = folder / "config.json", folder / "kept.json"
    config.rename(kept)
    os.mkfifo(config)
    with RunningApp(tmp_path, {"MOODLENS_CHECKPOINT": str(folder)}) as app:
        context = new_context(browser)
        page = Site(app).open(context)
        expect(page.locator("#status")).to_contain_text("waking up")
        upload(page, EXAMPLES / "cat.jpg")

        with config.open("wb") as pipe:  # the app reads at the other end already
            content = kept.read_bytes()
            kept.replace(config)
            pipe.write(content)
        page.wait_for_selector("#ml-shares", state="attached")
        expect(page.locator("#status .ml-notice")).to_have_count(0)
        wait_for_answer(page, app.predict((EXAMPLES / "cat.jpg").read_bytes()).json())
        context.close()


def test_other_weights_than_asked_for_are_a_notice(browser: Browser, tmp_path: Path) -> None:
    with RunningApp(tmp_path, {"MOODLENS_CHECKPOINT": str(tmp_path / "nothing")}) as app:
        app.wait_until_ready()
        context = new_context(browser)
        page = Site(app).open(context)
        expect(page.locator("#status .ml-notice")).to_contain_text("bundled checkpoint")
        context.close()

        context = new_context(browser, locale="de-DE")
        page = Site(app).open(context)
        said = GERMAN("status.notice", reason="").strip()
        expect(page.locator("#status .ml-notice")).to_contain_text(said)
        open_tab(page, GERMAN("about.tab"))
        expect(page.locator("#model .ml-notice")).to_contain_text(said)
        expect(page.locator("#model .ml-facts")).to_contain_text("Nur für die Forschung")
        context.close()
