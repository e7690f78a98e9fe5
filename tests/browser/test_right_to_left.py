"""A page that runs from right to left, in letters of another script: one more file, and no more."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, Site, new_context, open_tab, upload, wait_for_answer
from tests.support.pseudo_hebrew import CODE, copy_with_hebrew, in_hebrew_letters
from tests.support.running_app import RunningApp


@pytest.fixture(scope="module")
def hebrew_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("hebrew")
    main = copy_with_hebrew(folder)
    command = (sys.executable, str(main))
    with RunningApp(folder, {"PYTHONPATH": str(folder)}, command=command) as running:
        running.wait_until_ready()
        yield Site(running)


def said(key: str) -> str:
    return in_hebrew_letters(wording("en")(key))


def edges(page: Page, selector: str) -> list[tuple[float, float]]:
    """Left and right edge of each such element, in pixels."""
    found: list[tuple[float, float]] = page.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].map((element) => {
            const {left, right} = element.getBoundingClientRect();
            return [left, right];
        })""",
        selector,
    )
    return found


@pytest.mark.parametrize("width", [390, 1440])
def test_everything_starts_at_the_right(browser: Browser, hebrew_site: Site, width: int) -> None:
    context = new_context(browser, locale=f"{CODE}-IL", viewport={"width": width, "height": 900})
    page = hebrew_site.open(context)
    cat = EXAMPLES / "cat.jpg"
    upload(page, cat)
    wait_for_answer(page, hebrew_site.predict(cat.read_bytes()))

    # The words, of which none stayed English, and the tabs.
    assert page.locator(".block[dir=ltr]").count() == 0
    assert page.locator("#ml-neutral .ml-gauge-top span").inner_text() == said("gauge.neutral")
    for place in ("#headline h2", ".ml-header p", "#subjective p"):
        directions = page.locator(place).evaluate("(text) => getComputedStyle(text).direction")
        assert directions == "rtl"
    tabs = edges(page, "[role=tab]")
    assert tabs == sorted(tabs, reverse=True) or width == 390  # where they take two lines

    # Bars: the meters' begin at the right, the chart's keep their names whole.
    page.wait_for_timeout(500)
    meters = zip(edges(page, ".ml-meter"), edges(page, ".ml-meter i"), strict=True)
    for meter, bar in meters:
        assert bar[1] == pytest.approx(meter[1], abs=1)
    (chart,) = edges(page, "#bars .js-plotly-plot")
    for name in edges(page, "#bars .ytick text"):
        assert chart[0] - 1 <= name[0] < name[1] <= chart[1]
        assert name[1] - name[0] > 25

    open_tab(page, said("many.tab"))
    page.set_input_files("#many-files input[type=file]", cat)
    page.wait_for_selector("#many-table")
    first, *_ = edges(page, "#many-table thead th")
    assert all(first[1] >= other[1] for other in edges(page, "#many-table thead th"))
    rows = zip(edges(page, ".ml-reach"), edges(page, ".ml-reach b"), strict=True)
    assert all(bar[1] == pytest.approx(row[1], abs=1) for row, bar in rows)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert hebrew_site.troubles == []
    context.close()
