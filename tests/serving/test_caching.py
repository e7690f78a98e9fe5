"""What never changes is kept."""

from __future__ import annotations

import re

import httpx

from tests.support.running_app import RunningApp

FOR_EVER = "public, max-age=31536000, immutable"


def test_hashed_files_are_kept_and_the_page_is_not(app: RunningApp) -> None:
    page = httpx.get(app.url).text
    script = re.search(r"assets/index-[\w-]+\.js", page)
    example = re.search(r"page/cat-\w+\.webp", page)
    assert script
    assert example
    for path in (script[0], example[0]):
        assert httpx.get(f"{app.url}/{path}").headers["cache-control"] == FOR_EVER
    assert httpx.get(app.url).headers["cache-control"] == "no-cache"
    assert "cache-control" not in httpx.get(f"{app.url}/assets/index-00000000.js").headers
    assert httpx.get(f"{app.url}/page/cat-0000000000.webp").status_code == 404
