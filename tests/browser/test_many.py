"""Two pictures side by side, and many at once."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from moodlens.emotions import EMOTIONS
from moodlens.prediction import UNFAMILIAR
from moodlens.telling.charts import signed
from moodlens.telling.headline import close_emotions, headline
from moodlens.telling.lift import by_lift
from moodlens.telling.wording import wording
from tests.browser.site import EXAMPLES, Site, as_prediction, bars, new_context, open_tab, upload

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
    row = page.locator("#compare-shares").get_by_role("row", name=most.capitalize())
    points = signed(drawn[most], ENGLISH)
    shares = [ENGLISH.percent(first[most]), ENGLISH.percent(second[most])]
    assert row.get_by_role("cell").all_text_contents() == [*shares, points]


def test_many_pictures_one_of_them_broken(page: Page, site: Site, tmp_path: Path) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    open_tab(page, "Many")
    files = [jpeg(f"{name}.jpg", (EXAMPLES / f"{name}.jpg").read_bytes()) for name in NAMES]
    broken = jpeg(HOSTILE, b"no picture")
    page.set_input_files("#many-files input[type=file]", [*files, broken])
    expect(page.locator("#many-progress")).to_have_text(
        "Pictures analysed: 4. Not readable: 1; the list says why."
    )
    answers = {file["name"]: site.predict(file["buffer"])["prediction"] for file in files}
    sentence = site.predict(b"no picture")["error"]

    # The gallery, sorted by any emotion.
    for name in ("joy", "fear"):
        page.get_by_label("Order").select_option(f"Most {name} first")
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

    # Or by what it evokes more of than pictures usually do.
    rates = json.loads((EXAMPLES.parent / "bundled/metrics.json").read_text())["base_rates"]
    key, model = by_lift("surprise", rates), site.predict(files[0]["buffer"])["model"]
    page.get_by_label("Order").select_option(ENGLISH("many.by_lift", emotion="Surprise"))
    expected = sorted(
        answers, key=lambda f: key(as_prediction({"prediction": answers[f], "model": model}))
    )
    expect(page.locator("#many-gallery figcaption span")).to_have_text(expected)

    # The table follows the gallery, with the same shares.
    rows = page.locator("#many-table tbody tr")
    assert rows.locator("th").all_text_contents() == expected
    for row, file in zip(rows.all(), expected, strict=True):
        for emotion, share in answers[file]["probability_distribution"].items():
            shown = row.locator(f"[data-figure={emotion}]").inner_text()
            assert abs(int(re.sub(r"\D", "", shown)) - 100 * share) <= 0.52
    for emotion in EMOTIONS:
        shares = [answer["probability_distribution"][emotion] for answer in answers.values()]
        mean = page.locator(f"#many-overview [data-mean={emotion}]").inner_text()
        assert abs(int(re.sub(r"\D", "", mean)) - 100 * sum(shares) / len(shares)) <= 0.52

    # Only those of one emotion.
    first = answers[expected[0]]["dominant_emotion"]
    page.get_by_label("Show").select_option(first.capitalize())
    of_it = [file for file in expected if answers[file]["dominant_emotion"] == first]
    expect(rows.locator("visible=true")).to_have_count(len(of_it))
    expect(page.locator("#many-gallery figure:visible")).to_have_count(len(of_it))

    # Or those that people would disagree about, or that the network knows nothing like.
    predictions = {
        file: as_prediction({"prediction": answers[file], "model": model}) for file in expected
    }
    marked = {
        "clear": [f for f in expected if len(close_emotions(predictions[f])) == 1],
        "disputed": [f for f in expected if len(close_emotions(predictions[f])) > 1],
        "unfamiliar": [f for f in expected if answers[f]["familiarity"] < UNFAMILIAR],
    }
    assert len(set(map(len, marked.values()))) == 3  # or one could stand for another
    for mark, files_of_it in marked.items():
        page.get_by_label("Show").select_option(ENGLISH(f"many.only_{mark}"))
        visible = page.locator("#many-gallery figure:visible figcaption span")
        expect(visible).to_have_text(files_of_it)

    # The list says why, and runs nothing.
    problem = page.locator("#many-problems li")
    expect(problem).to_contain_text(sentence)
    expect(problem).to_contain_text(HOSTILE)
    assert page.locator("#many-results img:not([src^='data:image/jpeg'])").count() == 0
    assert dialogs == []

    # The CSV is what the API says.
    with page.expect_download() as waiting:
        page.locator("#many-csv").click()
    path = tmp_path / "moodlens.csv"
    waiting.value.save_as(path)
    table = pd.read_csv(io.BytesIO(path.read_bytes()), encoding="utf-8-sig")
    assert list(table["file"])[:4] == list(answers)
    assert table["problem"][4] == sentence
    assert table["model"][0] == site.predict(files[0]["buffer"])["model"]["name"]
    assert table["revision"][:4].nunique() == 1
    for record, answer in zip(table.to_dict("records"), answers.values(), strict=False):
        assert record["dominant_emotion"] == answer["dominant_emotion"]
        for name in EMOTIONS:
            share = answer["probability_distribution"][name]
            assert record[name] == pytest.approx(share, abs=2e-4)


def test_more_than_fifty_files_are_refused(page: Page) -> None:
    open_tab(page, "Many")
    data = (EXAMPLES / "cat.jpg").read_bytes()
    page.set_input_files(
        "#many-files input[type=file]",
        [jpeg(f"{number}.jpg", data) for number in range(51)],
    )
    expect(page.get_by_test_id("toast-body")).to_contain_text("At most 50 files at once")


@pytest.mark.parametrize("width", [1024, 1440])
def test_all_columns_are_in_sight(browser: Browser, site: Site, width: int) -> None:
    context = new_context(browser, viewport={"width": width, "height": 900})
    page = site.open(context)
    open_tab(page, "Many")
    page.set_input_files(
        "#many-files input[type=file]",
        [jpeg("x" * 80, (EXAMPLES / "cat.jpg").read_bytes()), jpeg("y" * 80, b"no picture")],
    )
    table = page.locator("#many-table")
    expect(table).to_be_visible()
    frame = page.locator("#many-results .ml-scroll").bounding_box()
    seen = table.bounding_box()
    assert frame
    assert seen
    assert seen["width"] <= frame["width"] + 1
    context.close()


def test_a_folder_is_chosen_at_once(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "pictures" / "holiday"
    folder.mkdir(parents=True)
    for name in ("cat", "rocket"):
        (folder / f"{name}.jpg").write_bytes((EXAMPLES / f"{name}.jpg").read_bytes())
    open_tab(page, "Many")
    with page.expect_file_chooser() as waiting:
        page.get_by_role("button", name=ENGLISH("many.folder")).click()
    waiting.value.set_files(tmp_path / "pictures")

    expect(page.locator("#many-table tbody tr")).to_have_count(2)
    assert not page.evaluate("document.querySelector('#many-files input')?.webkitdirectory")
