"""Figures show the very numbers, in colours that everyone can tell apart."""

from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert

from moodlens.emotions import EMOTIONS, LABELS, PALETTE, Emotion
from moodlens.telling import charts
from moodlens.telling.affect_chart import AffectError, affect_plane
from moodlens.telling.overlays import FLAT, heats
from moodlens.telling.wording import wording
from tests.support.predictions import make_prediction

ENGLISH = wording("en")
WHITE, NEAR_BLACK = "#FFFFFF", "#1B1A20"
PREDICTION = make_prediction(fear=0.6, disgust=0.2, joy=0.1)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def contrast(a: str, b: str) -> float:
    """WCAG 2's contrast ratio."""

    def luminance(colour: str) -> float:
        channels = rgb(colour)
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", [None, "protanomaly", "deuteranomaly", "tritanomaly"])
def test_any_two_colours_can_be_told_apart(vision: str | None) -> None:
    def seen(colour: str) -> np.ndarray:
        space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100} if vision else "sRGB1"
        return cspace_convert(
            np.clip(cspace_convert(rgb(colour), space, "sRGB1"), 0, 1), "sRGB1", "CIELab"
        )

    for a, b in combinations(PALETTE, 2):
        difference = np.linalg.norm(seen(a.colour) - seen(b.colour))
        assert difference >= 16, (a.name, b.name, difference)


@pytest.mark.parametrize("page", [WHITE, NEAR_BLACK])
@pytest.mark.parametrize("emotion", PALETTE, ids=lambda emotion: emotion.name)
def test_bars_stand_out_from_the_page(emotion: Emotion, page: str) -> None:
    assert contrast(emotion.colour, page) >= 3


def test_share_chart_shows_the_shares_in_fixed_order() -> None:
    bar = charts.share_chart(PREDICTION.distribution, ENGLISH).data[0]

    assert list(bar.x) == [PREDICTION.distribution[name] for name in EMOTIONS]
    assert [label.split()[-1].lower() for label in bar.y] == list(EMOTIONS)
    assert list(bar.marker.color) == [emotion.colour for emotion in PALETTE]
    assert list(bar.text)[2] == "60\u00a0%"


def test_hover_texts_are_plain_words() -> None:
    bar = charts.share_chart(PREDICTION.distribution, ENGLISH).data[0]

    assert bar.hovertext[2] == "About 60 of 100 viewers with a feeling would feel fear"


def test_figures_carry_lists_not_encoded_arrays() -> None:
    for figure in (
        charts.share_chart(PREDICTION.distribution, ENGLISH),
        affect_plane(PREDICTION, ENGLISH, AffectError(0.9, 0.6)),
        charts.difference_chart(PREDICTION.distribution, PREDICTION.distribution, ENGLISH),
    ):
        assert "bdata" not in figure.to_json()


def test_empty_charts_wait_for_a_picture() -> None:
    assert list(charts.share_chart(None, ENGLISH).data[0].x) == [0] * 6
    assert affect_plane(None, ENGLISH).layout.shapes[0].type == "line"


def test_affect_plane_draws_the_point_and_its_error() -> None:
    figure = affect_plane(PREDICTION, ENGLISH, AffectError(0.9, 0.6))
    ellipse = next(shape for shape in figure.layout.shapes if shape.type == "circle")

    assert (figure.data[0].x[0], figure.data[0].y[0]) == (3.0, 6.0)
    assert (ellipse.x0, ellipse.x1) == pytest.approx((2.1, 3.9))
    assert (ellipse.y0, ellipse.y1) == pytest.approx((5.4, 6.6))


def test_affect_plane_without_measured_error_draws_none() -> None:
    figure = affect_plane(PREDICTION, ENGLISH)

    assert all(shape.type != "circle" for shape in figure.layout.shapes)


def test_difference_chart_is_second_minus_first_in_points() -> None:
    other = make_prediction(fear=0.35, disgust=0.2, joy=0.35)
    bar = charts.difference_chart(PREDICTION.distribution, other.distribution, ENGLISH).data[0]

    assert bar.x[EMOTIONS.index("fear")] == pytest.approx(-25)
    assert bar.text[EMOTIONS.index("fear")] == "−25"
    assert bar.text[EMOTIONS.index("joy")] == "+25"
    assert bar.text[EMOTIONS.index("disgust")] == "±0"


def test_numbers_on_charts_are_localised() -> None:
    assert charts.share_chart(PREDICTION.distribution, wording("de")).layout.separators == ",."


def test_overlays_show_where_the_reasons_are() -> None:
    maps = np.zeros((len(LABELS), 4, 4), np.float32)
    maps[EMOTIONS.index("joy"), 0, 0] = 8.0
    maps[EMOTIONS.index("joy")] += 20  # all over the picture: no place
    maps[EMOTIONS.index("fear"), 3, 3] = 1.2
    maps[EMOTIONS.index("anger"), 2, 2] = 0.8 * FLAT

    found = heats(maps)
    alpha = {name: np.asarray(heat.overlay)[..., 3] for name, heat in found.items()}
    side = found["joy"].overlay.width

    assert list(found) == list(EMOTIONS)
    assert alpha["joy"][0, 0] == 255
    assert alpha["joy"][-1, -1] == 0
    assert found["joy"].place == (0, 0)
    assert 90 < alpha["fear"][-1, -1] < 200  # a weaker reason
    assert found["fear"].place == (2, 2)
    assert found["anger"].is_flat
    assert alpha["anger"].max() == 0
    assert tuple(np.asarray(found["joy"].overlay)[side // 2, side // 2, :3]) == tuple(
        (255 * rgb(PALETTE[3].colour)).round().astype(int)
    )


def test_overlays_ignore_what_all_logits_share() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(len(LABELS), 5, 5)).astype(np.float32)
    common = rng.normal(size=(1, 5, 5)).astype(np.float32)

    for a, b in zip(
        heats(maps).values(),
        heats(maps + common).values(),
        strict=True,
    ):
        assert np.abs(np.asarray(a.overlay).astype(int) - np.asarray(b.overlay)).max() <= 2


def test_grouped_bars_keep_series_apart_and_leave_gaps_for_what_is_not_known() -> None:
    figure = charts.grouped_bars(
        ["Top emotion right", "Correlation"],
        {"model": [0.6, 0.65], "prior": [0.4, None]},
        {"model": ["60 %", "0.65"], "prior": ["40 %", "–"]},
        ENGLISH,
    )
    model, prior = figure.data

    assert list(model.x) == [0.6, 0.65]
    assert list(prior.x) == [0.4, None]
    assert list(prior.text) == ["40 %", "–"]
    assert model.marker.color != prior.marker.color
