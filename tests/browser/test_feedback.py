"""What viewers felt, from the page to the disk and back to the page about agreement."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from moodlens.feedback import FeedbackStore, agreement
from tests.browser.site import EXAMPLES, Site, open_tab, wait_for_answer


@pytest.fixture
def store(site: Site) -> FeedbackStore:
    return FeedbackStore(Path(site.app.environ["MOODLENS_FEEDBACK_FOLDER"]))


@pytest.fixture
def answer(page: Page, site: Site) -> dict:
    answer = site.predict((EXAMPLES / "coffee.jpg").read_bytes())
    page.get_by_role("button", name="Coffee").click()
    wait_for_answer(page, answer)
    return answer


def test_one_click(page: Page, store: FeedbackStore, answer: dict) -> None:
    before = len(list(store.read()))
    page.locator("#feedback").get_by_role("button", name="Joy").click()
    expect(page.locator("#feedback")).to_contain_text("Thank you")

    *_, record = store.read()
    assert len(list(store.read())) == before + 1
    assert record["felt"]["joy"] == 1
    assert record["way"] == "click"
    assert record["model"] == answer["model"]
    assert record["kept"] is None
    figures = answer["prediction"]
    feeling = 1 - figures["neutral"]
    for name, share in figures["probability_distribution"].items():
        assert record["predicted"][name] == pytest.approx(share * feeling, abs=2e-4)


def test_sliders_are_normalised_live(page: Page, store: FeedbackStore, answer: dict) -> None:
    send = page.locator("#feedback [data-send]")
    page.locator("#feedback summary").click()
    expect(send).to_be_disabled()
    for name, value in (("joy", "60"), ("surprise", "20")):
        page.locator(f"[data-slider={name}]").fill(value)
    shown = page.locator("#feedback output").all_text_contents()
    assert shown == ["0\u00a0%", "0\u00a0%", "0\u00a0%", "75\u00a0%", "0\u00a0%", "25\u00a0%"]
    page.locator("#feedback [data-keep]").check()
    send.click()
    expect(page.locator("#feedback")).to_contain_text("Thank you")

    *_, record = store.read()
    assert record["felt"]["joy"] == 0.75
    assert record["felt"]["surprise"] == 0.25
    assert record["way"] == "sliders"
    assert record["kept"]


def test_agreement_counts_the_answers(page: Page, store: FeedbackStore, answer: dict) -> None:
    page.locator("#feedback").get_by_role("button", name="Nothing in particular").click()
    expect(page.locator("#feedback")).to_contain_text("Thank you")
    open_tab(page, "Agreement")
    found = agreement(store.read())
    assert found is not None

    expect(page.locator("#agreement")).to_contain_text(
        f"Answers: {found.answers}. Pictures: {found.pictures}. Mean KL: {found.mean_kl:.2f}"
    )
    page.wait_for_selector("#agreement-bars .main-svg")
    felt, predicted = page.evaluate(
        "document.querySelector('#agreement-bars .js-plotly-plot').data.map((bars) => bars.x)"
    )
    assert felt == pytest.approx(list(found.felt.values()))
    assert predicted == pytest.approx(list(found.predicted.values()))
