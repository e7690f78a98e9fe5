"""One picture: what the page shows is what the API answers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from moodlens.emotions import EMOTIONS
from moodlens.telling.card import HEIGHT, WIDTH
from moodlens.telling.headline import dominant_sentence, headline
from moodlens.telling.wording import wording
from tests.browser.site import (
    EXAMPLES,
    Site,
    as_prediction,
    bars,
    bundled_figures,
    in_order,
    shown_shares,
    upload,
    wait_for_answer,
)

ENGLISH = wording("en")
CAT = EXAMPLES / "cat.jpg"


@pytest.fixture
def cat(page: Page, site: Site) -> dict:
    """The page shows the answer for the cat; this is what the API says about it."""
    answer = site.predict(CAT.read_bytes())
    upload(page, CAT)
    wait_for_answer(page, answer)
    return answer


def test_upload_shows_the_answer_of_the_api(page: Page, cat: dict) -> None:
    prediction = as_prediction(cat)

    expect(page.locator("#headline h2")).to_have_text(headline(prediction, ENGLISH))
    expect(page.locator("#headline .ml-dominant")).to_contain_text(
        dominant_sentence(prediction, ENGLISH)
    )
    drawn = bars(page)
    assert [name for name, _ in drawn] == list(EMOTIONS)
    for (_, length), (_, share) in zip(drawn, in_order(dict(prediction.distribution)), strict=True):
        assert length == pytest.approx(share, abs=1e-4)
    texts = page.locator("#bars .bartext").all_text_contents()
    assert texts == [ENGLISH.percent(prediction.distribution[name]) for name in EMOTIONS]


def test_gauges_and_plane_show_the_answer_of_the_api(page: Page, cat: dict) -> None:
    figures = cat["prediction"]
    measured = bundled_figures()

    for name in ("neutral", "ambiguity", "certainty"):
        meter = page.locator(f"#ml-{name} [role=meter]")
        assert abs(int(meter.get_attribute("aria-valuenow") or -1) - 100 * figures[name]) <= 0.51
        expect(page.locator(f"#ml-{name}")).to_contain_text(ENGLISH(f"gauge.{name}_why"))
    for name in ("valence", "arousal"):
        expect(page.locator(f"#ml-{name}")).to_have_text(ENGLISH.number(figures[name]))
    page.wait_for_selector("#plane .main-svg")
    point, ellipse = page.evaluate(
        """() => {
            const plot = document.querySelector('#plane .js-plotly-plot');
            return [[plot.data[0].x[0], plot.data[0].y[0]],
                    plot.layout.shapes.find((shape) => shape.type === 'circle')];
        }"""
    )
    assert point == pytest.approx([figures["valence"], figures["arousal"]], abs=0.006)
    for axis, name in (("x", "valence"), ("y", "arousal")):
        error = (ellipse[f"{axis}1"] - ellipse[f"{axis}0"]) / 2
        assert error == pytest.approx(measured[f"{name}_mae"], abs=1e-4)


def test_bars_are_sorted_at_the_viewers_choice(page: Page, cat: dict) -> None:
    page.get_by_label("Largest first").check()
    page.wait_for_function(
        """() => {
            const {x} = document.querySelector('#bars .js-plotly-plot').data[0];
            return x.every((share, i) => i === 0 || share <= x[i - 1]);
        }"""
    )
    shares = cat["prediction"]["probability_distribution"]
    assert [name for name, _ in bars(page)] == sorted(EMOTIONS, key=lambda n: -shares[n])

    page.get_by_label("Always the same").check()
    page.wait_for_function(
        "document.querySelector('#bars .js-plotly-plot').data[0].y[0].includes('Anger')"
    )
    assert [name for name, _ in bars(page)] == list(EMOTIONS)


def test_hover_text_is_plain_words(page: Page, cat: dict) -> None:
    bar = page.locator("#bars .bars .point path").first.bounding_box()
    assert bar
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    share = cat["prediction"]["probability_distribution"]["anger"]

    expect(page.locator("#bars .hoverlayer")).to_contain_text(
        f"About {ENGLISH.number(100 * share, 0)} of 100 viewers"
    )


def test_an_example_is_one_click(page: Page, site: Site) -> None:
    answer = site.predict((EXAMPLES / "rocket.jpg").read_bytes())
    page.get_by_role("button", name="Rocket").click()

    wait_for_answer(page, answer)
    expect(page.locator("#picture img").first).to_be_visible()


def test_a_picture_from_the_clipboard(page: Page, site: Site) -> None:
    buffer = io.BytesIO()
    Image.open(CAT).save(buffer, "PNG")
    page.evaluate(
        """async (bytes) => {
            const blob = new Blob([new Uint8Array(bytes)], {type: 'image/png'});
            await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
        }""",
        list(buffer.getvalue()),
    )
    page.locator("#picture").get_by_label("Paste from clipboard").click()

    wait_for_answer(page, site.predict(buffer.getvalue()))


def test_a_snapshot_is_not_mirrored(page: Page, site: Site) -> None:
    page.locator("#picture").get_by_label("Capture from camera").click()
    page.locator("#picture").get_by_text("Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('#picture video')?.videoWidth > 0")
    page.locator("#picture").get_by_label("capture photo").click()
    page.wait_for_selector("#ml-shares", state="attached")
    source = page.locator("#picture img").first.get_attribute("src") or ""
    snapshot = page.request.get(source).body()

    with Image.open(io.BytesIO(snapshot)) as picture:
        red, _, blue = np.asarray(picture.convert("RGB"))[picture.height // 2, picture.width // 4]
    assert red > 150
    assert blue < 100
    wait_for_answer(page, site.predict(snapshot))
    expect(page.locator(".ml-privacy").first).to_contain_text("Nothing is stored")


@pytest.mark.parametrize("data", [b"hello", CAT.read_bytes()[:3000]], ids=["text", "truncated"])
def test_a_broken_file_is_a_toast_with_the_sentence_of_the_api(
    page: Page, site: Site, data: bytes
) -> None:
    sentence = site.predict(data)["error"]
    upload(page, {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data})

    expect(page.get_by_test_id("toast-body")).to_contain_text(sentence)
    expect(page.locator("#headline h2")).to_have_text(ENGLISH("result.waiting"))


def test_a_broken_file_takes_the_answer_before_it_away(page: Page, cat: dict) -> None:
    upload(page, {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})

    expect(page.get_by_test_id("toast-body")).to_contain_text("not a picture")
    expect(page.locator("#headline h2")).to_have_text(ENGLISH("result.waiting"))
    expect(page.locator("#heat")).to_be_hidden()
    expect(page.locator("#picture img")).to_have_count(0)


def test_a_kind_that_browsers_cannot_draw_is_shown_all_the_same(page: Page, site: Site) -> None:
    buffer = io.BytesIO()
    Image.open(CAT).save(buffer, "TIFF")
    upload(page, {"name": "cat.tif", "mimeType": "image/tiff", "buffer": buffer.getvalue()})

    wait_for_answer(page, site.predict(buffer.getvalue()))
    page.wait_for_function("document.querySelector('#picture img')?.naturalWidth > 0")


def test_clearing_the_picture_clears_the_answer(page: Page, cat: dict) -> None:
    page.locator("#picture").get_by_label("Remove Image").click()

    expect(page.locator("#headline h2")).to_have_text(ENGLISH("result.waiting"))
    expect(page.locator("#heat")).to_be_hidden()
    assert [length for _, length in bars(page)] == [0] * 6


def test_heatmaps_are_flicked_through_without_a_request(page: Page, cat: dict) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    def opacities() -> dict[str, float]:
        return page.evaluate(
            """Object.fromEntries([...document.querySelectorAll('.ml-heat-box img')].map(
                (map) => [map.dataset.emotion, Number(getComputedStyle(map).opacity)]))"""
        )

    assert list(opacities()) == list(EMOTIONS)
    for name in EMOTIONS:
        page.locator(f".ml-choices [value={name}]").check()
        page.wait_for_timeout(50)
        assert opacities() == pytest.approx({other: 0.9 * (other == name) for other in EMOTIONS})
        alternative = page.locator(f".ml-heat-box [data-emotion={name}]").get_attribute("alt")
        assert alternative == f"Heatmap of what speaks for {name}"
        told = page.locator(".ml-heat-told").inner_text()
        assert told.startswith(f"{name.capitalize()}: ")
        assert (page.locator(f".ml-choices [value={name}]").get_attribute("data-told")) == told
    page.locator(".ml-strength input").fill("25")
    page.wait_for_timeout(50)
    assert opacities()["surprise"] == pytest.approx(0.25)
    expect(page.locator("#heat")).to_contain_text("not what moves people")
    assert [url for url in requests if not url.startswith("data:")] == []


def test_the_heatmap_covers_what_the_network_sees(page: Page, cat: dict) -> None:
    """The picture is 451 x 300; the network sees a centred square of it."""
    whole = page.locator(".ml-heat-picture > img").bounding_box()
    seen = page.locator(".ml-heat-box").bounding_box()

    assert whole
    assert seen
    assert seen["width"] == pytest.approx(seen["height"], rel=0.02)
    assert seen["height"] <= whole["height"] + 1
    assert seen["x"] + seen["width"] / 2 == pytest.approx(whole["x"] + whole["width"] / 2, abs=2)


def test_the_card_holds_the_result(page: Page, cat: dict, tmp_path: Path) -> None:
    for with_picture in (False, True):
        page.locator("#card-with-picture input").set_checked(with_picture)
        with page.expect_download() as waiting:
            page.locator("#card-button").click()
        path = tmp_path / f"{with_picture}.png"
        waiting.value.save_as(path)
        with Image.open(path) as card:
            assert card.size == (WIDTH, HEIGHT)
            paper = card.convert("RGB").getpixel((200, 300))
        assert (paper == (255, 255, 255)) is not with_picture


def test_a_new_picture_replaces_the_answer(page: Page, site: Site, cat: dict) -> None:
    other = site.predict((EXAMPLES / "retina.jpg").read_bytes())
    page.get_by_role("button", name="Retina").click()

    wait_for_answer(page, other)
    assert shown_shares(page) != cat["prediction"]["probability_distribution"]
