"""What browser tests do again and again: open the page, bring a picture, read what is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

import moodlens
from moodlens.emotions import EMOTIONS
from moodlens.prediction import ModelInfo, Prediction
from tests.support.running_app import RunningApp

EXAMPLES = Path(moodlens.__file__).parent / "examples"

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PATIENCE_MS = 30_000
"""For one step, on a machine that is busy with other things."""


class Site:
    """The running app as a browser sees it.

    Args:
        app: the process behind it.
    """

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.url = app.url
        self.troubles: list[str] = []

    def open(self, context: BrowserContext) -> Page:
        """The page as Gradio has built it; it notes requests to other hosts and script errors."""
        self.troubles.clear()
        page = context.new_page()
        page.on("request", lambda request: self._note_request(request.url))
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.goto(self.url)
        page.wait_for_selector("#ml-first", state="detached")
        page.wait_for_selector("#plane-waiting .ml-corners")
        return page

    def predict(self, data: bytes) -> dict[str, Any]:
        """What the API says about a picture."""
        answer: dict[str, Any] = self.app.predict(data).json()
        return answer

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"request to another host: {url}")


def new_context(browser: Browser, **settings: Any) -> BrowserContext:
    """A fresh profile; English, light and 1440 x 900 unless told otherwise."""
    settings = {
        "locale": "en-GB",
        "color_scheme": "light",
        "viewport": {"width": 1440, "height": 900},
        "reduced_motion": "reduce",
        **settings,
    }
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    return context


def as_prediction(answer: dict[str, Any]) -> Prediction:
    """The published JSON as the dataclass it was made from."""
    figures = answer["prediction"]
    return Prediction(
        figures["probability_distribution"],
        figures["neutral"],
        figures["valence"],
        figures["arousal"],
        ModelInfo(**answer["model"]),
        figures.get("certainty"),
    )


def bundled_figures() -> dict[str, float]:
    """What the bundled checkpoint reached on pictures that it had not learned from."""
    metrics = _bundled_metrics()
    if metrics["split"]["seen_in_training"]:
        seen: dict[str, float] = metrics["cross_validation"]["mean"]
        return seen
    return {name: figure["value"] for name, figure in metrics["metrics"].items()}


def bundled_emotions() -> dict[str, Any]:
    """The same, emotion by emotion."""
    found: dict[str, Any] = _bundled_metrics()["per_emotion"]
    return found


def _bundled_metrics() -> dict[str, Any]:
    path = EXAMPLES.parent / "bundled" / "metrics.json"
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metrics


def upload(page: Page, file: Any, into: str = "#picture") -> None:
    """Put a file, or a dict of name, mimeType and buffer, into a picture input."""
    page.set_input_files(f"{into} input[type=file]", file)


def wait_for_answer(page: Page, answer: dict[str, Any]) -> None:
    """Until the page shows the shares of this answer, drawn and in words."""
    shares = list(answer["prediction"]["probability_distribution"].values())
    page.wait_for_function(
        """(shares) => {
            const cells = [...document.querySelectorAll('#ml-shares td')];
            return cells.length === 6
                && cells.every((cell, i) => Math.abs(cell.dataset.share - shares[i]) < 0.00015);
        }""",
        arg=shares,
    )
    page.wait_for_selector("#bars .main-svg")


def shown_shares(page: Page) -> dict[str, float]:
    """The shares on the page, by emotion."""
    cells: dict[str, float] = page.evaluate(
        """Object.fromEntries([...document.querySelectorAll('#ml-shares td')].map(
            (cell) => [cell.dataset.emotion, Number(cell.dataset.share)]))"""
    )
    return cells


def bars(page: Page, chart: str = "#bars") -> list[tuple[str, float]]:
    """The name and length of each bar that plotly.js drew, from the top."""
    page.wait_for_selector(f"{chart} .main-svg")
    data = page.evaluate(
        """(chart) => {
            const {x, y} = document.querySelector(chart + ' .js-plotly-plot').data[0];
            return x.map((length, i) => [y[i], length]);
        }""",
        chart,
    )
    return [(re.sub(r"^\W+", "", name).lower(), length) for name, length in data]


def open_tab(page: Page, name: str) -> None:
    """Switch to a tab by its label."""
    page.get_by_role("tab", name=name, exact=True).click()


def in_order(distribution: dict[str, float]) -> list[tuple[str, float]]:
    """The shares in the published order."""
    return [(name, distribution[name]) for name in EMOTIONS]
