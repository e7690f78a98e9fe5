"""From the address to a page that takes a picture, in Chromium, against the plain Gradio page.

``python -m tests.benchmarks.until_usable``: at full speed, and on a phone of a quarter of it with a
slow mobile network, medians of some cold loads of each page in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

from tests.benchmarks.figures import Row, table
from tests.benchmarks.plain_page import both_pages
from tests.browser.conftest import launch
from tests.browser.site import new_context

LOADS = 9

_MOMENTS = ("first paint", "takes a picture")
_NOTE = """
new MutationObserver((_, watcher) => {
    if (!document.querySelector('gradio-app #picture input[type=file]')) return;
    window.usable = performance.now();
    watcher.disconnect();
}).observe(document, {childList: true, subtree: true});"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@dataclass(frozen=True, slots=True)
class Device:
    """What loads the page.

    Attributes:
        slower: how many times slower than this machine.
        bits: per second of its network; None where nothing holds it back.
        latency: of each request, in milliseconds.
    """

    slower: float = 1
    bits: float | None = None
    latency: float = 0


DEVICES = {"this machine": Device(), "a phone": Device(4, 1.6e6, 150)}
"""The phone is Lighthouse's: a slow fourth-generation network."""


def main() -> int:
    """Print a table for each device."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.until_usable")
    parser.add_argument("--loads", type=int, default=LOADS)
    loads = parser.parse_args().loads
    load = os.getloadavg()[0]
    with both_pages() as pages, sync_playwright() as playwright:
        browser = launch(playwright)
        for title, device in DEVICES.items():
            found = measure(browser, pages, device, loads)
            rows = [Row(key, "ms", found["ours"][key], found["plain"][key]) for key in _MOMENTS]
            print(f"\n{title}, medians of {loads}, load before {load:.1f}\n\n{table(rows)}")
        browser.close()
    return 0


def measure(
    browser: Browser, pages: Mapping[str, str], device: Device, loads: int
) -> dict[str, dict[str, float]]:
    """By page, medians in milliseconds since the address was opened."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    for _ in tqdm(range(loads)):
        for name, url in pages.items():
            found[name].append(_load(browser, url, device))
    return {
        name: dict(zip(_MOMENTS, map(statistics.median, zip(*times, strict=True)), strict=True))
        for name, times in found.items()
    }


def _load(browser: Browser, url: str, device: Device) -> tuple[float, float]:
    context = new_context(browser, viewport={"width": 412, "height": 823})
    context.add_init_script(_NOTE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": device.slower})
    if device.bits is not None:
        session.send("Network.enable")
        network = {"offline": False, "latency": device.latency}
        speed = device.bits / 8
        network |= {"downloadThroughput": speed, "uploadThroughput": speed}
        session.send("Network.emulateNetworkConditions", network)
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.usable")
    page.wait_for_timeout(500)
    times = page.evaluate(_PAINT), page.evaluate("window.usable")
    context.close()
    return times


if __name__ == "__main__":
    sys.exit(main())
