"""Where Tab stops, as the page's README says, by the names that screen readers are given."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page

from moodlens import interface
from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, open_tab, upload

ENGLISH = wording("en")
README = Path(interface.__file__).with_name("README.md").read_text(encoding="utf-8")
MOST_STOPS = 80


def written_down(title: str) -> list[tuple[str, str]]:
    """The stops in the README's section: roles, and names in which a * is anything."""
    (section,) = re.findall(rf"## {title}\n(.*?)\n## ", README, re.DOTALL)
    stops = re.findall(r"^\d+\. (\w+) \*\*(.+?)\*\*", section, re.MULTILINE)
    return [(role, name.replace("…", "*")) for role, name in stops]


def focused(session: CDPSession) -> tuple[str, str]:
    """Role and name of what has the focus."""
    found = session.send("Runtime.evaluate", {"expression": "document.activeElement"})
    asked = {"objectId": found["result"]["objectId"], "fetchRelatives": False}
    (node,) = session.send("Accessibility.getPartialAXTree", asked)["nodes"]
    return node["role"]["value"], node.get("name", {}).get("value", "").strip()


def stops(page: Page) -> list[tuple[str, str]]:
    """Where Tab stops between the page's tabs and its foot; a player's own buttons are one stop."""
    session = page.context.new_cdp_session(page)
    session.send("Accessibility.enable")
    page.get_by_role("tab").last.focus()
    found: list[tuple[str, str]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('footer') !== null"):
            return found
        stop = focused(session)
        if not found or stop != found[-1] or stop[0] != "Video":
            found.append(stop)
    raise AssertionError(found)


def one_picture(page: Page) -> None:
    page.locator("[data-example=cat]").click()
    page.wait_for_selector("#heat .ml-heat")
    page.wait_for_selector("#bars .main-svg")


def a_film(page: Page, folder: Path) -> None:
    film = pytest.importorskip("tests.support.film", reason="films are written by PyAV")
    scenes = [(EXAMPLES / "cat.jpg", 0.8), (EXAMPLES / "rocket.jpg", 0.8)]
    path = film.write_film(folder / "film.webm", scenes)
    open_tab(page, ENGLISH("live.tab"))
    page.set_input_files("[data-film-file]", path)
    page.wait_for_selector(".ml-film[data-state=over]", timeout=120_000)
    page.wait_for_selector("[data-film-chart] .main-svg")


def two_pictures(page: Page) -> None:
    open_tab(page, ENGLISH("compare.tab"))
    for side, name in (("left", "cat"), ("right", "rocket")):
        upload(page, EXAMPLES / f"{name}.jpg", f"#compare-{side}")
        page.wait_for_selector(f"#compare-{side}-answer b")
        group = page.get_by_role("group", name=ENGLISH(f"compare.{side}"))
        assert group.get_by_role("button").count() == 5
    page.wait_for_selector("#compare-bars .main-svg")


def many_pictures(page: Page) -> None:
    open_tab(page, ENGLISH("many.tab"))
    page.set_input_files("#many-files input[type=file]", EXAMPLES / "cat.jpg")
    page.wait_for_selector("#many-table")


def test_tab_stops_where_the_readme_says(page: Page, tmp_path: Path) -> None:
    for title, bring in (
        ("One picture, once it is answered", one_picture),
        ("Live, with a film", lambda page: a_film(page, tmp_path)),
        ("Compare, with two pictures", two_pictures),
        ("Many, with one picture", many_pictures),
    ):
        bring(page)
        expected, found = written_down(title), stops(page)
        assert len(found) == len(expected), (title, found)
        for (role, name), stop in zip(expected, found, strict=True):
            assert (stop[0], fnmatchcase(stop[1], name)) == (role, True), (title, name, stop)


def test_arrow_keys_walk_along_a_film(page: Page, tmp_path: Path) -> None:
    a_film(page, tmp_path)
    row = page.locator("[data-film-strip] button")
    row.first.focus()
    for key, place in (("ArrowRight", 1), ("End", row.count() - 1), ("Home", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        assert row.nth(place).evaluate("(button) => button === document.activeElement"), key
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('[data-film-by]')")
