"""Two pictures side by side, and many at once."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import FilePayload, Page, expect

from moodlens.emotions import EMOTIONS
from moodlens.telling.headline import headline
from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, Site, as_prediction, bars, open_tab, upload

ENGLISH = wording("en")
HOSTILE = "<img src=x onerror=alert(1)>.jpg"
NAMES = ("cat", "coffee", "rocket", "retina")


def jpeg(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def test_compare_shows_the_difference_of_the_shares(page: Page, site: Site) -> None:
    open_tab(page, "Compare")
    answers = []
    for side, name in (("left", "cat"), ("right", "rocket")):
        file = EXAMPLES / f"{name}.jpg"
        answers.append(site.predict(file.read_bytes()))
        upload(page, file, f"#compare-{side}")
        expect(page.locator(f"#compare-{side}-answer b")).to_have_text(
            headline(as_prediction(answers[-1]), ENGLISH)
        )
    page.wait_for_selector("#compare-bars .main-svg")

    first, second = (answer["prediction"]["probability_distribution"] for answer in answers)
    drawn = dict(bars(page, "#compare-bars"))
    for name in EMOTIONS:
        assert drawn[name] == pytest.approx(100 * (second[name] - first[name]), abs=0.02)
    most = max(EMOTIONS, key=lambda name: second[name] - first[name])
    expect(page.locator("#compare-summary")).to_contain_text(f"more {most}")


def test_many_pictures_one_of_them_broken(page: Page, site: Site, tmp_path: Path) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    open_tab(page, "Many")
    files = [jpeg(f"{name}.jpg", (EXAMPLES / f"{name}.jpg").read_bytes()) for name in NAMES]
    broken = jpeg(HOSTILE, b"no picture")
    page.set_input_files("#many-files input[type=file]", [*files, broken])
    expect(page.locator("#many-progress")).to_have_text(
        "Pictures analysed: 4. Not readable: 1; the table says why."
    )
    answers = {file["name"]: site.predict(file["buffer"])["prediction"] for file in files}
    sentence = site.predict(b"no picture")["error"]

    # The gallery, sorted by any emotion.
    for name in ("joy", "fear"):
        page.locator("#many-order input").click()
        page.get_by_role("option", name=f"Most {name} first").click()
        expected = sorted(answers, key=lambda f: -answers[f]["probability_distribution"][name])
        page.wait_for_function(
            """(files) => {
                const captions = [...document.querySelectorAll('#many-gallery .caption-label')];
                return captions.length === files.length
                    && captions.every((caption, i) => caption.textContent.includes(files[i]));
            }""",
            arg=expected,
        )
        share = ENGLISH.percent(answers[expected[0]]["probability_distribution"][name])
        caption = page.locator("#many-gallery .caption-label").first
        expect(caption).to_contain_text(f"{name.capitalize()} {share}")

    # The table says why, and runs nothing.
    cells = page.locator("#many-table").get_by_text(sentence)
    expect(cells.locator("visible=true").first).to_be_visible()
    assert page.locator("#many-table img").count() == 0
    assert dialogs == []

    # The CSV is what the API says.
    with page.expect_download() as waiting:
        page.locator("#many-csv").click()
    path = tmp_path / "moodlens.csv"
    waiting.value.save_as(path)
    table = pd.read_csv(io.BytesIO(path.read_bytes()), encoding="utf-8-sig")
    assert list(table["file"])[:4] == list(answers)
    assert table["problem"][4] == sentence
    for row, answer in zip(table.to_dict("records"), answers.values(), strict=False):
        assert row["dominant_emotion"] == answer["dominant_emotion"]
        for name in EMOTIONS:
            share = answer["probability_distribution"][name]
            assert row[name] == pytest.approx(share, abs=2e-4)


def test_more_than_fifty_files_are_refused(page: Page) -> None:
    open_tab(page, "Many")
    data = (EXAMPLES / "cat.jpg").read_bytes()
    page.set_input_files(
        "#many-files input[type=file]",
        [jpeg(f"{number}.jpg", data) for number in range(51)],
    )
    expect(page.get_by_test_id("toast-body")).to_contain_text("At most 50 files at once")
