"""What the page costs before anybody has asked it anything, held to bounds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from moodlens.interface.gradio_parts.gradio_scripts import chart_file
from tests.browser.site import EXAMPLES, Site, new_context, upload

MOST_BYTES = 600_000
MOST_REQUESTS = 85
CHART_FILE = chart_file()
CHARTS = f"/assets/{CHART_FILE}"


class Traffic:
    """What a page fetches, as it goes over the wire."""

    def __init__(self, page: Page) -> None:
        self.bytes: dict[str, float] = {}
        self._urls: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def fetched(self, part: str) -> bool:
        return any(part in url for url in self._urls.values())

    @property
    def urls(self) -> list[str]:
        return list(self._urls.values())

    def _sent(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if not url.startswith(("data:", "blob:")):
            self._urls[event["requestId"]] = url

    def _finished(self, event: dict[str, Any]) -> None:
        url = self._urls.get(event["requestId"])
        if url is not None:
            self.bytes[url] = event["encodedDataLength"]


NOTE_PAINTS = """
new PerformanceObserver((list) => {
    window.largestPaint = list.getEntries().at(-1).startTime;
}).observe({type: 'largest-contentful-paint', buffered: true});
new MutationObserver(() => {
    if (document.querySelector('#subjective p')) window.built ??= performance.now();
}).observe(document, {subtree: true, childList: true});"""


@pytest.mark.parametrize("width", [390, 1440])
def test_a_cold_load_is_light(browser: Browser, site: Site, width: int) -> None:
    context = new_context(browser, viewport={"width": width, "height": 844})
    context.add_init_script(NOTE_PAINTS)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(site.url)
    page.wait_for_selector("#ml-first", state="detached")
    page.wait_for_timeout(2500)  # whatever comes late

    assert sum(traffic.bytes.values()) < MOST_BYTES
    assert len(traffic.urls) < MOST_REQUESTS
    assert not traffic.fetched(CHARTS)
    assert not traffic.fetched("/assets/hls-")
    assert page.locator(".js-plotly-plot").count() == 0
    # The document knows which scripts Gradio's will ask for, and names no others.
    named = set(re.findall(r"assets/([\w-]+\.js)", page.request.get(site.url).text()))
    fetched = {url.rpartition("/")[2] for url in traffic.urls if "/assets/" in url}
    assert {name for name in fetched if name.endswith(".js")} == named - {CHART_FILE}
    # Nothing that Gradio builds is a larger paint than what stood there before.
    assert page.evaluate("window.largestPaint < window.built")
    # Gradio's style comes before its components', which outweigh it by order alone.
    tab = page.get_by_role("tab").first
    assert tab.evaluate("(tab) => parseFloat(getComputedStyle(tab).paddingInlineStart)") > 0
    context.close()


def test_a_tab_is_built_when_it_is_opened(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    page = site.open(context)
    contents = {
        "Live": "#live button",
        "Compare": "#compare-left",
        "Many": "#many-files",
        "About": "#model dl",
    }
    for tab, content in contents.items():
        assert page.locator(content).count() == 0
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(content)
    # What was opened stays as it was left.
    page.get_by_role("tab", name="Compare").click()
    upload(page, EXAMPLES / "cat.jpg", "#compare-left")
    page.wait_for_selector("#compare-left-answer p")
    page.get_by_role("tab", name="About").click()
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("#compare-left-answer p")
    assert site.troubles == []
    context.close()


def test_an_answer_before_the_page_is_whole_is_told_whole(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    # The browser is never idle, until an answer has come.
    context.add_init_script(
        "window.waiting = []; window.requestIdleCallback = (go) => { waiting.push(go); };"
    )
    page = context.new_page()
    page.goto(site.url)
    page.wait_for_selector("#ml-first", state="detached")
    page.click("[data-example=cat]")
    page.wait_for_selector("#ml-shares", state="attached")
    page.wait_for_timeout(1000)
    assert page.locator("#gauges").count() == 0
    page.evaluate("waiting.forEach((go) => go())")
    page.wait_for_selector("#ml-certainty")
    page.wait_for_selector("#plane .main-svg")
    page.wait_for_selector("#heat .ml-heat")
    context.close()


NOTE_STEPS = """
delete globalThis.Scheduler?.prototype.yield;  // what continues is let in before all others
window.steps = new Set();
const {port1, port2} = new MessageChannel();
port1.onmessage = () => {
    steps.add(document.querySelectorAll('gradio-app *').length);
    port2.postMessage('');
};
port2.postMessage('');"""


def test_others_get_a_turn_while_the_page_is_built(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    context.add_init_script(NOTE_STEPS)
    page = context.new_page()
    page.goto(site.url)
    page.wait_for_selector("#ml-first", state="detached")
    assert page.evaluate("steps.size") > 6
    context.close()


@pytest.mark.parametrize("missing", [".css", "Blocks-", "statustracker-"])
def test_a_file_that_comes_only_the_second_time_stops_nothing(
    browser: Browser, site: Site, missing: str
) -> None:
    context = new_context(browser)
    page = context.new_page()
    failed = []

    def fail_once(route: Route) -> None:
        url = route.request.url
        if missing in url and url not in failed:
            failed.append(url)
            route.abort()
        else:
            route.continue_()

    page.route("**/assets/*", fail_once)
    page.goto(site.url)
    page.wait_for_selector("#ml-first", state="detached")
    page.wait_for_selector("#plane-waiting .ml-corners")
    assert failed
    context.close()


def test_a_frame_without_workers_has_the_page(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    context.add_init_script("window.Worker = class { constructor() { throw new Error(); } };")
    site.open(context)
    assert site.troubles == []
    context.close()


def test_charts_are_fetched_with_the_first_sign_of_life(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(site.url)
    page.wait_for_selector("#ml-first", state="detached")
    page.mouse.move(300, 300)
    page.wait_for_timeout(1500)
    assert traffic.fetched(CHARTS)

    before = len(traffic.urls)
    upload(page, EXAMPLES / "cat.jpg")
    page.wait_for_selector("#bars .main-svg")
    again = [url for url in traffic.urls[before:] if CHARTS in url]
    assert again == []  # the first answer did not have to wait for it
    context.close()
