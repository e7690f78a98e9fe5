"""The camera: refused, absent, and live."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from moodlens.emotions import EMOTIONS
from moodlens.telling.wording import wording
from tests.browser.site import Site, new_context, open_tab

ENGLISH = wording("en")


@pytest.mark.parametrize("reason", ["refused", "absent"])
def test_why_the_camera_does_not_come(
    site: Site, reason: str, request: pytest.FixtureRequest
) -> None:
    browser: Browser = request.getfixturevalue(f"browser_with_camera_{reason}")
    context = new_context(browser, permissions=["camera"] if reason == "absent" else [])
    page = site.open(context)
    page.locator("#picture").get_by_label("Capture from camera").click()
    page.locator("#picture").get_by_text("Click to Access Webcam").click()
    expect(page.locator("#camera [role=alert]")).to_have_text(ENGLISH(f"picture.camera_{reason}"))

    open_tab(page, "Live")
    page.locator("[data-start]").click()
    expect(page.locator("[data-message]")).to_have_text(ENGLISH(f"live.{reason}"))
    expect(page.locator("[data-start]")).to_be_enabled()
    context.close()


def start_live(page: Page) -> None:
    open_tab(page, "Live")
    page.locator("[data-start]").click()
    page.wait_for_function("Number(document.querySelector('.ml-live').dataset.answers) >= 2")


def test_live_mode_shows_what_the_api_says(page: Page, site: Site) -> None:
    frames: list[dict] = []
    page.on(
        "response",
        lambda r: frames.append(r.json()) if r.url == f"{site.url}/predict" else None,
    )
    start_live(page)
    expect(page.locator("[data-message]")).to_contain_text("Nothing is stored")
    page.wait_for_function("Number(document.querySelector('.ml-live').dataset.answers) >= 6")
    page.locator("[data-stop]").click()
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.stopped"))

    # The camera stands still, so the smoothed bars have settled on the answer.
    shares = frames[-1]["prediction"]["probability_distribution"]
    for name in EMOTIONS:
        shown = page.locator(f".ml-live-bar[data-emotion={name}] output").inner_text()
        assert abs(int(shown.split()[0]) - 100 * shares[name]) <= 2
    answers = page.locator(".ml-live").get_attribute("data-answers")
    page.wait_for_timeout(1200)
    assert page.locator(".ml-live").get_attribute("data-answers") == answers


def test_live_mode_never_queues_behind_itself(page: Page) -> None:
    """Each answer is held back for longer than the pace, and still only one frame is under way."""
    page.evaluate(
        """() => {
            const original = window.fetch;
            let underWay = 0;
            window.mostUnderWay = 0;
            window.fetch = async (address, options) => {
                if (!String(address).endsWith('/predict')) return original(address, options);
                underWay += 1;
                window.mostUnderWay = Math.max(window.mostUnderWay, underWay);
                try {
                    const response = await original(address, options);
                    await new Promise((resolve) => setTimeout(resolve, 1200));
                    return response;
                } finally {
                    underWay -= 1;
                }
            };
        }"""
    )
    start_live(page)

    assert page.evaluate("window.mostUnderWay") == 1


def test_live_mode_stops_when_the_page_is_hidden(page: Page) -> None:
    start_live(page)
    page.evaluate(
        """() => {
            Object.defineProperty(document, 'hidden', {get: () => true, configurable: true});
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.hidden"))
    assert page.evaluate("document.querySelector('.ml-live video').srcObject") is None


def test_live_mode_stops_after_a_minute(page: Page) -> None:
    page.clock.install()
    start_live(page)
    page.clock.fast_forward(61_000)

    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.minute"))
    expect(page.locator("[data-start]")).to_be_enabled()


def test_a_minute_is_that_of_its_own_start(page: Page) -> None:
    page.clock.install()
    start_live(page)
    page.clock.fast_forward(30_000)
    page.locator("[data-stop]").click()
    page.locator("[data-start]").click()
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.running"))
    page.clock.fast_forward(40_000)
    page.wait_for_timeout(1000)
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.running"))
    page.clock.fast_forward(20_000)
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.minute"))


def test_live_mode_stops_when_the_camera_is_taken_away(page: Page) -> None:
    start_live(page)
    page.evaluate(
        """() => {
            const { srcObject } = document.querySelector('.ml-live video');
            srcObject.getTracks()[0].dispatchEvent(new Event('ended'));
        }"""
    )
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.absent"))
    expect(page.locator("[data-start]")).to_be_enabled()


def test_live_mode_lets_go_of_a_camera_that_cannot_be_shown(page: Page) -> None:
    page.evaluate(
        """() => {
            HTMLMediaElement.prototype.play = async function play() {
                window.track = this.srcObject.getTracks()[0];
                throw new DOMException('', 'AbortError');
            };
        }"""
    )
    open_tab(page, "Live")
    page.locator("[data-start]").click()
    expect(page.locator("[data-message]")).to_have_text(ENGLISH("live.absent"))
    assert page.evaluate("track.readyState") == "ended"
