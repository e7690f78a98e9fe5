"""The page in another browser than Chromium: an installed Firefox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from moodlens.emotions import EMOTIONS
from moodlens.telling.headline import headline
from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, Site, as_prediction
from tests.support.firefox import FIREFOX, Firefox

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="no Firefox is installed")

ENGLISH = wording("en")
CAMERA_REFUSED = {"permissions.default.camera": 2}


@pytest.fixture(scope="module")
def firefox(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Firefox with the page, and a camera that it may not have; nothing goes wrong in it."""
    with Firefox(tmp_path_factory.mktemp("firefox"), CAMERA_REFUSED) as running:
        running.resize(1440, 900)
        running.open(site.url)
        running.wait_for("!document.querySelector('#ml-first')")
        running.wait_for("document.querySelector('#plane-waiting .ml-corners')")
        yield running
        assert troubles(running, site) == []


def troubles(firefox: Firefox, site: Site) -> list[str]:
    """Errors of scripts, and addresses of other hosts."""
    found = []
    for event in firefox.events:
        told = event["params"]
        if event["method"] == "network.beforeRequestSent":
            url = told["request"]["url"]
            if not url.startswith((site.url, "data:", "blob:")):
                found.append(url)
        elif told["type"] == "javascript" and told["level"] == "error":
            found.append(told["text"])
    return found


def open_tab(firefox: Firefox, name: str) -> None:
    firefox.click(
        "[...document.querySelectorAll('[role=tab]')].find("
        f"(tab) => tab.innerText.trim() === {json.dumps(name)})"
    )


def test_a_picture_gets_its_headline_and_six_bars(firefox: Firefox, site: Site) -> None:
    cat = EXAMPLES / "cat.jpg"
    answer = site.predict(cat.read_bytes())
    firefox.choose_files("#picture input[type=file]", [cat])
    firefox.wait_for("document.querySelectorAll('#bars .bars .point path').length === 6")

    assert firefox.text("#headline h2") == headline(as_prediction(answer), ENGLISH)
    lengths = firefox.evaluate(
        """[...document.querySelectorAll('#bars .bars .point path')].map(
            (bar) => bar.getBoundingClientRect().width)"""
    )
    shares = [answer["prediction"]["probability_distribution"][name] for name in EMOTIONS]
    assert [length / sum(lengths) for length in lengths] == pytest.approx(shares, abs=0.01)


def test_a_camera_that_is_refused_is_a_sentence(firefox: Firefox) -> None:
    open_tab(firefox, ENGLISH("live.tab"))
    firefox.wait_for("document.querySelector('[data-start]')?.offsetParent")
    firefox.click("document.querySelector('[data-start]')")
    said = json.dumps(ENGLISH("live.refused"))
    firefox.wait_for(f"document.querySelector('[data-message]').textContent === {said}")


def test_a_film_turns_where_its_scenes_do(firefox: Firefox, tmp_path: Path) -> None:
    film = pytest.importorskip("tests.support.film", reason="films are written by PyAV")
    scenes = [(EXAMPLES / "cat.jpg", 1.0), (EXAMPLES / "rocket.jpg", 1.0)]
    path = film.write_film(tmp_path / "film.webm", scenes)
    open_tab(firefox, ENGLISH("live.tab"))
    firefox.choose_files("[data-film-file]", [path])
    firefox.wait_for("document.querySelector('.ml-film[data-state=over]')", patience=120)
    firefox.wait_for("document.querySelectorAll('[data-film-chart] .scatter').length === 7")

    samples = firefox.evaluate("Number(document.querySelector('.ml-film').dataset.samples)")
    assert firefox.text("[data-film-message]") == ENGLISH("film.done", count=samples)
    (turn,) = firefox.evaluate(
        """[...document.querySelectorAll('[data-film-moments] button')].map(
            (moment) => Number(moment.dataset.seconds))"""
    )
    assert turn == pytest.approx(1.0, abs=0.1)
