"""The page as it is sent: one language, described for searches and links."""

from __future__ import annotations

import io
import json
import re

import httpx
import pytest
from PIL import Image

from moodlens.telling.wording import LANGUAGES, wording
from tests.support.running_app import RunningApp


def document(app: RunningApp, language: str) -> str:
    return httpx.get(app.url, headers={"accept-language": language}, timeout=30).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_one_language(app: RunningApp, language: str) -> None:
    words = wording(language)
    others = [wording(code) for code in LANGUAGES if code != language]
    page = document(app, f"{language}-XX,{language};q=0.9")

    assert f'lang="{language}"' in page
    assert words("result.subjective") in page
    assert words("about.not_1") in page
    assert all(other("result.subjective") not in page for other in others)
    assert "__i18n__" not in page
    assert "translation_metadata" not in page


def test_a_language_that_is_not_spoken_here_gets_the_first(app: RunningApp) -> None:
    assert wording(LANGUAGES[0])("result.subjective") in document(app, "tlh")


def test_config_says_the_same(app: RunningApp) -> None:
    config = httpx.get(f"{app.url}/config", headers={"accept-language": "de"}, timeout=30).text
    assert "__i18n__" not in config
    labels = [part["props"].get("label") for part in json.loads(config)["components"]]
    assert wording("de")("many.tab") in labels


def test_what_links_and_searches_show(app: RunningApp) -> None:
    page = document(app, "en")
    head = page[: page.index("</head>")]
    tags = dict(re.findall(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)">', head))
    words = wording("en")

    assert tags["description"] == tags["og:description"] == words("page.description")
    assert len(tags["description"]) <= 160
    assert f"<title>{tags['og:title']}</title>" in head
    assert "Gradio" not in json.dumps(tags)
    assert head.count("og:title") == 1
    picture = Image.open(io.BytesIO(httpx.get(tags["og:image"]).content))
    assert picture.size == (int(tags["og:image:width"]), int(tags["og:image:height"]))
