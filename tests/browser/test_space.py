"""The page on a Space: its own host is all it asks, and pictures are answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.site import EXAMPLES, Site, new_context, upload, wait_for_answer
from tests.support.space import SpaceApp


@pytest.fixture(scope="module")
def space_site() -> Iterator[Site]:
    with SpaceApp() as running:
        running.wait_until_ready()
        yield Site(running)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser)
    yield context
    context.close()


def test_a_picture_is_answered_and_no_other_host_asked(
    space_site: Site, visitor: BrowserContext
) -> None:
    page = space_site.open(visitor)
    picture = EXAMPLES / "rocket.jpg"
    upload(page, picture)
    wait_for_answer(page, space_site.predict(picture.read_bytes()))

    assert space_site.troubles == []
